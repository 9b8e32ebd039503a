using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Regions of one space: those that stay, and those of each state (no domain, then the domains).</summary>
/// <param name="Static">Lowest priority; the one that wins first.</param>
/// <param name="Own">By state; they win over the static ones.</param>
/// <param name="LowerBound">No plan has a state with fewer.</param>
internal sealed record SplitPlan(ImmutableArray<PaintedRegion> Static, ImmutableArray<ImmutableArray<PaintedRegion>> Own, int LowerBound)
{
    public int Used => Static.Length + Own.Max(o => o.Length);

    public int Writes => Own.Sum(o => o.Length);

    /// <summary>No plan with as few in its fullest state has fewer <see cref="Writes"/>.</summary>
    public int WritesBound { get; init; }
}

/// <summary>Plans one space of a unit over all domains: fewest regions at a time first, then fewest writes for a switch.</summary>
/// <remarks>
/// The least table of each state alone gives the bound. Five ways to have regions in common are compared, and of those with fewest regions in the fullest
/// state the one whose states have fewest regions of their own is taken:
/// what the tables have in common as they are; the table of the policy without domains, with the least each domain has to lay over it; a table of what
/// all states agree on, and one of what most want, with the least each lays over that; nothing. What a state lays over given static regions is the least there is.
/// Then <see cref="StaticTree"/>, <see cref="StaticSearch"/> and <see cref="IntervalSplit"/> look for better ones, and <see cref="ChainSplit"/> where a policy is small.
/// Both the fewest regions and, among such splits, the fewest writes were always reached in the spaces of SplitTests: with power-of-two regions, without subregions in
/// 4 and 8 granules and with them in 8 and 10, with base and limit in 4 and 7. With PMP they were in 4 (ChainSplitTests); <see cref="SplitBound"/> says how much better a split could be.
/// </remarks>
internal sealed class SpacePlanner(ProtectionCells cells, MpuFormat format, TreeCache? blocks = null)
{
    // The classes are the same in every map of these cells.
    private readonly TreeCache _blocks = blocks ?? new TreeCache();

    /// <summary>States that the search for PMP chains may look at, over all domains: some hundredths of a second.</summary>
    private const int ChainStates = 800;

    /// <summary>States for a table that only advice is taken from, of which there are hundreds.</summary>
    private const int ChainStatesOfAdvice = 8;

    /// <summary>The plan, or null where no table solves a state.</summary>
    /// <exception cref="UnalignedException">An edge is inside a granule.</exception>
    public SplitPlan? Plan()
    {
        var tables = new List<SpacePlan>();
        if (Split(tables) is not { } plan)
            return null;
        return plan with { WritesBound = SplitBound.Of(cells, [.. tables.Select(t => t.LowerBound)], plan.Used) };
    }

    private SplitPlan? Split(List<SpacePlan> tables)
    {
        foreach (var state in cells.States)
        {
            if (Least(cells.Map(state), true) is not { } table)
                return null;
            tables.Add(table);
        }
        var bound = tables.Max(t => t.LowerBound);
        if (tables.Count == 1)
            return new SplitPlan(tables[0].Regions, [[]], bound);
        var candidates = new List<SplitPlan?>
        {
            Shared(tables, bound),
            Laid(Least(cells.Map(null), false)?.Regions, bound),
            format.Shape == MpuShape.BaseAndLimit ? null : Laid(Least(cells.Common(), false)?.Regions, bound),
            format.Shape == MpuShape.BaseAndLimit ? null : Laid(Least(cells.Most(), false)?.Regions, bound),
            new([], [.. tables.Select(t => t.Regions)], bound),
        }.Where(c => c is not null && c.Own.All(o => o.All(r => r.Mode == PmpMode.Off || (cells.Locked >> r.Class & 1) == 0))).Select(c => c!).ToList();
        // Where all states agree, nothing is before the entries that stay, and the first of them has a base: address 0.
        if (format.Shape == MpuShape.PriorityChain && AllAgree() && Laid(Least(cells.Common(), true)?.Regions, bound) is { } common && common.Own.All(o => o.IsEmpty))
            candidates.Add(common);
        var best = Best(candidates);
        var found = format.Shape switch
        {
            MpuShape.PowerOfTwo when format.SmallestWithSubregions == 0 => new StaticTree(cells, format, _blocks, best.Used).Find(best.Writes),
            MpuShape.PowerOfTwo => new StaticSearch(cells, format, _blocks, tables).Find(best, candidates),
            MpuShape.BaseAndLimit => new IntervalSplit(cells, format, best.Used).Find(best.Writes),
            _ => new ChainSplit(cells, format, bound).Find((best.Used, best.Writes), SplitBound.Of(cells, [.. tables.Select(t => t.LowerBound)], best.Used)),
        };
        return Laid(found, bound) is { } better ? Best([better, best]) : best;
    }

    private bool AllAgree() => Enumerable.Range(0, cells.Points.Count).All(i => Enumerable.Range(0, cells.States.Length).Aggregate(ulong.MaxValue, (all, s) => all & cells.CellsOf(s)[i].Allowed) != 0);

    private static SplitPlan Best(IEnumerable<SplitPlan> candidates) =>
        candidates.OrderBy(c => c.Used).ThenBy(c => c.Writes).ThenByDescending(c => c.Static.Length).First();

    /// <summary>Regions of one state by itself, without regard to what a switch writes: what a change of the policy is judged by.</summary>
    /// <remarks>There is such a table. For a PMP chain the search for a smaller one is short: a change may be better than it is said to be, not worse.</remarks>
    /// <param name="state">Null for no domain.</param>
    /// <param name="limit">More regions than that are of no interest: null.</param>
    /// <exception cref="UnalignedException">An edge is inside a granule.</exception>
    public int? Count(string? state, int limit = int.MaxValue)
    {
        var map = cells.Map(state);
        if (format.Shape == MpuShape.PriorityChain && ChainPlanner.LowerBound(map, format.Granule) > limit)
            return null;
        return Least(map, true, ChainStatesOfAdvice)?.Regions.Length;
    }

    private SpacePlan? Least(CellMap map, bool isFirst) => Least(map, isFirst, Math.Max(100, ChainStates / cells.States.Length));

    private SpacePlan? Least(CellMap map, bool isFirst, int chainStates) => format.Shape switch
    {
        MpuShape.PowerOfTwo => TreePlanner.Plan(map, format.Granule, format.SmallestWithSubregions, cache: _blocks),
        MpuShape.BaseAndLimit => IntervalPlanner.Plan(map, format.Granule),
        _ => ChainPlanner.Plan(map, format.Granule, isFirst, chainStates),
    };

    private SplitPlan? Laid(ImmutableArray<PaintedRegion>? behind, int bound)
    {
        if (behind is not { } regions)
            return null;
        var own = ImmutableArray.CreateBuilder<ImmutableArray<PaintedRegion>>();
        foreach (var state in cells.States)
        {
            SpacePlan? over;
            try
            {
                over = Least(cells.Map(state, regions, cells.Locked), true);
            }
            catch (UnalignedException)
            {
                // A static region that a domain would have to take away, in a format that has no way to.
                return null;
            }
            if (over is null)
                return null;
            own.Add(over.Regions);
        }
        return new SplitPlan(regions, own.ToImmutable(), bound);
    }

    private SplitPlan Shared(List<SpacePlan> tables, int bound)
    {
        var shared = new HashSet<PaintedRegion>(format.Shape == MpuShape.PriorityChain
            ? Suffix(tables)
            : tables[0].Regions.Where(r => tables.All(t => t.Regions.Contains(r))));
        if (format.Shape == MpuShape.PowerOfTwo)
            RemoveLosers(tables, shared);
        return new SplitPlan([.. tables[0].Regions.Where(shared.Contains)], [.. tables.Select(t => t.Regions.Where((r, at) =>
            format.Shape == MpuShape.PriorityChain ? at < t.Regions.Length - shared.Count : !shared.Contains(r)).ToImmutableArray())], bound);
    }

    /// <summary>A region above one of its state's own that would be below it as a static one, and lose an address by that, cannot be static.</summary>
    private static void RemoveLosers(List<SpacePlan> tables, HashSet<PaintedRegion> shared)
    {
        // Where more than one region covers, those regions by priority: all that can go wrong is there.
        var stacks = tables.SelectMany(t => ProtectionCells.Edges(t.Regions).Distinct().Select(p => t.Regions.Where(r => r.Covers(p)).ToArray()))
            .Where(stack => stack.Length > 1).ToList();
        for (var changed = true; changed;)
        {
            changed = false;
            foreach (var stack in stacks)
            {
                if (shared.Contains(stack[0]) && stack.Any(r => r.Class != stack[0].Class && !shared.Contains(r)))
                    changed |= shared.Remove(stack[0]);
            }
        }
    }

    /// <summary>The longest end that all tables have, from an entry that does not start where the one before it ends.</summary>
    private static List<PaintedRegion> Suffix(List<SpacePlan> tables)
    {
        var length = 0;
        while (tables.All(t => length < t.Regions.Length
            && t.Regions[t.Regions.Length - 1 - length] == tables[0].Regions[tables[0].Regions.Length - 1 - length]))
            length++;
        return [.. tables[0].Regions.Skip(tables[0].Regions.Length - length).SkipWhile(r => r.Mode == PmpMode.Tor)];
    }
}
