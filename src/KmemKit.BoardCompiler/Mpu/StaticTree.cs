using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>
/// The static regions, in formats of aligned power-of-two regions without subregions, that leave the states fewest regions of their own: dynamic programming over
/// the blocks of all states at once.
/// </summary>
/// <remarks>
/// A state's own regions win over the static ones. So a block that one of them covers costs that state what it costs alone, whatever is static in it; and a block that
/// none covers costs the sum of its halves. What a state needs in a block is therefore the lesser of two numbers, of which only the second depends on what is static in
/// it: the states do not meet but in the static regions. For each class that a block inherits from the static regions around it, the ways to lay static regions
/// in it are kept, each with its number of them and of what every state lays over them; a way that another is no worse than in every number is dropped. So is one that
/// writes more than the best split known, for what a state needs in a block is part of what it needs in all: a region of its own over the block costs no less.
/// <para>
/// Static regions and those of one state together may not be more than the fullest state alone needs: that is always possible, with none, and no split has less.
/// Where more ways than <see cref="MostWays"/> are left for a block, those that write least are kept, and the result is no longer proved to be the least.
/// </para>
/// </remarks>
internal sealed class StaticTree
{
    /// <summary>Ways that are kept for a block and what it inherits.</summary>
    private const int MostWays = 48;

    /// <summary>More than any number of regions, and small enough to add up.</summary>
    private const int Impossible = 1 << 12;

    private readonly TreePlanner[] _states;
    private readonly int _most;
    private readonly int[] _sum;
    private int _fewest;

    /// <param name="cells">The policy.</param>
    /// <param name="format">The unit.</param>
    /// <param name="blocks">What is known of blocks.</param>
    /// <param name="most">Static regions and those of one state together.</param>
    public StaticTree(ProtectionCells cells, MpuFormat format, TreeCache blocks, int most)
    {
        _states = [.. cells.States.Select(state => new TreePlanner(cells.Map(state), format.Granule, 0, blocks))];
        _most = most;
        _sum = new int[_states.Length + 1];
    }

    /// <summary>Static regions, the one that wins first, with which the states write less than <paramref name="fewest"/> regions in all; null where there are none.</summary>
    public ImmutableArray<PaintedRegion>? Find(int fewest)
    {
        _fewest = fewest;
        Way? best = null;
        foreach (var way in Ways(new Block(this, [.. _states.Select(s => s.Root)], _states[0].Root.Level, 0), 0))
        {
            if (best is null || way.Writes < best.Writes)
                best = way;
        }
        if (best is null)
            return null;
        var regions = new List<PaintedRegion>();
        Collect(best, regions);
        return [.. regions.OrderBy(r => r.Size).ThenBy(r => r.Start)];
    }

    private static void Collect(Way way, List<PaintedRegion> regions)
    {
        if (way.Painted != 0)
            regions.Add(new PaintedRegion(way.Block.Start, 1UL << way.Block.Level, 0, way.Painted, default));
        if (way.Low is null || way.High is null)
            return;
        Collect(way.Low, regions);
        Collect(way.High, regions);
    }

    /// <summary>The ways of a block that inherits a class from the static regions around it.</summary>
    private List<Way> Ways(Block block, int inherited)
    {
        if ((block.Wanted >> inherited & 1) == 0)
            inherited = TreePlanner.Wrong;
        if (block.Known.TryGetValue(inherited, out var known))
            return known;
        var ways = new List<Way>();
        Add(ways, block, inherited, 0);
        for (var left = block.Candidates; left != 0; left &= left - 1)
        {
            var painted = TreePlanner.Lowest(left);
            if (painted != inherited)
                Add(ways, block, painted, painted);
        }
        if (ways.Count > MostWays)
            ways = [.. ways.OrderBy(w => w.Writes + w.Costs[0]).ThenBy(w => w.Costs[0]).Take(MostWays)];
        block.Known[inherited] = ways;
        return ways;
    }

    /// <summary>Adds the ways in which all of a block starts with a class, at the cost of a region if it is painted.</summary>
    private void Add(List<Way> ways, Block block, int below, int painted)
    {
        if (block.Low is null || block.High is null)
        {
            for (var i = 0; i < _states.Length; i++)
                _sum[i + 1] = Math.Min(_states[i].RegionsUnder(block.States[i], below), Impossible);
            Keep(null, null);
            return;
        }
        var highs = Ways(block.High, below);
        foreach (var low in Ways(block.Low, below))
        {
            foreach (var high in highs)
            {
                for (var i = 1; i < _sum.Length; i++)
                    _sum[i] = Math.Min(low.Costs[i] + high.Costs[i], block.Covered[i - 1]);
                Keep(low, high);
            }
        }

        void Keep(Way? low, Way? high)
        {
            _sum[0] = (low?.Costs[0] ?? 0) + (high?.Costs[0] ?? 0) + (painted == 0 ? 0 : 1);
            var writes = 0;
            for (var i = 1; i < _sum.Length; i++)
            {
                writes += _sum[i];
                if (_sum[0] + _sum[i] > _most)
                    return;
            }
            if (writes >= _fewest)
                return;
            foreach (var way in ways)
            {
                if (IsNoWorse(way.Costs, _sum))
                    return;
            }
            var kept = new Way(block, painted, low, high, (int[])_sum.Clone());
            ways.RemoveAll(way => IsNoWorse(kept.Costs, way.Costs));
            ways.Add(kept);
        }
    }

    private static bool IsNoWorse(int[] one, int[] other)
    {
        for (var i = 0; i < one.Length; i++)
        {
            if (one[i] > other[i])
                return false;
        }
        return true;
    }

    /// <summary>A block as all states see it.</summary>
    private sealed class Block
    {
        public Block(StaticTree tree, TreeNode[] states, int level, ulong start)
        {
            States = states;
            Level = level;
            Start = start;
            foreach (var state in states)
                Wanted |= state.Union;
            Candidates = Wanted & ~1UL;
            if (Array.TrueForAll(states, s => s.IsLeaf))
                return;
            Low = new Block(tree, [.. states.Select(s => s.Left ?? s)], level - 1, start);
            High = new Block(tree, [.. states.Select(s => s.Right ?? s)], level - 1, start + (1UL << (level - 1)));
            // A region that no state has a use for in one half could as well be one of the other half.
            Candidates = Low.Wanted & High.Wanted & ~1UL;
            Covered = [.. states.Select((s, i) => Math.Min(tree._states[i].RegionsIfCovered(s), Impossible))];
        }

        /// <summary>By state, the block in its own tree, or the leaf that it is in.</summary>
        public TreeNode[] States { get; }

        public int Level { get; }

        public ulong Start { get; }

        public Block? Low { get; }

        public Block? High { get; }

        /// <summary>Classes, and none, that some state has a use for.</summary>
        public ulong Wanted { get; }

        /// <summary>Classes of which a static region of just this block may be worth it.</summary>
        public ulong Candidates { get; }

        /// <summary>By state, what it lays here if a region of its own covers the block: that one, and those inside.</summary>
        public int[] Covered { get; } = [];

        public Dictionary<int, List<Way>> Known { get; } = [];
    }

    /// <summary>Static regions in a block, and what each state has to lay over them.</summary>
    private sealed class Way(Block block, int painted, Way? low, Way? high, int[] costs)
    {
        public Block Block { get; } = block;

        public int Painted { get; } = painted;

        public Way? Low { get; } = low;

        public Way? High { get; } = high;

        /// <summary>Static regions, then those of each state.</summary>
        public int[] Costs { get; } = costs;

        public int Writes { get; } = costs.Sum() - costs[0];
    }
}
