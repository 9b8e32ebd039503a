using System.Collections.Immutable;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>
/// A PMP table without search: chains from the lowest address up; or the same for all that one class cannot decide, and one entry over everything
/// for that class behind it.
/// </summary>
internal static class ChainSweep
{
    public static ImmutableArray<PaintedRegion>? Plan(ChainSpace space, bool startsAtZero)
    {
        var best = Over(space, 0, startsAtZero);
        for (var painted = 1; painted <= space.Classes; painted++)
        {
            if (Over(space, painted, startsAtZero) is { } other && (best is null || other.Length < best.Value.Length))
                best = other;
        }
        return best;
    }

    /// <summary>With class <paramref name="behind"/> (0: nothing) in whatever the chains leave.</summary>
    private static ImmutableArray<PaintedRegion>? Over(ChainSpace space, int behind, bool startsAtZero)
    {
        var entries = ImmutableArray.CreateBuilder<PaintedRegion>();
        ulong? chain = startsAtZero ? 0 : null;
        for (var piece = 0; piece < space.Pieces;)
        {
            if ((space.Allowed[piece] >> behind & 1) != 0)
            {
                piece++;
                continue;
            }
            // The class that reaches furthest.
            var (painted, last) = (0, piece);
            for (var candidate = 1; candidate <= space.Classes; candidate++)
            {
                var end = piece;
                while (end < space.Pieces && (space.Allowed[end] >> candidate & 1) != 0)
                    end++;
                if (end > last)
                    (painted, last) = (candidate, end);
            }
            if (painted == 0)
                return null;
            chain = AddRange(space, entries, piece, last, painted, chain);
            piece = last;
        }
        if (behind != 0)
            entries.Add(new PaintedRegion(0, space.End, 0, behind, PmpMode.Napot));
        return entries.ToImmutable();
    }

    private static ulong? AddRange(ChainSpace space, ImmutableArray<PaintedRegion>.Builder entries, int first, int last, int painted, ulong? chain)
    {
        var (start, end) = (space.Cuts[first], space.Cuts[last]);
        if (end == space.End || ((end - start & (end - start - 1)) == 0 && (start & (end - start - 1)) == 0))
        {
            // A range cannot end at the end of the space: powers of two, from below.
            for (var at = start; at < end;)
            {
                var size = space.Granule;
                while (size < end - at && (at & ((size << 1) - 1)) == 0 && size << 1 <= end - at)
                    size <<= 1;
                entries.Add(new PaintedRegion(at, size, 0, painted, size == 4 ? PmpMode.Na4 : PmpMode.Napot));
                at += size;
            }
            return end;
        }
        if (chain != start)
            entries.Add(new PaintedRegion(start, 0, 0, 0, PmpMode.Off));
        entries.Add(new PaintedRegion(start, end - start, 0, painted, PmpMode.Tor));
        return end;
    }
}
