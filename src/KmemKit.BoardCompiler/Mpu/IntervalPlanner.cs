using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The least table of base-and-limit regions that may not overlap (PMSAv8): exact by one sweep.</summary>
/// <remarks>
/// From the lowest cell up, what is kept is the least cost with each class deciding in the current cell; a region begins wherever a class does that
/// was not there in the cell before. Nothing else matters: regions of one class that touch are one.
/// </remarks>
internal static class IntervalPlanner
{
    /// <summary>The least plan, or null where no table solves it.</summary>
    /// <exception cref="UnalignedException">Cells within one granule have no class in common.</exception>
    public static SpacePlan? Plan(CellMap map, ulong granule)
    {
        var cells = Align(map, granule);
        var classes = map.Classes.Length + 1;
        var cost = new ulong[cells.Count, classes];
        var from = new int[cells.Count, classes];
        for (var i = 0; i < cells.Count; i++)
        {
            var cheapest = 0;
            for (var c = 1; i > 0 && c < classes; c++)
                cheapest = cost[i - 1, c] < cost[i - 1, cheapest] ? c : cheapest;
            for (var c = 0; c < classes; c++)
            {
                var start = c == 0 ? 0 : PlanCost.Region;
                ulong before = start;
                var source = 0;
                if (i > 0)
                {
                    before = Math.Min(cost[i - 1, cheapest] + start, PlanCost.Infinite);
                    source = cheapest;
                    if (cost[i - 1, c] <= before)
                        (before, source) = (cost[i - 1, c], c);
                }
                var cell = cells[i];
                if ((cell.Allowed >> c & 1) == 0)
                    before = PlanCost.Infinite;
                cost[i, c] = Math.Min(before + cell.Waste(c), PlanCost.Infinite);
                from[i, c] = source;
            }
        }
        var last = Enumerable.Range(0, classes).OrderBy(c => cost[cells.Count - 1, c]).First();
        var total = cost[cells.Count - 1, last];
        if (total >= PlanCost.Infinite)
            return null;
        var regions = new List<PaintedRegion>();
        for (var i = cells.Count - 1; i >= 0; last = from[i, last], i--)
        {
            if (last == 0)
                continue;
            var isSame = regions.Count > 0 && regions[regions.Count - 1].Class == last && regions[regions.Count - 1].Start == cells[i].End;
            if (isSame)
                regions[regions.Count - 1] = regions[regions.Count - 1] with { Start = cells[i].Start, Size = regions[regions.Count - 1].Size + cells[i].Size };
            else
                regions.Add(new PaintedRegion(cells[i].Start, cells[i].Size, 0, last, default));
        }
        regions.Reverse();
        return new SpacePlan(regions.ToImmutableArray(), PlanCost.Regions(total), PlanCost.Waste(total));
    }

    /// <summary>A run of whole granules that are decided alike.</summary>
    internal readonly record struct AlignedCell(ulong Start, ulong End, ulong Allowed, ImmutableArray<(ulong Bytes, ulong Exact)> Parts)
    {
        public ulong Size => End - Start;

        public ulong Waste(int painted)
        {
            ulong waste = 0;
            foreach (var (bytes, exact) in Parts)
                waste += (exact >> painted & 1) == 0 ? bytes : 0;
            return waste;
        }
    }

    /// <summary>The cells cut at granules: one that holds an edge inside becomes a cell of its own.</summary>
    internal static List<AlignedCell> Align(CellMap map, ulong granule)
    {
        var cuts = new SortedSet<ulong> { map.End };
        foreach (var cell in map.Cells)
        {
            cuts.Add(cell.Start & ~(granule - 1));
            if ((cell.Start & (granule - 1)) != 0)
                cuts.Add((cell.Start | (granule - 1)) + 1);
        }
        var result = new List<AlignedCell>();
        ulong start = 0;
        foreach (var end in cuts.Where(c => c > 0))
        {
            var allowed = map.Everything;
            var parts = ImmutableArray.CreateBuilder<(ulong, ulong)>();
            for (var i = map.IndexOf(start); i < map.Cells.Length && map.Cells[i].Start < end; i++)
            {
                allowed &= map.Cells[i].Allowed;
                parts.Add((Math.Min(map.EndOf(i), end) - Math.Max(map.Cells[i].Start, start), map.Cells[i].Exact));
            }
            if (allowed == 0)
                throw new UnalignedException(start);
            result.Add(new AlignedCell(start, end, allowed, parts.ToImmutable()));
            start = end;
        }
        return result;
    }
}
