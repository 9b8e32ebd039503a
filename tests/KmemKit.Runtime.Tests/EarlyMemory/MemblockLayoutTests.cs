using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Memblock;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;
using static KmemKit.Runtime.Tests.Harness.Sizes;

namespace KmemKit.Runtime.Tests.EarlyMemory;

using Memblock = KmemKit.Runtime.Memblock.Memblock;

/// <summary>memblock of a board.</summary>
public sealed class MemblockLayoutTests
{
    [TestCase("qcom/msm7x27")]
    [TestCase("qcom/msm7x30")]
    [TestCase("qcom/msm8974")]
    [TestCase("qcom/msm8974-dont-map-hole")]
    [TestCase("qcom/msm8974-vmalloc-saving")]
    [TestCase("qcom/apq8016-sbc")]
    [TestCase("pc/pc-32")]
    [TestCase("pc/pc-pae")]
    [TestCase("pc/pc-64")]
    [TestCase("qemu/virt-cortex-a15")]
    [TestCase("qemu/virt-cortex-a53")]
    [TestCase("qemu/mps2-an385")]
    [TestCase("qemu/integratorcp-arm946")]
    public void Mapped_memory_is_the_layouts_banks(string board)
    {
        var layout = TestBoards.Repository(board);
        var memblock = Memblock.FromLayout(layout);
        var pages = memblock.Memory.Where(r => !r.Flags.HasFlag(MemblockFlags.NoMap)).Aggregate(0UL, (sum, r) => sum + layout.Pages.PagesIn(r.Range.Size));
        Assert.That(pages, Is.EqualTo(layout.LowPages + layout.HighPages));
        foreach (var bank in layout.Banks)
        {
            Assert.That(memblock.IsMapMemory(bank.Range.Start));
            Assert.That(memblock.IsMapMemory(bank.Range.Last));
        }
        foreach (var hole in layout.Holes)
            Assert.That(memblock.IsMapMemory(hole.Range.Start), Is.False);
        Assert.That(memblock.Messages, Is.Empty);
    }

    [Test]
    public void With_highmem_what_is_placed_lies_in_lowmem()
    {
        var layout = TestBoards.Repository("qcom/msm8974");
        Assert.That(layout.Banks.Any(b => b.Kind == BankKind.Highmem), "the board has highmem");
        var memblock = Memblock.FromLayout(layout);
        while (memblock.Alloc(16 * M) is { } place)
            Assert.That(place + (16 * M), Is.LessThanOrEqualTo(new PhysAddr(layout.LowmemLimit.Value)));
        Assert.That(memblock.Reserved.TotalSize, Is.GreaterThan((AddressLimit)(64 * M)));
    }

    private const string ReservedRegions = """
        memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
        reserved-memory {
            #address-cells = <2>; #size-cells = <2>; ranges;
            modem@50000000 { no-map; reg = <0 0x50000000 0 0x100000>; };
            log@60000000 { reg = <0 0x60000000 0 0x10000>; };
            outside@10000000 { no-map; reg = <0 0x10000000 0 0x10000>; };
        };
        """;

    [Test]
    public void No_map_regions_are_marked_where_there_is_memory_and_others_are_reserved()
    {
        var memblock = Memblock.FromLayout(TestBoards.Arm64(ReservedRegions));
        Assert.That(Show(memblock.Memory), Is.EqualTo("1G-1280M@0 1280M-1281M@0+NoMap 1281M-2G@0"));
        Assert.That(Show(memblock.Reserved), Is.EqualTo("1536M-1572928K"));
    }

    [Test]
    public void Nodes_and_hotpluggable_banks_come_from_the_memory_nodes()
    {
        var memblock = Memblock.FromLayout(TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; numa-node-id = <0>; };
            memory@80000000 { device_type = "memory"; reg = <0 0x80000000 0 0x40000000>; numa-node-id = <1>; hotpluggable; };
            """));
        Assert.That(Show(memblock.Memory), Is.EqualTo("1G-2G@0 2G-3G@1+Hotplug"));
    }
}
