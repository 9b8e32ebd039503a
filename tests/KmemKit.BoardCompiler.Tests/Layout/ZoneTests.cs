using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>Zones, page descriptors and reserved regions with a size only.</summary>
public class ZoneTests
{
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;

    private static Board Arm1G(Policy policy) => BoardBuilder.Board(TargetArchitecture.Arm, policy, (0, 1024 * MiB));

    private static (string, ulong, ulong)[] Zones(MemoryLayout layout) =>
        layout.Zones.Select(z => (z.Name, z.Start.Number, z.Present)).ToArray();

    [Test]
    public void Zone_DMA_without_a_size_is_all_of_lowmem()
    {
        var layout = BoardBuilder.Layout(Arm1G(Arm(3, 4) with { ZoneDma = Set(true) }));
        Assert.That(Zones(layout), Is.EqualTo(new[] { ("DMA", 0UL, 760 * MiB >> 12), ("HighMem", 760 * MiB >> 12, 264 * MiB >> 12) }));
    }

    [Test]
    public void Zone_DMA_with_a_size_takes_the_start_of_lowmem()
    {
        var layout = BoardBuilder.Layout(Arm1G(Arm(3, 4) with { ZoneDma = Set(true), ZoneDmaSize = Set(64 * MiB) }));
        Assert.That(Zones(layout).Select(z => z.Item1), Is.EqualTo(new[] { "DMA", "Normal", "HighMem" }));
        Assert.That(layout.Zones[0].Present, Is.EqualTo(64 * MiB >> 12));
    }

    [Test]
    public void Movablecore_comes_out_of_the_highest_zone()
    {
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Movablecore = Set(new MemoryAmount(128 * MiB, null)) } };
        var layout = BoardBuilder.Layout(Arm1G(policy));
        Assert.That(Zones(layout), Is.EqualTo(new[]
        {
            ("Normal", 0UL, 760 * MiB >> 12), ("HighMem", 760 * MiB >> 12, 136 * MiB >> 12), ("Movable", 896 * MiB >> 12, 128 * MiB >> 12),
        }));
    }

    [Test]
    public void Kernelcore_is_what_stays_unmovable()
    {
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Kernelcore = Set(new MemoryAmount(800 * MiB, null)) } };
        Assert.That(Zones(BoardBuilder.Layout(Arm1G(policy)))[^1], Is.EqualTo(("Movable", 800 * MiB >> 12, 224 * MiB >> 12)));
    }

    [Test]
    public void Movable_memory_is_more_than_the_highest_zone_takes_only_the_zone()
    {
        // 760 MiB of lowmem stay the kernel's, whatever kernelcore= says.
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Kernelcore = Set(new MemoryAmount(100 * MiB, null)) } };
        Assert.That(Zones(BoardBuilder.Layout(Arm1G(policy))), Is.EqualTo(new[]
        {
            ("Normal", 0UL, 760 * MiB >> 12), ("Movable", 760 * MiB >> 12, 264 * MiB >> 12),
        }));
    }

    [Test]
    public void Kernelcore_is_spread_evenly_over_nodes_and_a_small_node_leaves_its_share_to_the_others()
    {
        var board = BoardBuilder.Board(TargetArchitecture.X64, new Policy
        {
            Numa = Set(true),
            Bootargs = new BootArguments { Kernelcore = Set(new MemoryAmount(3 * GiB, null)) },
        }, (4 * GiB, 5 * GiB), (8 * GiB, 16 * GiB));
        board = board with { Banks = [board.Banks[0], board.Banks[1] with { NumaNode = 1 }] };
        // 1.5 GiB each: node 0 has 1 GiB and gives all of it, node 1 takes the other 2 GiB.
        Assert.That(BoardBuilder.Layout(board).Zones.Select(z => (z.Name, z.Node, z.Present)), Is.EqualTo(new[]
        {
            ("Normal", 0, GiB >> 12), ("Normal", 1, 2 * GiB >> 12), ("Movable", 1, 6 * GiB >> 12),
        }));
    }

    [Test]
    public void Movable_memory_starts_at_a_largest_block()
    {
        // 801 MiB of kernelcore: the start is rounded up to 4 MiB.
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Kernelcore = Set(new MemoryAmount(801 * MiB, null)) } };
        Assert.That(Zones(BoardBuilder.Layout(Arm1G(policy)))[^1], Is.EqualTo(("Movable", 804 * MiB >> 12, 220 * MiB >> 12)));
    }

    [Test]
    public void When_the_kernel_has_its_share_the_banks_behind_are_movable_from_where_it_ended()
    {
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Kernelcore = Set(new MemoryAmount(800 * MiB, null)) } };
        var layout = BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm, policy, (0, 900 * MiB), (2048 * MiB, 2148 * MiB)));
        Assert.That(Zones(layout)[^1], Is.EqualTo(("Movable", 800 * MiB >> 12, 200 * MiB >> 12)));
    }

    [Test]
    public void A_percentage_counts_of_all_memory()
    {
        var policy = Arm(3, 4) with { Bootargs = new BootArguments { Movablecore = Set(new MemoryAmount(null, 25)) } };
        Assert.That(Zones(BoardBuilder.Layout(Arm1G(policy)))[^1], Is.EqualTo(("Movable", 768 * MiB >> 12, 256 * MiB >> 12)));
    }

    [Test]
    public void Zones_partition_RAM()
    {
        var layout = BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm,
            Arm(3, 4) with { ZoneDma = Set(true), ZoneDmaSize = Set(32 * MiB) }, (0, 100 * MiB), (300 * MiB, 900 * MiB), (2048 * MiB, 3072 * MiB)));
        Assert.That(layout.Zones.Aggregate(0UL, (sum, z) => sum + z.Present), Is.EqualTo(layout.LowPages + layout.HighPages));
    }

    [Test]
    public void Sparse_sections_are_those_that_hold_memory()
    {
        // msm: sections of 256 MiB
        var policy = Arm(2, 6) with { MemoryModel = Set(MemoryModelKind.Sparse), SectionSizeBits = Set(28), LinuxVersion = Set(new LinuxVersion(2, 6, 35)) };
        var layout = BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm, policy, (0, 128 * MiB), (0x4000_0000, 0x4000_0000 + 300 * MiB)));
        Assert.Multiple(() =>
        {
            Assert.That(layout.Model.Sections, Is.EqualTo(new[]
            {
                new MemorySection(0, 128 * MiB >> 12), new MemorySection(4, 256 * MiB >> 12), new MemorySection(5, 44 * MiB >> 12),
            }));
            Assert.That(layout.Model.DescribedPages, Is.EqualTo(3 * (256 * MiB >> 12)));
        });
    }

    [TestCase(5, 11, 12, 30)]
    [TestCase(5, 12, 12, 27)]
    [TestCase(5, 12, 16, 29)]
    public void An_arm64_section_is_1_GiB_up_to_5_11_and_smaller_from_5_12(int major, int minor, int shift, int bits)
    {
        var policy = new Policy { LinuxVersion = Set(new LinuxVersion(major, minor)), PageGeometry = Set(new PageGeometry(shift)) };
        Assert.That(BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm64, policy, (GiB, 2 * GiB))).Model.SectionSizeBits, Is.EqualTo(bits));
    }

    [Test]
    public void Flat_describes_the_holes_too()
    {
        var layout = BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm, Arm(3, 4), (0, 128 * MiB), (256 * MiB, 512 * MiB)));
        Assert.That(layout.Model.DescribedPages, Is.EqualTo(512 * MiB >> 12));
    }

    [Test]
    public void A_region_without_address_goes_as_high_as_it_fits_below_what_is_taken()
    {
        var board = Arm1G(Arm(4, 4)) with
        {
            Reserved =
            [
                new ReservedRegion("fixed", Range(760 * MiB, 768 * MiB), default),
                new ReservedRegion("pool", null, default) { DynamicSize = 16 * MiB, DynamicAlignment = 4 * MiB },
                new ReservedRegion("in-range", null, default) { DynamicSize = MiB, AllocRanges = [Range(0, 100 * MiB), Range(0, 200 * MiB)] },
            ],
        };
        var layout = BoardBuilder.Layout(board);
        Assert.That(layout.Reserved.Select(r => r.Range), Is.EqualTo(new[]
        {
            Range(760 * MiB, 768 * MiB), Range(744 * MiB, 760 * MiB), Range(99 * MiB, 100 * MiB),
        }));
    }

    [Test]
    public void A_region_without_address_goes_into_the_highest_bank_of_lowmem_that_has_room()
    {
        var board = BoardBuilder.Board(TargetArchitecture.Arm, Arm(4, 4), (0, 64 * MiB), (128 * MiB, 192 * MiB), (256 * MiB, 258 * MiB)) with
        {
            Reserved = [new ReservedRegion("pool", null, default) { DynamicSize = 16 * MiB }],
        };
        Assert.That(BoardBuilder.Layout(board).Reserved.Single().Range, Is.EqualTo(Range(176 * MiB, 192 * MiB)));
    }

    [Test]
    public void A_region_that_fits_nowhere_is_an_error_that_names_it()
    {
        var board = Arm1G(Arm(4, 4)) with
        {
            Reserved = [new ReservedRegion("huge", null, default) { DynamicSize = 2 * GiB }],
        };
        var diagnostic = MemoryLayoutPlanner.Plan(board).Diagnostics.Single();
        Assert.That((diagnostic.Id, diagnostic.Message.Contains("huge")), Is.EqualTo(("KMK3515", true)));
    }
}
