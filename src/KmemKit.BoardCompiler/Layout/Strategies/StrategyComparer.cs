using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Strategies;

/// <summary>Lays a board out under every user/kernel split and reclaim strategy that applies, best first.</summary>
/// <remarks>
/// <para>Splits are those of the architecture's Kconfig: 3G, 2G and 1G; 3G_OPT on Arm since Linux 4.3; on x86 without PAE 3G_OPT and 2G_OPT, whose offsets PAE
/// cannot have. A PAGE_OFFSET of the board's own is one more. The reclaim strategies are the msm kernel's (2.6.35 to 3.10); one that changes nothing, since
/// no hole counts, is left out. Other architectures have nothing to choose, and the present layout is the only row.</para>
/// </remarks>
public static class StrategyComparer
{
    private static readonly LinuxVersion LastMsm = new(3, 18);
    private static readonly LinuxVersion FirstArm3GOpt = new(4, 3);

    /// <summary>The strategies, best first; those that leave no layout last.</summary>
    /// <param name="board">A board that has a layout.</param>
    /// <param name="goal">What is asked for.</param>
    public static ImmutableArray<LayoutStrategy> Compare(Board board, StrategyGoal goal)
    {
        if (board is null)
            throw new ArgumentNullException(nameof(board));
        var current = MemoryLayoutPlanner.Plan(board).Layout ?? throw new ArgumentException("The board has no layout.", nameof(board));
        var currentReclaim = board.Policy.Reclaim?.Value ?? ReclaimStrategy.None;
        var rows = new List<LayoutStrategy>();
        foreach (var (split, offset) in Splits(board, current))
        {
            MemoryLayout? plain = null;
            foreach (var reclaim in Reclaims(board))
            {
                var isCurrent = offset == current.PageOffset && reclaim == currentReclaim;
                var planned = isCurrent ? new LayoutResult(current, []) : MemoryLayoutPlanner.Plan(With(board, offset, reclaim));
                if (reclaim == ReclaimStrategy.None)
                    plain = planned.Layout;
                else if (!isCurrent && plain is not null && planned.Layout is not null && IsSame(plain, planned.Layout))
                    continue;
                rows.Add(Row(split, offset, reclaim, isCurrent, planned));
            }
        }
        // A choice that changes nothing is no better than the one that is made: of equals the board's own comes first.
        return
        [
            .. rows.OrderBy(r => r.Failure is null ? 0 : 1)
                .ThenByDescending(r => goal == StrategyGoal.Lowmem ? r.Lowmem : r.Vmalloc)
                .ThenBy(r => r.Unreachable)
                .ThenByDescending(r => goal == StrategyGoal.Lowmem ? r.Vmalloc : r.Lowmem)
                .ThenBy(r => r.PageTables?.Most ?? 0)
                .ThenBy(r => r.IsCurrent ? 0 : 1),
        ];
    }

    private static List<(string Name, VirtAddr Offset)> Splits(Board board, MemoryLayout current)
    {
        var version = board.Policy.LinuxVersion?.Value;
        var isPae = board.Policy.X86Pae is { Value: true };
        var splits = new List<(string, VirtAddr)>();
        if (board.UsesMmu && board.Architecture is TargetArchitecture.Arm or TargetArchitecture.X86)
        {
            var isArm = board.Architecture == TargetArchitecture.Arm;
            Add("3G", 0xc000_0000);
            if (isArm ? version is null || version >= FirstArm3GOpt : !isPae)
                Add("3G_OPT", 0xb000_0000);
            Add("2G", 0x8000_0000);
            if (!isArm && !isPae)
                Add("2G_OPT", 0x7800_0000);
            Add("1G", 0x4000_0000);
        }
        if (!splits.Any(s => s.Item2 == current.PageOffset))
            splits.Insert(0, ("", current.PageOffset));
        return splits;

        void Add(string name, ulong offset) => splits.Add((name, new VirtAddr(offset)));
    }

    private static ReclaimStrategy[] Reclaims(Board board)
    {
        var isMsm = board.Architecture == TargetArchitecture.Arm && (board.Policy.Reclaim is not null || board.Policy.LinuxVersion is { } version && version.Value <= LastMsm);
        return board.UsesMmu && isMsm ? [ReclaimStrategy.None, ReclaimStrategy.DontMapHole, ReclaimStrategy.VmallocSaving] : [ReclaimStrategy.None];
    }

    private static Board With(Board board, VirtAddr offset, ReclaimStrategy reclaim) => board with
    {
        Policy = board.Policy with { PageOffset = new Setting<VirtAddr>(offset, default), Reclaim = new Setting<ReclaimStrategy>(reclaim, default) },
    };

    private static bool IsSame(MemoryLayout left, MemoryLayout right) =>
        left.Linear.Segments.SequenceEqual(right.Linear.Segments) && left.Virtual.SequenceEqual(right.Virtual)
        && left.Banks.Select(b => (b.Range, b.Kind)).SequenceEqual(right.Banks.Select(b => (b.Range, b.Kind)));

    private static LayoutStrategy Row(string split, VirtAddr offset, ReclaimStrategy reclaim, bool isCurrent, LayoutResult planned)
    {
        var row = new LayoutStrategy(split, offset, reclaim, isCurrent) { Configuration = Configuration(split, offset, reclaim, isCurrent) };
        if (planned.Layout is not { } layout)
            return row with { Failure = planned.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error).Message };
        var shift = layout.Pages.PageShift;
        return row with
        {
            Lowmem = layout.LowPages << shift,
            Highmem = layout.HighPages << shift,
            Vmalloc = Sum(layout.Virtual.Where(v => v.Name == "vmalloc").Select(v => v.Range.Size)),
            Unreachable = Sum(layout.Holes.Where(h => h.Kind == HoleKind.Ignored).Select(h => h.Range.Size)),
            PageTables = PageTableCosts.Of(layout),
        };
    }

    private static ulong Sum(IEnumerable<AddressLimit> sizes) => sizes.Aggregate(0UL, (sum, size) => checked(sum + size.Value));

    private static ImmutableArray<string> Configuration(string split, VirtAddr offset, ReclaimStrategy reclaim, bool isCurrent)
    {
        // Where nothing can be chosen there is nothing to write.
        if (split.Length == 0 && isCurrent)
            return [];
        return
        [
            split.Length > 0 ? $"CONFIG_VMSPLIT_{split}=y" : $"CONFIG_PAGE_OFFSET={offset}",
            .. reclaim switch
            {
                ReclaimStrategy.DontMapHole => ["CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0=y"],
                ReclaimStrategy.VmallocSaving => (string[])["CONFIG_ENABLE_VMALLOC_SAVING=y"],
                _ => [],
            },
        ];
    }
}
