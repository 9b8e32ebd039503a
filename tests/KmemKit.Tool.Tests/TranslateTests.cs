using System.Linq;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>The three strategies on one board: where the RAM behind the hole is, and that the hole itself is nowhere.</summary>
public sealed class TranslateTests
{
    // virt of 0x12000000, by strategy: behind the hole; moved down over it (and 1 MiB up again to keep 2 MiB alignment); behind it again.
    [TestCase("msm8974", 0x12000000UL, "0xd2000000")]
    [TestCase("msm8974-dont-map-hole", 0x12000000UL, "0xc7600000")]
    [TestCase("msm8974-vmalloc-saving", 0x12000000UL, "0xd2000000")]
    public void RAM_behind_the_hole_is_where_the_strategy_puts_it(string board, ulong address, string expected) =>
        Assert.That(Physical(board, address), Is.EqualTo(("logical", expected)));

    [TestCase("msm8974")]
    [TestCase("msm8974-dont-map-hole")]
    [TestCase("msm8974-vmalloc-saving")]
    public void The_hole_has_no_virtual_address(string board)
    {
        Assert.That(Physical(board, 0x7500000), Is.EqualTo(("hole", (string?)null)));
        Assert.That(Physical(board, 0x11ffffff), Is.EqualTo(("hole", (string?)null)));
    }

    [Test]
    public void The_virtual_addresses_of_a_saved_hole_are_vmalloc() =>
        Assert.That(Virtual("msm8974-vmalloc-saving", 0xc8000000), Is.EqualTo(("vmalloc", (string?)null)));

    [Test]
    public void The_virtual_addresses_of_a_hole_that_costs_lowmem_are_a_hole() =>
        Assert.That(Virtual("msm8974", 0xc8000000), Is.EqualTo(("hole", (string?)null)));

    [Test]
    public void A_device_is_named_by_its_label()
    {
        var result = Kmem.Run("translate", "boards/qcom/msm8974", "0xf991e004");

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("as physical: device uart2; device /soc/serial@f991e000"));
        Assert.That(result.Output, Does.Match(@"boards/qcom/msm8974/msm8974\.dtsi\(\d+,\d+\)"));
    }

    [Test]
    public void Addresses_are_answered_in_their_order() =>
        Assert.That(
            Kmem.Run("translate", "--json", "boards/pc/pc-64", "0x1000", "0xffff888000001000", "0x0").Json.Single().GetProperty("addresses")
                .EnumerateArray().Select(a => a.GetProperty("address").GetString()),
            Is.EqualTo(new[] { "0x1000", "0xffff888000001000", "0x0" }));

    private static (string?, string?) Physical(string board, ulong address) => Ask(board, address, "physical");

    private static (string?, string?) Virtual(string board, ulong address) => Ask(board, address, "virtual");

    private static (string?, string?) Ask(string board, ulong address, string side)
    {
        var meaning = Kmem.Run("translate", "--json", "boards/qcom/" + board, $"0x{address:x}").Json.Single().GetProperty("addresses")[0].GetProperty(side);
        return (meaning.GetProperty("kind").GetString(), meaning.GetProperty("maps_to").GetString());
    }
}
