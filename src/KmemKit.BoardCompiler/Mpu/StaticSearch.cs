using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Looks for static regions, in formats of power-of-two regions with subregions, that leave the states fewest regions of their own.</summary>
/// <remarks>
/// Best first over pictures: what the static regions leave at each address. A picture grows by one region on top of the others, and shrinks by one.
/// <list type="number">
/// <item>A region that is added saves each state one of its own at most, as the state could lay it itself. So a picture that needs more regions at a
/// time than the fullest state alone is left, with all that grow from it; and so is one that cannot come below the best with the regions that are
/// left to add.</item>
/// <item>A block is worth a region of a class if some state wants that class in each of its halves; inside a block in which no state makes a difference
/// between addresses none is: the whole block serves as well.</item>
/// </list>
/// Of the eighths that a region may leave out, those are tried that <see cref="StaticPool"/> finds of use to some states or to a number of them. The work is limited, and what
/// is likely to help is tried first: regions that states have of their own now and that are in nobody's way. So the result is not proved to be the least; without
/// subregions <see cref="StaticTree"/> proves it.
/// </remarks>
internal sealed class StaticSearch
{
    /// <summary>Cells and blocks that may be looked at: a few milliseconds.</summary>
    private const long MostWork = 4000;

    private readonly ProtectionCells _cells;
    private readonly MpuFormat _format;
    private readonly TreeCache _blocks;
    private readonly ImmutableArray<PaintedRegion>[] _alone;
    private readonly List<PaintedRegion> _pool;
    private readonly ulong[] _points;
    private readonly int[][] _covered;
    private readonly PointSet[] _cover;
    private readonly PointSet[][] _mayBe;
    private readonly ulong[][] _allowed;
    private readonly PictureSet _seen;
    private readonly List<Queue<ImmutableArray<PaintedRegion>>> _queues = [];
    private readonly int _most;
    private (int Used, int Writes) _best;
    private long _work;

    /// <param name="cells">The policy.</param>
    /// <param name="format">The unit: power-of-two regions.</param>
    /// <param name="blocks">What is known of blocks.</param>
    /// <param name="alone">Of each state, the least table it has by itself.</param>
    public StaticSearch(ProtectionCells cells, MpuFormat format, TreeCache blocks, IEnumerable<SpacePlan> alone)
    {
        _cells = cells;
        _format = format;
        _blocks = blocks;
        _alone = [.. alone.Select(t => t.Regions)];
        _most = _alone.Max(own => own.Length);
        var pool = new StaticPool(cells, format);
        _pool = pool.Regions;
        var edges = new SortedSet<ulong>(pool.Points.Concat(ProtectionCells.Edges(_pool)).Where(p => p < format.AddressSpace.End.Value));
        _points = [.. edges];
        _covered = [.. _pool.Select(PointsOf)];
        _cover = [.. _covered.Select(points => new PointSet(_points.Length, points))];
        _allowed = [.. Enumerable.Range(0, _alone.Length).Select(state => _points.Select(p => cells.CellsOf(state)[cells.PointAt(p)].Allowed).ToArray())];
        _mayBe = [.. _allowed.Select(points => Enumerable.Range(0, cells.Classes.Length + 1)
            .Select(painted => new PointSet(_points.Length, Enumerable.Range(0, _points.Length).Where(at => (points[at] >> painted & 1) != 0))).ToArray())];
        _seen = new PictureSet(_points.Length, cells.Classes.Length + 1);
    }

    /// <summary>Static regions, the one that wins first, with which the states write less than they do with the best there is so far; null where none were found.</summary>
    /// <param name="best">That one.</param>
    /// <param name="starts">Static regions to start from.</param>
    public ImmutableArray<PaintedRegion>? Find(SplitPlan best, IEnumerable<SplitPlan> starts)
    {
        ImmutableArray<PaintedRegion>? found = null;
        _best = (best.Used, best.Writes);
        foreach (var start in starts)
            Offer(start.Static, start.Writes, 0);
        Offer([], _alone.Sum(own => own.Length), 0);
        while (_work < MostWork && Next() is { } candidate)
        {
            if (Evaluate(candidate) is not { } states)
                continue;
            var (used, writes) = (candidate.Length + states.Max(own => own.Length), states.Sum(own => own.Length));
            if (used > _most)
                continue;
            if ((used, writes).CompareTo(_best) < 0)
                (_best, found) = ((used, writes), candidate);
            if (writes == 0)
                break;
            Grow(candidate, states, writes);
        }
        return found;
    }

    private void Grow(ImmutableArray<PaintedRegion> from, ImmutableArray<PaintedRegion>[] states, int writes)
    {
        for (var i = 0; i < from.Length; i++)
            Offer(from.RemoveAt(i), writes, GainWithout(i, from));
        var left = _most - from.Length;
        if (left <= 0 || states.Sum(own => Math.Max(0, own.Length - left)) >= _best.Writes)
            return;
        var below = Picture(from);
        var key = _seen.KeyOf(below);
        PointSet[] covered = [.. states.Select(own => new PointSet(_points.Length, own.SelectMany(PointsOf)))];
        for (var i = 0; i < _pool.Count; i++)
        {
            if (_seen.Add(_seen.KeyWith(key, below, _covered[i], _pool[i].Class), from.Length + 1))
                Enqueue(from.Insert(0, _pool[i]), writes, Gain(i, states, covered));
        }
    }

    /// <summary>How many states are likely to have one region less of their own, less those that are likely to need one more.</summary>
    private int Gain(int pooled, ImmutableArray<PaintedRegion>[] states, PointSet[] covered)
    {
        var gain = 0;
        var region = _pool[pooled];
        for (var i = 0; i < states.Length; i++)
        {
            // It hurts where the state may not have it and has nothing above it.
            if (!_cover[pooled].IsIn(_mayBe[i][region.Class], covered[i]))
            {
                gain--;
                continue;
            }
            foreach (var mine in states[i])
            {
                if (mine.Class != region.Class || mine.Start < region.Start || mine.Start + mine.Size > region.Start + region.Size)
                    continue;
                gain++;
                break;
            }
        }
        return gain;
    }

    /// <summary>How many states have no use for a region, and perhaps have to lay one over it, less those that would have to lay it themselves.</summary>
    private int GainWithout(int index, ImmutableArray<PaintedRegion> from)
    {
        var region = from[index];
        var (helped, hurt) = (0UL, 0UL);
        var above = from.RemoveRange(index, from.Length - index);
        foreach (var at in PointsOf(region))
        {
            if (Covers(above, _points[at]))
                continue;
            for (var i = 0; i < _alone.Length; i++)
            {
                var allowed = _allowed[i][at];
                helped |= (allowed >> region.Class & 1) != 0 && (allowed & 1) == 0 ? 1UL << i : 0;
                hurt |= (allowed >> region.Class & 1) == 0 ? 1UL << i : 0;
            }
        }
        return TreePlanner.PopCount(hurt & ~helped) - TreePlanner.PopCount(helped);
    }

    private static bool Covers(ImmutableArray<PaintedRegion> regions, ulong point)
    {
        foreach (var region in regions)
        {
            if (region.Covers(point))
                return true;
        }
        return false;
    }

    private void Offer(ImmutableArray<PaintedRegion> regions, int writes, int gain)
    {
        if (_seen.Add(_seen.KeyOf(Picture(regions)), regions.Length))
            Enqueue(regions, writes, gain);
    }

    private void Enqueue(ImmutableArray<PaintedRegion> regions, int writes, int gain)
    {
        var rank = Math.Max(0, writes - gain);
        while (_queues.Count <= rank)
            _queues.Add(new Queue<ImmutableArray<PaintedRegion>>());
        _queues[rank].Enqueue(regions);
    }

    private ImmutableArray<PaintedRegion>? Next()
    {
        foreach (var queue in _queues)
        {
            if (queue.Count > 0)
                return queue.Dequeue();
        }
        return null;
    }

    private byte[] Picture(ImmutableArray<PaintedRegion> regions)
    {
        var picture = new byte[_points.Length];
        for (var i = regions.Length - 1; i >= 0; i--)
        {
            foreach (var at in PointsOf(regions[i]))
                picture[at] = (byte)regions[i].Class;
        }
        return picture;
    }

    private int[] PointsOf(PaintedRegion region)
    {
        var (first, end) = (Array.BinarySearch(_points, region.Start), region.Start + region.Size);
        var points = new List<int>();
        for (var at = first < 0 ? ~first : first; at < _points.Length && _points[at] < end; at++)
        {
            if (region.Covers(_points[at]))
                points.Add(at);
        }
        return [.. points];
    }

    /// <summary>What each state has to lay over the static regions; null where one cannot, or needs too many.</summary>
    private ImmutableArray<PaintedRegion>[]? Evaluate(ImmutableArray<PaintedRegion> regions)
    {
        var states = new ImmutableArray<PaintedRegion>[_alone.Length];
        for (var i = 0; i < states.Length; i++)
        {
            var map = _cells.Map(_cells.States[i], regions);
            _work += map.Cells.Length;
            if (TreePlanner.Plan(map, _format.Granule, _format.SmallestWithSubregions, cache: _blocks) is not { } plan || plan.Regions.Length + regions.Length > _most)
                return null;
            states[i] = plan.Regions;
            _work += plan.Work;
        }
        return states;
    }
}
