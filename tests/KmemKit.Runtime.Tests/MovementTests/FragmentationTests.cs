using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Compaction;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Tests.PageTests;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.MovementTests;

/// <summary>Fragmentation as the kernel computes and prints it.</summary>
internal sealed class FragmentationTests
{
    // What kernels printed, from the messages "mm, compaction: correct the bounds of __fragmentation_index()" (2018) and "make extfrag_index show more pretty" (2021) on linux-mm.
    [TestCase("1983 0 0 0 0 0 0 0 0 0 0", false, "-1.000 0.500 0.750 0.875 0.937 0.969 0.984 0.992 0.996 0.998 0.999 ")]
    [TestCase("1 0 0 0 0 0 0 0 0 0 0", false, "-1.000 0.-500 0.-250 0.-125 0.-62 0.-31 0.-15 0.-07 0.-03 0.-01 0.000 ", Description = "the sign between -1 and 0")]
    [TestCase("0 0 0 0 0 0 0 0 0 0 1", true, "-1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 -1.000 ")]
    [TestCase("1983 0 0 0 0 0 0 0 0 0 0", true, "-1.000  0.500  0.750  0.875  0.937  0.969  0.984  0.992  0.996  0.998  0.999 ", Description = "from 5.16 on")]
    [TestCase("0 0 0 0 0 0 0 0 0 0 0", false, "0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 ")]
    public void The_fragmentation_index_is_that_of_real_kernels(string blocks, bool isPadded, string expected)
    {
        var info = new BuddyInfo([new BuddyInfoZone(0, "DMA", [.. blocks.Split(' ').Select(uint.Parse)])]);
        Assert.That(FragmentationInfo.Of(info, isPadded).ToExtfragIndexText(), Is.EqualTo("Node 0, zone      DMA " + expected + "\n"));
    }

    // By hand: of 3 * 1 + 2 * 2 + 1 * 8 = 15 free pages, requests of order 1 cannot use 3, of order 2 and 3 7, of order 4 and up none at all.
    [Test]
    public void The_unusable_index_is_the_part_of_free_memory_that_is_in_smaller_blocks()
    {
        var info = FragmentationInfo.Of(new BuddyInfo([new BuddyInfoZone(1, "Normal", [3, 2, 0, 1, 0]), new BuddyInfoZone(1, "Movable", [0, 0, 0, 0, 0])]), false);
        Assert.That(info.ToUnusableIndexText(), Is.EqualTo("Node 1, zone   Normal 0.000 0.200 0.466 0.466 1.000 \nNode 1, zone  Movable 1.000 1.000 1.000 1.000 1.000 \n"));
        Assert.That(info.Zones.Select(zone => (zone.FreePages, zone.LargestOrder)), Is.EqualTo(new[] { (15UL, 3), (0UL, -1) }));
        Assert.Throws<ArgumentOutOfRangeException>(() => FragmentationIndex.Unusable([1, 2], 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => FragmentationIndex.External([1, 2], -1));
    }

    [Test]
    public void An_allocator_shows_what_its_lists_hold()
    {
        using var machine = Machine.Arm(64 * Machine.MiB);
        var page = machine.Cpu.AllocPages(GfpFlags.Kernel, 3);
        var info = FragmentationInfo.Of(machine.Allocator);
        Assert.That(info.IsPadded, Is.False, "4.4");
        Assert.That(info.Zones[0].FreePages, Is.EqualTo((ulong)machine.Allocator.Zones[0].FreePages));
        Assert.That(info.Zones[0].Unusable, Is.Ordered);
        Assert.That(info.Zones[0].External, Is.All.EqualTo(-1000));
        Assert.That(info.ToString(), Does.StartWith("unusable_index\nNode 0, zone   Normal 0.000 0."));
        machine.Cpu.FreePages(page, 3);
    }

    [Test]
    public void Internal_fragmentation_is_what_blocks_have_beyond_the_request()
    {
        // 65 kB take 128 kB; alloc_pages_exact keeps 68.
        var report = InternalFragmentation.Of(PageGeometry.FourKiB, [65 << 10, 4096, 1, 65 << 10]);
        Assert.That(report.Orders, Is.EqualTo(new[]
        {
            new OrderWaste(0, 2, 4097, 8192, 8192), new OrderWaste(5, 2, 130 << 10, 256 << 10, 136 << 10),
        }));
        Assert.That(report.Waste, Is.EqualTo(((264 << 10) - (130 << 10) - 4097) * 1000 / (264 << 10)));
        Assert.That(report.ToString(), Is.EqualTo(
            "order   requests        asked    in blocks        exact\n"
            + "    0          2         4 kB         8 kB         8 kB\n"
            + "    5          2       130 kB       256 kB       136 kB\n"
            + "waste 0.492\n"));
        Assert.That(InternalFragmentation.Of(PageGeometry.FourKiB, []).Waste, Is.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => InternalFragmentation.Of(PageGeometry.FourKiB, [0]));
        Assert.That(InternalFragmentation.Of(PageGeometry.SixtyFourKiB, [65537]).Orders.Single(), Is.EqualTo(new OrderWaste(1, 1, 65537, 131072, 131072)));
    }

    [Test]
    public void Events_are_named_as_in_vmstat()
    {
        using var machine = Machine.Boot(
            TargetArchitecture.Arm, Machine.ArmPolicy() with { Bootargs = new BootArguments { Cma = Machine.Set(new CmaArgument(8 << 20, null, null)) } }, null, null, (0, 64 * Machine.MiB, 0));
        var area = machine.Allocator.CmaAreas.Single();
        area.Alloc(machine.Cpu, 2048);
        area.Alloc(machine.Cpu, 1);
        Assert.That(machine.Allocator.Events.ToString(), Is.EqualTo(
            "pgmigrate_success 0\npgmigrate_fail 0\ncompact_migrate_scanned 0\ncompact_free_scanned 0\n"
            + "compact_isolated 0\ncompact_stall 0\ncompact_fail 0\ncompact_success 0\ncma_alloc_success 1\ncma_alloc_fail 1\n"));
    }
}
