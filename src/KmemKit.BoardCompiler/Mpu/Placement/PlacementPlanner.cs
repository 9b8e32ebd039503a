using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu.Placement;

/// <summary>Chooses addresses for what has a size and none: fewest regions first, then the lowest end, which is the least padding.</summary>
/// <remarks>
/// Dynamic programming over sets (Held and Karp): for each set of requests and each number of regions above the least, the lowest end that they can be packed into.
/// Of two packings of one set with as many regions the one that ends lower is never worse, for whatever comes behind it may stay where it is.
/// So the answer is exact, as long as the next request is tried at every address that can be best: the first from there on with each alignment of its start
/// and of its end. Beyond <see cref="MostExact"/> requests they are taken by falling alignment and size, and the bound says what is proved.
/// A request counts the regions it takes by itself; that two of one domain may share one when they are side by side is the region planner's gain.
/// </remarks>
internal sealed class PlacementPlanner
{
    /// <summary>Requests of one pool that are placed exactly.</summary>
    public const int MostExact = 10;

    private readonly ImmutableArray<PhysRange> _pool;
    private readonly ImmutableArray<PhysRange> _taken;
    private readonly ImmutableArray<PlacementRequest> _requests;
    private readonly PlacementCost _cost;
    private readonly int[] _least;

    private PlacementPlanner(ImmutableArray<PhysRange> pool, ImmutableArray<PhysRange> taken, ImmutableArray<PlacementRequest> requests, PlacementCost cost)
    {
        _pool = pool;
        _taken = taken;
        _requests = requests;
        _cost = cost;
        _least = [.. requests.Select(r => cost.Least(r.Size))];
    }

    /// <summary>Places requests of one pool; null where no room was found.</summary>
    /// <param name="format">The unit; null for page tables.</param>
    /// <param name="pool">Ranges by rising address that share nothing.</param>
    /// <param name="taken">Ranges to keep clear of.</param>
    /// <param name="requests">At least one.</param>
    public static PlacedPool? Plan(MpuFormat? format, ImmutableArray<PhysRange> pool, IEnumerable<PhysRange> taken, ImmutableArray<PlacementRequest> requests)
    {
        ImmutableArray<PhysRange> clipped = [.. taken.SelectMany(t => pool.Select(p => p.Intersect(t))).Where(r => !r.IsEmpty).OrderBy(r => r)];
        var planner = new PlacementPlanner(pool, clipped, requests, new PlacementCost(format));
        return requests.Length <= MostExact ? planner.Exact() : planner.Greedy();
    }

    private PlacedPool? Exact()
    {
        // Regions above the least, by one: mostly none is needed.
        var most = _requests.Length * 2;
        for (var extra = 0; extra <= most; extra = extra == 0 ? 1 : extra * 2)
        {
            if (Pack(extra) is { } items)
                return new PlacedPool(_pool, _taken, items, items.Sum(i => i.Regions), true);
        }
        return null;
    }

    private ImmutableArray<PlacedRequest>? Pack(int mostExtra)
    {
        var full = (1 << _requests.Length) - 1;
        var ends = new ulong[full + 1, mostExtra + 1];
        var from = new (int Request, int Extra, ulong Start)[full + 1, mostExtra + 1];
        for (var set = 1; set <= full; set++)
        {
            for (var extra = 0; extra <= mostExtra; extra++)
                ends[set, extra] = ulong.MaxValue;
        }
        for (var extra = 1; extra <= mostExtra; extra++)
            ends[0, extra] = ulong.MaxValue;
        for (var set = 0; set < full; set++)
        {
            for (var extra = 0; extra <= mostExtra; extra++)
            {
                if (ends[set, extra] == ulong.MaxValue)
                    continue;
                for (var i = 0; i < _requests.Length; i++)
                {
                    if ((set >> i & 1) == 0)
                        Extend(set, extra, i);
                }
            }
        }
        var best = 0;
        while (best <= mostExtra && ends[full, best] == ulong.MaxValue)
            best++;
        if (best > mostExtra)
            return null;
        var items = ImmutableArray.CreateBuilder<PlacedRequest>();
        for (var set = full; set != 0;)
        {
            var step = from[set, best];
            items.Insert(0, Item(step.Request, step.Start));
            (set, best) = (set & ~(1 << step.Request), step.Extra);
        }
        return items.ToImmutable();

        void Extend(int set, int extra, int request)
        {
            foreach (var start in Starts(_requests[request], ends[set, extra]))
            {
                var total = extra + _cost.Of(start, _requests[request].Size) - _least[request];
                var (next, end) = (set | 1 << request, start + _requests[request].Size);
                // Of equal ends the first found stays: requests in the order of the tree.
                if (total <= mostExtra && end < ends[next, total])
                {
                    ends[next, total] = end;
                    from[next, total] = (request, extra, start);
                }
            }
        }
    }

    private PlacedPool? Greedy()
    {
        var items = new List<PlacedRequest>();
        var order = Enumerable.Range(0, _requests.Length).OrderByDescending(i => PlacementCost.Period(_requests[i].Size)).ThenByDescending(i => _requests[i].Size).ThenBy(i => i);
        var end = 0UL;
        foreach (var request in order)
        {
            var starts = Starts(_requests[request], end).ToList();
            if (starts.Count == 0)
                return null;
            var start = starts.OrderBy(s => _cost.Of(s, _requests[request].Size)).ThenBy(s => s).First();
            items.Add(Item(request, start));
            end = start + _requests[request].Size;
        }
        var bound = _least.Sum();
        return new PlacedPool(_pool, _taken, [.. items], bound, false);
    }

    private PlacedRequest Item(int request, ulong start) =>
        new(_requests[request], new PhysRange(new PhysAddr(start), _requests[request].Size), _cost.Of(start, _requests[request].Size));

    /// <summary>Addresses from <paramref name="from"/> on that can be best: behind each obstacle, the first with each alignment of its start and its end.</summary>
    private IEnumerable<ulong> Starts(PlacementRequest request, ulong from)
    {
        var unit = Math.Max(_cost.Granule, request.Alignment);
        var seen = new HashSet<ulong>();
        foreach (var range in _pool)
        {
            if (range.End <= from)
                continue;
            var corners = _taken.Where(t => range.Contains(t.Start) && !t.End.IsTop).Select(t => t.End.Value).Prepend(range.Start.Value)
                .Select(c => Math.Max(c, from)).Distinct();
            foreach (var corner in corners)
            {
                for (var align = unit; align <= Math.Max(unit, PlacementCost.Period(request.Size)) && align != 0; align <<= 1)
                {
                    foreach (var start in new[] { Up(corner, align), Up(corner + request.Size, align) - request.Size })
                    {
                        if (start >= corner && (start & (unit - 1)) == 0 && Fits(range, start, request.Size) && seen.Add(start))
                            yield return start;
                    }
                }
            }
        }
    }

    private bool Fits(PhysRange range, ulong start, ulong size)
    {
        if (size > ulong.MaxValue - start)
            return false;
        var place = new PhysRange(new PhysAddr(start), size);
        return range.Contains(place) && !_taken.Any(t => t.Overlaps(place));
    }

    private static ulong Up(ulong value, ulong align) => (value + align - 1) & ~(align - 1);
}
