using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.ProcTexts;

/// <summary><c>/proc/iomem</c> against what real kernels printed (<c>tests/vectors/proc</c>).</summary>
public sealed class IomemTextTests
{
    private static IEnumerable<string> Kernels => Directory.GetDirectories(Path.Combine(TestBoards.Root, "tests", "vectors", "proc"))
        .Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal);

    private static string Text(string kernel) => File.ReadAllText(Path.Combine(TestBoards.Root, "tests", "vectors", "proc", kernel, "iomem"));

    private static (int Level, PhysRange Range, string Name)[] Lines(string kernel) => Text(kernel).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
    {
        var parts = line.TrimStart().Split(" : ", 2);
        var bounds = parts[0].Split('-').Select(n => ulong.Parse(n, NumberStyles.HexNumber, CultureInfo.InvariantCulture)).ToArray();
        return ((line.Length - line.TrimStart().Length) / 2, PhysRange.FromBounds(new PhysAddr(bounds[0]), bounds[1] + 1), parts[1]);
    }).ToArray();

    [TestCaseSource(nameof(Kernels))]
    public void Requested_level_by_level_a_kernels_resources_print_as_the_kernel_prints_them(string kernel)
    {
        var tree = new ResourceTree();
        var parents = new List<Resource> { tree.Root };
        foreach (var (level, range, name) in Lines(kernel))
        {
            parents.RemoveRange(level + 1, parents.Count - level - 1);
            parents.Add(tree.Request(range, name, parent: parents[level]));
        }
        Assert.That(IomemText.Write(tree), Is.EqualTo(Text(kernel)));
    }

    // Children come before their parents: each parent has to take in what is there.
    [TestCaseSource(nameof(Kernels))]
    public void Inserted_from_the_last_line_to_the_first_they_find_their_levels(string kernel)
    {
        var tree = new ResourceTree();
        foreach (var (_, range, name) in Lines(kernel).Reverse())
            tree.Insert(range, name);
        Assert.That(IomemText.Write(tree), Is.EqualTo(Text(kernel)));
    }

    [Test]
    public void Deeper_than_five_levels_is_not_indented_further()
    {
        var tree = new ResourceTree();
        for (var i = 0; i < 7; i++)
            tree.Insert(new PhysRange(PhysAddr.Zero, 0x1000UL >> i), "r");
        Assert.That(IomemText.Write(tree).Split('\n').Select(l => l.Length - l.TrimStart().Length), Is.EqualTo(new[] { 0, 2, 4, 6, 8, 10, 10, 0 }));
    }

    [Test]
    public void A_boards_ram_is_busy_and_its_devices_wait_for_a_driver()
    {
        var layout = TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
            reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges; modem@50000000 { no-map; reg = <0 0x50000000 0 0x100000>; }; };
            soc {
                #address-cells = <2>; #size-cells = <2>; ranges;
                uart@9000000 { reg = <0 0x9000000 0 0x1000>; };
                rtc@9010000 { reg = <0 0x9010000 0 0x1000>; status = "disabled"; };
            };
            """);
        using var memory = PhysicalMemory.Create(layout);
        memory.RequestMemRegion(new PhysRange(new PhysAddr(0x900_0000), 0x1000), "pl011", null);
        Assert.That(IomemText.Write(memory.Iomem), Is.EqualTo(
            "09000000-09000fff : /soc/uart@9000000\n"
            + "  09000000-09000fff : pl011\n"
            + "40000000-4fffffff : System RAM\n"
            + "50000000-500fffff : reserved\n"
            + "50100000-7fffffff : System RAM\n"));
    }

    [Test]
    public void A_device_over_ram_is_refused_and_reported()
    {
        using var memory = PhysicalMemory.Create(TestBoards.Arm64("""
            memory@40000000 { device_type = "memory"; reg = <0 0x40000000 0 0x40000000>; };
            soc { #address-cells = <2>; #size-cells = <2>; ranges; dma@3ffff000 { reg = <0 0x3ffff000 0 0x2000>; }; };
            """));
        Assert.That(memory.RefusedDevices.Single().Message, Does.Contain("/soc/dma@3ffff000").And.Contain("System RAM"));
        Assert.That(IomemText.Write(memory.Iomem), Is.EqualTo("40000000-7fffffff : System RAM\n"));
    }

    [TestCase("qcom/msm7x27")]
    [TestCase("qcom/msm7x30")]
    [TestCase("qcom/msm8974")]
    [TestCase("pc/pc-64")]
    [TestCase("qemu/virt-cortex-a53")]
    [TestCase("qemu/mps2-an505")]
    public void Every_board_has_its_ram_in_the_list_and_no_device_in_the_ram(string board)
    {
        var layout = TestBoards.Repository(board);
        var (tree, refused) = IomemMap.FromLayout(layout);
        var ram = tree.Root.Children.Where(c => c.Name == "System RAM").Aggregate(0UL, (sum, c) => sum + c.Range.Size.Value);
        Assert.That(ram, Is.EqualTo((layout.LowPages + layout.HighPages) << layout.Pages.PageShift));
        Assert.That(refused, Is.Empty, string.Join("\n", refused.Select(r => r.Message)));
    }
}
