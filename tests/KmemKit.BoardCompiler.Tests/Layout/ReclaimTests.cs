using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;
using NUnit.Framework;
using static KmemKit.BoardCompiler.Tests.Layout.BoardBuilder;

namespace KmemKit.BoardCompiler.Tests.Layout;

/// <summary>The three msm strategies on the banks of seed examples 7 to 9, and the corners around them.</summary>
public class ReclaimTests
{
    private const ulong MiB = 1UL << 20;

    private static readonly (ulong, ulong)[] Msm8974 = [(0, 0x5b0_0000), (0x5d0_0000, 0x750_0000), (0x1200_0000, 0x7f20_0000)];

    private static Board Board(ReclaimStrategy strategy, params (ulong, ulong)[] banks) =>
        BoardBuilder.Board(TargetArchitecture.Arm, Arm(3, 4, vmalloc: 400 * MiB) with { Reclaim = Set(strategy) }, banks);

    [Test]
    public void Dont_map_hole_leaves_the_largest_hole_out_and_moves_1_MiB_to_keep_both_sides_alike()
    {
        var layout = BoardBuilder.Layout(Board(ReclaimStrategy.DontMapHole, Msm8974));
        Assert.Multiple(() =>
        {
            Assert.That(layout.Linear.Segments, Is.EqualTo(new[]
            {
                new LinearSegment(new PhysAddr(0), new VirtAddr(0xc000_0000), 0x750_0000),
                new LinearSegment(new PhysAddr(0x1200_0000), new VirtAddr(0xc760_0000), 0x1ea0_0000),
            }));
            Assert.That(layout.Messages, Does.Contain(
                "Physical memory hole is not aligned. There will be a virtual memory hole from c7500000 to c7600000"));
        });
    }

    [Test]
    public void Behind_the_unmapped_hole_addresses_go_there_and_back_and_in_it_nothing_does()
    {
        var map = BoardBuilder.Layout(Board(ReclaimStrategy.DontMapHole, Msm8974)).Linear;
        Assert.Multiple(() =>
        {
            Assert.That(map.PhysToVirt(new PhysAddr(0x1200_0000), out var virt), Is.EqualTo(TranslationStatus.Ok));
            Assert.That(virt, Is.EqualTo(new VirtAddr(0xc760_0000)));
            Assert.That(map.VirtToPhys(virt, out var phys), Is.EqualTo(TranslationStatus.Ok));
            Assert.That(phys, Is.EqualTo(new PhysAddr(0x1200_0000)));
            // The msm macro maps this address of the hole to 0xc7600000, RAM behind the hole.
            Assert.That(map.PhysToVirt(new PhysAddr(0x760_0000), out _), Is.EqualTo(TranslationStatus.Outside));
            Assert.That(map.VirtToPhys(new VirtAddr(0xc758_0000), out _), Is.EqualTo(TranslationStatus.Outside));
            // The small hole stays inside a segment.
            Assert.That(map.PhysToVirt(new PhysAddr(0x5b0_0000), out _), Is.EqualTo(TranslationStatus.Hole));
        });
    }

    [Test]
    public void Of_two_holes_of_one_size_the_later_is_left_out()
    {
        var layout = BoardBuilder.Layout(Board(ReclaimStrategy.DontMapHole, (0, 16 * MiB), (32 * MiB, 64 * MiB), (80 * MiB, 2048 * MiB)));
        Assert.That(layout.Linear.Segments[1].Phys, Is.EqualTo(new PhysAddr(80 * MiB)));
    }

    [TestCase(256UL, 2)]
    [TestCase(257UL, 1)]
    public void Only_holes_that_start_within_256_MiB_count(ulong start, int segments)
    {
        var layout = BoardBuilder.Layout(Board(ReclaimStrategy.DontMapHole, (0, start * MiB), (300 * MiB, 1024 * MiB)));
        Assert.That(layout.Linear.Segments, Has.Length.EqualTo(segments));
    }

    [Test]
    public void Vmalloc_saving_raises_the_limit_by_the_holes_and_lists_vmalloc_and_lowmem_in_turns()
    {
        var layout = BoardBuilder.Layout(Board(ReclaimStrategy.VmallocSaving, Msm8974));
        var lines = layout.Virtual.Where(v => v.Name is "vmalloc" or "lowmem").Select(v => (v.Name, v.Range.Start.Value, v.Range.End.Value));
        Assert.That(lines, Is.EqualTo(new[]
        {
            ("vmalloc", 0xf100_0000UL, 0xff00_0000UL), ("lowmem", 0xd200_0000UL, 0xf0d0_0000UL), ("vmalloc", 0xc750_0000UL, 0xd200_0000UL),
            ("lowmem", 0xc5d0_0000UL, 0xc750_0000UL), ("vmalloc", 0xc5b0_0000UL, 0xc5d0_0000UL), ("lowmem", 0xc000_0000UL, 0xc5b0_0000UL),
        }));
    }

    [Test]
    public void Vmalloc_saving_with_more_hole_than_vmalloc_leaves_no_room_and_is_an_error()
    {
        var board = BoardBuilder.Board(
            TargetArchitecture.Arm, Arm(3, 4, vmalloc: 16 * MiB) with { Reclaim = Set(ReclaimStrategy.VmallocSaving) },
            (0, 64 * MiB), (512 * MiB, 2048 * MiB));
        Assert.That(MemoryLayoutPlanner.Plan(board).Diagnostics.Select(d => d.Id), Does.Contain("KMK3511"));
    }

    [Test]
    public void The_lowmem_end_may_lie_in_front_of_the_hole()
    {
        // Limit 608 MiB, first bank 200 MiB, hole starts at 200 MiB: nothing behind it fits below the limit that the hole moves up.
        var layout = BoardBuilder.Layout(Board(ReclaimStrategy.DontMapHole, (0, 200 * MiB), (0xfff0_0000, 0xffff_0000)));
        Assert.That(layout.LowPages + layout.HighPages, Is.EqualTo((200 * MiB + 0xf_0000) >> 12));
    }

    [TestCase(ReclaimStrategy.None)]
    [TestCase(ReclaimStrategy.DontMapHole)]
    [TestCase(ReclaimStrategy.VmallocSaving)]
    public void Each_lowmem_page_goes_there_and_back_and_no_two_share_an_address(ReclaimStrategy strategy)
    {
        var layout = BoardBuilder.Layout(Board(strategy, Msm8974));
        var seen = new System.Collections.Generic.HashSet<ulong>();
        foreach (var bank in layout.Banks.Where(b => b.Kind == BankKind.Lowmem))
        {
            for (var at = bank.Range.Start.Value; at < bank.Range.End.Value; at += 4096)
            {
                if (layout.Linear.PhysToVirt(new PhysAddr(at), out var virt) != TranslationStatus.Ok
                    || layout.Linear.VirtToPhys(virt, out var back) != TranslationStatus.Ok
                    || back.Value != at || !seen.Add(virt.Value))
                {
                    Assert.Fail($"0x{at:x} -> {virt}");
                }
            }
        }
        Assert.That((ulong)seen.Count, Is.EqualTo(layout.LowPages));
    }
}
