using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>
/// The least table of aligned power-of-two regions, with or without eight subregions each, of which the one with the highest priority decides.
/// </summary>
/// <remarks>
/// Two aligned blocks are nested or disjoint, so that regions form a tree, and dynamic programming over it is exact.
/// <list type="number">
/// <item><b>The inner region may always have the higher priority.</b> Take any table and a region I inside a larger O of higher priority. A subregion of I
/// is at most half a subregion of O: O covers it whole or not at all. Disabling in I what O covers changes no decision, and then the two are disjoint
/// and their order is free. (Without subregions I is either useless or already first.)</item>
/// <item>Regions too small for subregions are blocks of the smallest size that has them, with all but their part disabled; they are written as the
/// small regions they are in the end.</item>
/// <item>So a block is solved top down: it inherits a class for each of its quarters (what the regions around it leave there: their subregions are
/// no smaller), pays 1 for each class that gets a region of just this size, chooses for every eighth one of those classes or the inherited one, and
/// hands the eighths to its halves as their quarters. Without subregions one inherited class stands for the block: that is the optimal routing
/// table construction of Draves, King, Venkatachary and Zill (INFOCOM 1999).</item>
/// <item>A region that no eighth of one half uses could as well be one of the other half: only classes that both halves can use are tried.</item>
/// <item>An eighth that can be granted exactly is granted so: a table that repairs a wrong one also serves the right one.</item>
/// </list>
/// The tree has a path for every edge of a cell and the number of inherited states is small where few classes meet, so this is fast for real policies; a
/// limit of work keeps it from hanging on the others, and then classes are tried one at a time and the bound says what is proved.
/// </remarks>
internal sealed class TreePlanner
{
    /// <summary>An inherited class that nothing in the block may keep: all of them are alike.</summary>
    internal const int Wrong = 63;
    private const int ClassBits = 6;
    private const int ClassMask = 63;

    private readonly bool _hasSubregions;
    private readonly int _smallestRegion;
    private readonly TreeNode _root;
    private readonly List<PaintedRegion> _regions = [];
    private int _mostPainted;
    private long _work;
    private long _workLimit = long.MaxValue;

    /// <summary>A tree whose blocks can be asked one by one.</summary>
    /// <param name="map">The problem.</param>
    /// <param name="granule">Smallest region.</param>
    /// <param name="smallestWithSubregions">Smallest region with subregions; 0 where there are none.</param>
    /// <param name="cache">What is known of blocks from other maps with the same classes.</param>
    /// <exception cref="UnalignedException">Cells within one granule have no class in common.</exception>
    internal TreePlanner(CellMap map, ulong granule, ulong smallestWithSubregions, TreeCache cache)
    {
        _hasSubregions = smallestWithSubregions != 0;
        _smallestRegion = Log2(_hasSubregions ? smallestWithSubregions : granule);
        _root = TreeNode.Build(map, Log2(_hasSubregions ? smallestWithSubregions / 8 : granule), cache);
    }

    /// <summary>The least plan.</summary>
    /// <param name="map">The problem.</param>
    /// <param name="granule">Smallest region.</param>
    /// <param name="smallestWithSubregions">Smallest region with subregions, eight granules of the format; 0 where there are none.</param>
    /// <param name="workLimit">States to look at before the search is restricted.</param>
    /// <param name="cache">What is known of blocks from other maps with the same classes, granule and subregions; null for nothing.</param>
    /// <returns>Null where no table solves it.</returns>
    /// <exception cref="UnalignedException">Cells within one granule have no class in common.</exception>
    public static SpacePlan? Plan(CellMap map, ulong granule, ulong smallestWithSubregions, long workLimit = 2_000_000, TreeCache? cache = null)
    {
        var planner = new TreePlanner(map, granule, smallestWithSubregions, cache ?? new TreeCache());
        if (planner._root.Plan is { } known)
            return known;
        var isExact = planner.TrySolve(CellMap.MostClasses, workLimit, out var cost);
        var bound = PlanCost.Regions(cost);
        if (!isExact)
        {
            bound = TreeBound.Of(map, planner._root, granule, smallestWithSubregions, workLimit);
            // What was cut short is not to be believed.
            cache?.Clear();
            planner = new TreePlanner(map, granule, smallestWithSubregions, new TreeCache());
            planner.TrySolve(1, long.MaxValue, out cost);
        }
        if (cost >= PlanCost.Infinite)
            return null;
        planner.Emit(planner._root, planner.Uniform(0));
        var regions = planner._regions.OrderBy(r => r.Size).ThenBy(r => r.Start).ThenBy(r => r.Class).Select(r => Trim(r, smallestWithSubregions)).ToImmutableArray();
        var plan = new SpacePlan(regions, Math.Min(bound, regions.Length), PlanCost.Waste(cost));
        if (isExact)
            planner._root.Plan = plan;
        return plan with { Work = planner._work };
    }

    /// <summary>The least number of regions inside a block, whatever it inherits: a lower bound for every table.</summary>
    internal static int? LeastInside(CellMap map, ulong granule, ulong smallestWithSubregions, long workLimit)
    {
        var planner = new TreePlanner(map, granule, smallestWithSubregions, new TreeCache());
        return planner.TrySolve(CellMap.MostClasses, workLimit, out var cost) && cost < PlanCost.Infinite ? PlanCost.Regions(cost) : null;
    }

    private bool TrySolve(int mostPainted, long workLimit, out ulong cost)
    {
        _mostPainted = mostPainted;
        _workLimit = workLimit;
        _work = 0;
        cost = Solve(_root, Uniform(0));
        return _work <= _workLimit;
    }

    /// <summary>The whole space.</summary>
    internal TreeNode Root => _root;

    /// <summary>Regions inside a block, without subregions, of which all inherits one class.</summary>
    internal int RegionsUnder(TreeNode node, int inherited) => PlanCost.Regions(Solve(node, (ulong)inherited));

    /// <summary>A region of just this block, without subregions, and the fewest inside it.</summary>
    internal int RegionsIfCovered(TreeNode node)
    {
        var least = PlanCost.Regions(PlanCost.Infinite);
        if (node.IsLeaf)
            return RegionsUnder(node, Wrong);
        for (var left = node.Union & ~1UL; left != 0; left &= left - 1)
            least = Math.Min(least, 1 + RegionsUnder(node.Left!, Lowest(left)) + RegionsUnder(node.Right!, Lowest(left)));
        return least;
    }

    private ulong Uniform(int painted) => _hasSubregions ? Pack(painted, painted, painted, painted) : (ulong)painted;

    private static ulong Pack(int a, int b, int c, int d) =>
        (uint)a | (ulong)(uint)b << ClassBits | (ulong)(uint)c << 2 * ClassBits | (ulong)(uint)d << 3 * ClassBits;

    private static int At(ulong classes, int index) => (int)(classes >> index * ClassBits & ClassMask);

    private ulong Solve(TreeNode node, ulong inherited) => SolveCanonical(node, node.IsLeaf ? inherited : Canonical(node, inherited));

    /// <summary>As <see cref="Solve"/>, of what is inherited in the words that <see cref="Canonical"/> has for it.</summary>
    private ulong SolveCanonical(TreeNode node, ulong inherited)
    {
        if (node.IsLeaf)
            return SolveLeaf(node, inherited).Cost;
        if (_work > _workLimit)
            return PlanCost.Infinite;
        if (node.Memo.TryGetValue(inherited, out var known))
            return known.Cost;
        _work++;
        var choice = _hasSubregions ? ChooseEighths(node, inherited) : ChooseWhole(node, (int)inherited);
        node.Memo[inherited] = choice;
        return choice.Cost;
    }

    private ulong Canonical(TreeNode node, ulong inherited)
    {
        if (!_hasSubregions)
            return (node.Union >> (int)inherited & 1) != 0 ? inherited : Wrong;
        ulong result = 0;
        for (var i = 0; i < 4; i++)
        {
            var painted = At(inherited, i);
            var union = node.Eighths[2 * i].Union | node.Eighths[2 * i + 1].Union;
            result |= (ulong)(uint)((union >> painted & 1) != 0 ? painted : Wrong) << i * ClassBits;
        }
        return result;
    }

    private TreeChoice SolveLeaf(TreeNode node, ulong inherited)
    {
        if (node.IsFree)
            return default;
        var parts = _hasSubregions ? 4 : 1;
        var size = node.Size / (ulong)parts;
        var painted = node.Exact >> 1 != 0 ? Lowest(node.Exact & ~1UL) : node.Common >> 1 != 0 ? Lowest(node.Common & ~1UL) : 0;
        ulong waste = 0, wasteIfPainted = 0;
        uint must = 0, may = 0;
        for (var i = 0; i < parts; i++)
        {
            var at = node.Start + (ulong)i * size;
            var kept = At(inherited, i);
            var whenPainted = painted == 0 ? 0 : node.Waste(painted, at, at + size);
            if ((node.Common >> kept & 1) == 0 || kept == Wrong)
            {
                must |= 1u << i;
                wasteIfPainted += whenPainted;
                continue;
            }
            var whenKept = node.Waste(kept, at, at + size);
            waste += whenKept;
            may |= whenPainted < whenKept ? 1u << i : 0;
            wasteIfPainted += painted == 0 ? whenKept : Math.Min(whenPainted, whenKept);
        }
        if (must == 0)
            return new TreeChoice(waste, 0, 0);
        return painted == 0 ? new TreeChoice(PlanCost.Infinite, 0, 0) : new TreeChoice(PlanCost.Region + wasteIfPainted, 1UL << painted, must | may);
    }

    private TreeChoice ChooseWhole(TreeNode node, int inherited)
    {
        var kept = Solve(node.Left!, (ulong)inherited) + Solve(node.Right!, (ulong)inherited);
        var best = new TreeChoice(Math.Min(kept, PlanCost.Infinite), 0, (ulong)inherited);
        for (var left = node.Left!.Union & node.Right!.Union & ~1UL; left != 0; left &= left - 1)
        {
            var painted = Lowest(left);
            var cost = PlanCost.Region + Solve(node.Left, (ulong)painted) + Solve(node.Right, (ulong)painted);
            if (cost < best.Cost)
                best = new TreeChoice(cost, 1UL << painted, (ulong)painted);
        }
        return best;
    }

    private TreeChoice ChooseEighths(TreeNode node, ulong inherited)
    {
        var isSmallest = node.Level == _smallestRegion;
        var candidates = isSmallest ? node.Union & ~1UL : node.Left!.Union & node.Right!.Union & ~1UL;
        var best = new TreeChoice(PlanCost.Infinite, 0, 0);
        var count = Math.Min(PopCount(candidates), _mostPainted);
        for (var size = 0; size <= count && (ulong)size * PlanCost.Region < best.Cost; size++)
        {
            foreach (var set in Subsets(candidates, size))
            {
                if (_work > _workLimit)
                    return best;
                var (left, leftBelow) = Half(node, 0, inherited, set, isSmallest);
                var cost = (ulong)size * PlanCost.Region + left;
                if (cost >= best.Cost)
                    continue;
                var (right, rightBelow) = Half(node, 4, inherited, set, isSmallest);
                cost += right;
                if (cost < best.Cost)
                    best = new TreeChoice(cost, set, leftBelow | rightBelow << 4 * ClassBits);
            }
        }
        return best;
    }

    /// <summary>The best classes of four eighths, from <paramref name="first"/>, out of what they inherit and <paramref name="set"/>.</summary>
    private (ulong Cost, ulong Below) Half(TreeNode node, int first, ulong inherited, ulong set, bool isSmallest)
    {
        // Four options lists in a row, at most the set and the inherited class each.
        Span<ulong> options = stackalloc ulong[4];
        for (var i = 0; i < 4; i++)
            options[i] = Options(node.Eighths[first + i], At(inherited, (first + i) / 2), set);
        var half = (first == 0 ? node.Left : node.Right)!;
        var eighth = node.Size / 8;
        ulong best = PlanCost.Infinite, below = 0;
        if (isSmallest)
        {
            best = 0;
            for (var i = 0; i < 4; i++)
            {
                var at = node.Start + (ulong)(first + i) * eighth;
                var part = node.Eighths[first + i];
                if (part.IsFree)
                {
                    below |= (ulong)Wrong << i * ClassBits;
                    continue;
                }
                ulong least = PlanCost.Infinite;
                var chosen = Wrong;
                for (var left = options[i] & part.Common; left != 0; left &= left - 1)
                {
                    var waste = part.Waste(Lowest(left), at, at + eighth);
                    if (waste < least)
                        (least, chosen) = (waste, Lowest(left));
                }
                best = Math.Min(best + least, PlanCost.Infinite);
                below |= (ulong)(uint)chosen << i * ClassBits;
            }
            return (best, below);
        }
        for (var a = options[0]; a != 0; a &= a - 1)
        {
            for (var b = options[1]; b != 0; b &= b - 1)
            {
                for (var c = options[2]; c != 0; c &= c - 1)
                {
                    for (var d = options[3]; d != 0; d &= d - 1)
                    {
                        var packed = Pack(Lowest(a), Lowest(b), Lowest(c), Lowest(d));
                        _work++;
                        // Options are those of use in the eighth, which is a quarter of the half.
                        var cost = SolveCanonical(half, packed);
                        if (cost < best)
                            (best, below) = (cost, packed);
                    }
                }
            }
        }
        return (best, below);
    }

    /// <summary>What an eighth may be left with, a bit each.</summary>
    private static ulong Options(TreeNode part, int inherited, ulong set)
    {
        if (part.IsFree)
            return 1UL << Wrong;
        var kept = 1UL << ((part.Union >> inherited & 1) != 0 ? inherited : Wrong);
        if (!part.IsLeaf)
            return kept | (set & part.Union);
        if ((kept & part.Exact) != 0)
            return kept;
        return (set & part.Exact) != 0 ? 1UL << Lowest(set & part.Exact) : kept | (set & part.Common);
    }

    private static IEnumerable<ulong> Subsets(ulong set, int size)
    {
        if (size == 0)
        {
            yield return 0;
            yield break;
        }
        for (var left = set; left != 0; left &= left - 1)
        {
            var lowest = left & (~left + 1);
            foreach (var rest in Subsets(left & ~lowest, size - 1))
                yield return lowest | rest;
        }
    }

    private void Emit(TreeNode node, ulong inherited)
    {
        if (node.IsLeaf)
        {
            var leaf = SolveLeaf(node, inherited);
            if (leaf.Painted == 0)
                return;
            byte enabled = 0;
            for (var i = 0; i < 8; i++)
                enabled |= (byte)((leaf.Below >> (_hasSubregions ? i / 2 : 0) & 1) << i);
            _regions.Add(new PaintedRegion(node.Start, node.Size, unchecked((byte)~enabled), Lowest(leaf.Painted), default));
            return;
        }
        var choice = node.Memo[Canonical(node, inherited)];
        for (var left = choice.Painted; left != 0; left &= left - 1)
        {
            var painted = Lowest(left);
            byte enabled = _hasSubregions ? (byte)0 : byte.MaxValue;
            for (var i = 0; _hasSubregions && i < 8; i++)
                enabled |= (byte)(At(choice.Below, i) == painted ? 1 << i : 0);
            _regions.Add(new PaintedRegion(node.Start, node.Size, unchecked((byte)~enabled), painted, default));
        }
        if (!_hasSubregions)
        {
            Emit(node.Left!, choice.Below);
            Emit(node.Right!, choice.Below);
        }
        else if (node.Level > _smallestRegion)
        {
            const ulong Four = (1UL << 4 * ClassBits) - 1;
            Emit(node.Left!, choice.Below & Four);
            Emit(node.Right!, choice.Below >> 4 * ClassBits);
        }
    }

    /// <summary>
    /// A region all of whose enabled subregions are one aligned block is that block; one with all of them in one half is that half, as long as that
    /// is large enough for subregions.
    /// </summary>
    private static PaintedRegion Trim(PaintedRegion region, ulong smallestWithSubregions)
    {
        var enabled = unchecked((byte)~region.Disabled);
        for (var parts = 1; parts <= 4; parts *= 2)
        {
            for (var at = 0; at < 8; at += parts)
            {
                if (enabled == ((1 << parts) - 1) << at)
                    return region with { Start = region.Start + (ulong)at * (region.Size / 8), Size = region.Size / 8 * (ulong)parts, Disabled = 0 };
            }
        }
        while (region.Disabled != 0 && region.Size > smallestWithSubregions && ((enabled & 0x0f) == 0 || (enabled & 0xf0) == 0))
        {
            var isUpper = (enabled & 0x0f) == 0;
            var half = isUpper ? enabled >> 4 : enabled;
            // Four eighths become eight: each bit twice.
            enabled = 0;
            for (var i = 0; i < 8; i++)
                enabled |= (byte)((half >> i / 2 & 1) << i);
            region = region with
            {
                Start = isUpper ? region.Start + region.Size / 2 : region.Start,
                Size = region.Size / 2,
                Disabled = unchecked((byte)~enabled),
            };
        }
        return region;
    }

    internal static int Log2(ulong value)
    {
        var log = 0;
        while (value > 1)
        {
            value >>= 1;
            log++;
        }
        return log;
    }

    internal static int Lowest(ulong bits)
    {
        // De Bruijn would be faster where there is no instruction for it; the sets are small and their low bits are the common ones.
#if NET
        return System.Numerics.BitOperations.TrailingZeroCount(bits);
#else
        var index = 0;
        while ((bits & 1) == 0)
        {
            bits >>= 1;
            index++;
        }
        return index;
#endif
    }

    internal static int PopCount(ulong bits)
    {
        var count = 0;
        for (; bits != 0; bits &= bits - 1)
            count++;
        return count;
    }
}
