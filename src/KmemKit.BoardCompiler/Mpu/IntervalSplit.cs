using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The static regions, in a format whose regions may not overlap (PMSAv8), that leave the states fewest regions of their own.</summary>
/// <remarks>
/// A static region stays in every state, so that all of them have to agree on it; and between two of them each state is a problem by itself, of which the
/// least is known by one sweep. So a split is a path from the lowest address up, from static region to static region, whose length is the regions of
/// all states between; and it is a shortest path with a limit: static regions and those of any one state together may not be more than the fullest state alone
/// needs. What is kept at each end of a static region are the ways there of which none is better in every respect.
/// A static region is worth trying as far as all states agree, and shorter only where another class could have what is left.
/// </remarks>
internal sealed class IntervalSplit
{
    /// <summary>Ways that may be looked at; beyond that the best found is given.</summary>
    private const int MostWays = 100_000;

    private readonly ProtectionCells _cells;
    private readonly ulong[] _cuts;
    private readonly ulong[][] _allowed;
    private readonly int _most;
    private readonly int[,][] _between;

    /// <param name="cells">The policy.</param>
    /// <param name="format">The unit.</param>
    /// <param name="most">Static regions and those of one state together.</param>
    public IntervalSplit(ProtectionCells cells, MpuFormat format, int most)
    {
        _cells = cells;
        _most = most;
        var granule = format.Granule;
        var cuts = new SortedSet<ulong> { format.AddressSpace.End.Value };
        foreach (var point in cells.Points)
        {
            cuts.Add(point & ~(granule - 1));
            if ((point & (granule - 1)) != 0)
                cuts.Add((point | (granule - 1)) + 1);
        }
        _cuts = [.. cuts];
        _allowed = [.. Enumerable.Range(0, cells.States.Length).Select(Allowed)];
        _between = new int[Count + 1, Count + 1][];
    }

    private int Count => _cuts.Length - 1;

    private ulong[] Allowed(int state)
    {
        var allowed = new ulong[Count];
        var (points, wants) = (_cells.Points, _cells.CellsOf(state));
        for (var i = 0; i < Count; i++)
            allowed[i] = wants[_cells.PointAt(_cuts[i])].Exact;
        for (var i = 0; i < points.Count; i++)
        {
            var at = Array.BinarySearch(_cuts, points[i]);
            if (at < 0)
                allowed[~at - 1] &= wants[i].Exact;
        }
        return allowed;
    }

    /// <summary>Static regions with which the states write less than <paramref name="fewest"/> regions in all; null where there are none or none were found.</summary>
    public ImmutableArray<PaintedRegion>? Find(int fewest)
    {
        var candidates = Candidates();
        // From each place on, the fewest regions of all states if static ones could be as many as one likes.
        var rest = new int[Count + 1];
        for (var at = Count; at >= 0; at--)
        {
            rest[at] = Between(at, Count).Sum();
            foreach (var next in candidates.Where(c => c.First >= at))
                rest[at] = Math.Min(rest[at], Between(at, next.First).Sum() + rest[next.End]);
        }
        var ways = new List<Way>[Count + 1];
        ways[0] = [new Way(null, default, 0, new int[_allowed.Length])];
        Way? best = null;
        var looked = 0;
        for (var at = 0; at <= Count; at++)
        {
            foreach (var way in ways[at] ?? [])
            {
                var whole = With(way, Between(at, Count));
                if (whole.Sum() < fewest && way.Count + whole.Max() <= _most)
                    (best, fewest) = (way, whole.Sum());
                foreach (var next in candidates)
                {
                    if (next.First < at || looked > MostWays)
                        continue;
                    looked++;
                    var own = With(way, Between(at, next.First));
                    if (way.Count + 1 + own.Max() > _most || own.Sum() + rest[next.End] >= fewest)
                        continue;
                    Keep(ways[next.End] ??= [], new Way(way, next, way.Count + 1, own));
                }
            }
        }
        if (best is null)
            return null;
        var regions = new List<PaintedRegion>();
        for (var way = best; way.Before is not null; way = way.Before)
            regions.Add(new PaintedRegion(_cuts[way.Last.First], _cuts[way.Last.End] - _cuts[way.Last.First], 0, way.Last.Class, default));
        regions.Reverse();
        return regions.ToImmutableArray();
    }

    private static int[] With(Way way, int[] more)
    {
        var own = (int[])way.Own.Clone();
        for (var i = 0; i < own.Length; i++)
            own[i] += more[i];
        return own;
    }

    private static void Keep(List<Way> ways, Way way)
    {
        foreach (var other in ways)
        {
            if (other.IsNoWorse(way))
                return;
        }
        ways.RemoveAll(way.IsNoWorse);
        ways.Add(way);
    }

    /// <summary>Stretches on which all states agree, by their start.</summary>
    private List<Static> Candidates()
    {
        var runs = new List<Static>();
        for (var painted = 1; painted <= _cells.Classes.Length; painted++)
        {
            for (var first = 0; first < Count; first++)
            {
                var end = first;
                var isWanted = false;
                for (; end < Count && _allowed.All(a => (a[end] >> painted & 1) != 0); end++)
                    isWanted |= _allowed.Any(a => (a[end] & 1) == 0);
                if (isWanted)
                    runs.Add(new Static(first, end, painted));
                first = end;
            }
        }
        var result = new SortedSet<Static>(runs);
        foreach (var run in runs)
        {
            var others = runs.Where(r => r.Class != run.Class && r.First < run.End && run.First < r.End).ToList();
            var edges = others.SelectMany(o => new[] { o.First, o.End }).Where(e => e > run.First && e < run.End).ToList();
            foreach (var first in edges.Append(run.First))
            {
                foreach (var end in edges.Append(run.End).Where(e => e > first))
                    result.Add(run with { First = first, End = end });
            }
        }
        return [.. result];
    }

    /// <summary>The least regions of each state for the cells [<paramref name="from"/>, <paramref name="to"/>) with nothing else there.</summary>
    private int[] Between(int from, int to)
    {
        if (_between[from, to] is null)
        {
            for (var end = from; end <= Count; end++)
                _between[from, end] = new int[_allowed.Length];
            for (var state = 0; state < _allowed.Length; state++)
                Sweep(state, from);
        }
        return _between[from, to];
    }

    /// <summary>From a cell up: of each class, the fewest regions with which it decides in the last cell so far.</summary>
    private void Sweep(int state, int from)
    {
        var allowed = _allowed[state];
        var costs = new int[_cells.Classes.Length + 1];
        for (var cell = from; cell < Count; cell++)
        {
            var least = cell == from ? 0 : costs.Min();
            for (var c = 0; c < costs.Length; c++)
            {
                var enter = least + (c == 0 ? 0 : 1);
                costs[c] = (allowed[cell] >> c & 1) == 0 ? Impossible : cell == from ? enter : Math.Min(costs[c], enter);
            }
            _between[from, cell + 1][state] = Math.Min(costs.Min(), Impossible);
        }
    }

    /// <summary>More than any number of regions, and small enough to add up.</summary>
    private const int Impossible = 1 << 16;

    private readonly record struct Static(int First, int End, int Class) : IComparable<Static>
    {
        public int CompareTo(Static other) => (First, End, Class).CompareTo((other.First, other.End, other.Class));
    }

    /// <summary>Static regions up to the end of the last one, and the regions of each state up to there.</summary>
    private sealed record Way(Way? Before, Static Last, int Count, int[] Own)
    {
        public bool IsNoWorse(Way other)
        {
            if (Count > other.Count)
                return false;
            for (var i = 0; i < Own.Length; i++)
            {
                if (Own[i] > other.Own[i])
                    return false;
            }
            return true;
        }
    }
}
