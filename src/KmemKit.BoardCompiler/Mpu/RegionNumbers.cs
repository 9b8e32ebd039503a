using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Gives the regions of a split plan their numbers: static regions the losing ones.</summary>
internal static class RegionNumbers
{
    /// <summary>Static regions, numbered.</summary>
    public static IEnumerable<PlannedRegion> Static(SplitPlan plan, ProtectionCells cells, ProtectionPolicy policy, MpuFormat format, MpuSpace space)
    {
        var first = format.Shape == MpuShape.PriorityChain ? plan.Own.Max(o => o.Length) : 0;
        return Number(plan.Static, first, cells.Map(null), cells, policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)), format, space);
    }

    /// <summary>A state's own regions, numbered.</summary>
    public static IEnumerable<PlannedRegion> Own(SplitPlan plan, int state, ProtectionCells cells, ProtectionPolicy policy, MpuFormat format, MpuSpace space)
    {
        var first = format.Shape == MpuShape.PriorityChain ? 0 : plan.Static.Length;
        var domain = cells.States[state];
        var entries = domain is null ? policy.Entries : policy.DomainOf(domain).Entries.Concat(policy.Entries);
        return Number(plan.Own[state], first, cells.Map(domain), cells, entries, format, space);
    }

    private static IEnumerable<PlannedRegion> Number(
        ImmutableArray<PaintedRegion> regions, int first, CellMap map, ProtectionCells cells, IEnumerable<ProtectionEntry> entries, MpuFormat format, MpuSpace space)
    {
        var result = new List<PlannedRegion>();
        var all = entries.ToList();
        ulong before = 0;
        for (var i = 0; i < regions.Length; i++)
        {
            var painted = regions[i];
            // The highest number wins, but for PMP, where the lowest does; PMSAv8 has no priorities.
            var number = format.Shape == MpuShape.PowerOfTwo ? first + regions.Length - 1 - i : first + i;
            var attributes = painted.Mode == PmpMode.Off && painted.Class == 0 ? MpuAttributes.Deny : cells.Classes[painted.Class - 1];
            var start = painted.Mode == PmpMode.Tor ? before : painted.Start;
            var region = new MpuRegion(number, new PhysRange(new PhysAddr(start), painted.Start + painted.Size - start), attributes)
            {
                Space = space,
                SubregionDisable = painted.Disabled,
                Mode = painted.Mode,
                Locked = painted.Mode != PmpMode.Off && format is PmpFormat && PmpFormat.NeedsLock(attributes),
            };
            if (format is PmpFormat pmp)
                before = pmp.ChainBase(region);
            var names = all.Where(e => painted.Class != 0 && format.Canonical(e.Attributes, space) == attributes && Touches(painted, e.Range)).Select(e => e.Name);
            result.Add(new PlannedRegion(region, [.. names.Distinct()], Waste(painted, regions.Take(i), map)));
        }
        return result.OrderBy(r => r.Region.Number);
    }

    private static bool Touches(PaintedRegion painted, PhysRange range)
    {
        if (painted.Covers(range.Start.Value) || (range.Start.Value <= painted.Start && range.End > painted.Start && painted.Covers(painted.Start)))
            return true;
        return ProtectionCells.Edges([painted]).Any(e => range.Contains(new PhysAddr(e)) && painted.Covers(e));
    }

    /// <summary>Bytes where the region decides and grants what the policy does not.</summary>
    private static ulong Waste(PaintedRegion painted, IEnumerable<PaintedRegion> above, CellMap map)
    {
        if (painted.Class == 0)
            return 0;
        var higher = above.ToList();
        ulong waste = 0;
        var edges = new SortedSet<ulong>(ProtectionCells.Edges([.. higher, painted]).Concat(map.Cells.Select(c => c.Start)))
            .Where(e => e >= painted.Start && e < painted.Start + painted.Size).ToList();
        for (var i = 0; i < edges.Count; i++)
        {
            var end = i + 1 < edges.Count ? edges[i + 1] : painted.Start + painted.Size;
            if (painted.Covers(edges[i]) && !higher.Any(h => h.Covers(edges[i])) && (map.Cells[map.IndexOf(edges[i])].Exact >> painted.Class & 1) == 0)
                waste += end - edges[i];
        }
        return waste;
    }
}
