using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>Contiguous areas: where <c>cma=</c> finds its place, and which regions of the devicetree become one.</summary>
public class CmaPlannerTests
{
    private const ulong MiB = 1UL << 20;
    private const ulong GiB = 1UL << 30;

    [TestCase(64, null, null, 960, 1024, Description = "highmem first, from the top")]
    [TestCase(256, null, null, 768, 1024, Description = "all of highmem")]
    [TestCase(260, null, null, 508, 768, Description = "more than highmem has: lowmem, from the top")]
    [TestCase(64, 0, 512, 448, 512, Description = "below the limit")]
    [TestCase(64, 100, 400, 336, 400)]
    [TestCase(64, 256, null, 256, 320, Description = "a base without a limit is a place")]
    [TestCase(64, 256, 320, 256, 320, Description = "and so is a limit that leaves one")]
    [TestCase(62, 256, 320, 256, 320, Description = "62M are 64M")]
    [TestCase(64, 0, null, 960, 1024, Description = "0 is no base")]
    [TestCase(64, 257, null, null, null, Description = "not aligned to 4 MiB")]
    [TestCase(64, 720, null, null, null, Description = "over the end of lowmem")]
    [TestCase(64, 1000, null, null, null, Description = "over the end of memory")]
    [TestCase(800, null, null, null, null)]
    [TestCase(1L << 43, null, null, null, null)]
    public void The_area_of_cma_is_placed_as_the_kernel_does(long size, int? start, int? end, int? first, int? last)
    {
        // 768 MiB of lowmem.
        var argument = new CmaArgument((ulong)size * MiB, (ulong?)start * MiB, (ulong?)end * MiB);
        var policy = Arm(4, 4) with { Bootargs = new BootArguments { Cma = Set(argument) } };
        var result = MemoryLayoutPlanner.Plan(BoardBuilder.Board(TargetArchitecture.Arm, policy, (0, GiB)));
        if (first is null)
        {
            Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain("KMK3532"));
            return;
        }
        var area = result.Layout!.CmaAreas.Single();
        Assert.That((area.Range, area.Name, area.IsDefault), Is.EqualTo((Range((ulong)first * MiB, (ulong)last! * MiB), "reserved", true)));
        Assert.That(result.Diagnostics.Any(d => d.Id == "KMK3534"), Is.EqualTo(size == 62), "a size that is rounded is reported");
    }

    [TestCase(4, 14, 12, 4UL, Description = "before 5.19, the largest block")]
    [TestCase(6, 1, 12, 2UL, Description = "from then on a pageblock, which is a huge page")]
    [TestCase(6, 1, 14, 32UL)]
    [TestCase(6, 1, 16, 512UL)]
    public void The_alignment_is_a_largest_block_or_a_pageblock(int major, int minor, int shift, ulong mebibytes)
    {
        var board = BoardBuilder.Board(TargetArchitecture.Arm64, new Policy { LinuxVersion = Set(new LinuxVersion(major, minor)) }, (0, GiB)) with { UsesMmu = true };
        Assert.That(BuddyGeometry.CmaAlignment(board, new PageGeometry(shift)), Is.EqualTo(mebibytes * MiB));
    }

    [Test]
    public void On_arm64_the_area_is_below_what_32_bit_devices_reach()
    {
        var policy = new Policy { LinuxVersion = Set(new LinuxVersion(6, 1)), Bootargs = new BootArguments { Cma = Set(new CmaArgument(32 * MiB, null, null)) } };
        var layout = BoardBuilder.Layout(BoardBuilder.Board(TargetArchitecture.Arm64, policy, (2 * GiB, 3 * GiB), (4 * GiB, 8 * GiB)));
        Assert.That(layout.CmaAreas.Single().Range, Is.EqualTo(Range((3 * GiB) - (32 * MiB), 3 * GiB)));
    }

    [Test]
    public void Reserved_memory_is_left_alone()
    {
        var policy = Arm(4, 4) with { Bootargs = new BootArguments { Cma = Set(new CmaArgument(64 * MiB, null, null)) } };
        var board = BoardBuilder.Board(TargetArchitecture.Arm, policy, (0, 512 * MiB)) with { Reserved = [new ReservedRegion("fw", Range(500 * MiB, 501 * MiB), default)] };
        Assert.That(BoardBuilder.Layout(board).CmaAreas.Single().Range, Is.EqualTo(Range(436 * MiB, 500 * MiB)));
    }

    [Test]
    public void Only_a_reusable_shared_dma_pool_is_an_area()
    {
        var pool = new ReservedRegion("pool", Range(64 * MiB, 72 * MiB), default) { Reusable = true, Compatible = ["shared-dma-pool"], NodePath = "/reserved-memory/pool" };
        var board = BoardBuilder.Board(TargetArchitecture.Arm, Arm(4, 4), (0, 512 * MiB)) with
        {
            Reserved =
            [
                pool, pool with { Range = Range(80 * MiB, 88 * MiB), Reusable = false }, pool with { Range = Range(96 * MiB, 104 * MiB), Compatible = ["other"] },
                pool with { Range = Range(112 * MiB, 120 * MiB), CmaDefault = true },
            ],
        };
        Assert.That(BoardBuilder.Layout(board).CmaAreas.Select(area => (area.Range.Start.Value / MiB, area.IsDefault)), Is.EqualTo(new[] { (64UL, false), (112UL, true) }));
        // cma= takes the default's place, 0 leaves none.
        foreach (var (size, expected) in new[] { (16 * MiB, new[] { (64UL, false), (496UL, true) }), (0UL, [(64UL, false)]) })
        {
            var policy = Arm(4, 4) with { Bootargs = new BootArguments { Cma = Set(new CmaArgument(size, null, null)) } };
            Assert.That(BoardBuilder.Layout(board with { Policy = policy }).CmaAreas.Select(area => (area.Range.Start.Value / MiB, area.IsDefault)), Is.EqualTo(expected));
        }
    }
}
