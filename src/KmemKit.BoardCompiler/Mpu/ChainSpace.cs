using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The address space of a PMP problem, cut into the pieces that entries decide as a whole.</summary>
/// <remarks>
/// The pieces are the cells. An entry that covers a part of an undecided cell that has to be decided is never worth it: a power of two that does so, and whatever decides the
/// rest, can be replaced by an entry that is off and a range, over all that this class may have there, at the same cost of two; and where a later
/// entry covers the rest together with more, it covers the part as well. (Of a cell that need not be decided a part may be covered; then the rest is as
/// free as before, and nothing is lost by counting all of it as undecided.) But no range can end with the space: where something has to be decided there, a
/// power of two ends with it, and cells are cut where such blocks begin.
/// </remarks>
internal sealed class ChainSpace
{
    public ChainSpace(CellMap map, ulong granule)
    {
        Granule = granule;
        End = map.End;
        Classes = map.Classes.Length;
        var cells = IntervalPlanner.Align(map, granule);
        var cuts = new SortedSet<ulong> { 0, End };
        foreach (var cell in cells)
            cuts.Add(cell.Start);
        var tail = cells[cells.Count - 1];
        for (var size = granule; size < End && (tail.Allowed & 1) == 0; size <<= 1)
            cuts.Add(End - size);
        Cuts = [.. cuts];
        Allowed = new ulong[Cuts.Length - 1];
        Words = (Allowed.Length + 63) / 64;
        Wants = [.. Enumerable.Range(0, Classes + 1).Select(_ => new ulong[Words])];
        var at = 0;
        for (var i = 0; i < Allowed.Length; i++)
        {
            while (cells[at].End <= Cuts[i])
                at++;
            Allowed[i] = cells[at].Allowed;
            for (var painted = 0; painted <= Classes; painted++)
            {
                if ((Allowed[i] >> painted & 1) != 0)
                    Set(Wants[painted], i);
            }
        }
    }

    public ulong Granule { get; }

    public ulong End { get; }

    public int Classes { get; }

    /// <summary>Where pieces start; the last is the end of the space.</summary>
    public ulong[] Cuts { get; }

    /// <summary>By piece, the classes that may decide it; bit 0 is "no entry".</summary>
    public ulong[] Allowed { get; }

    /// <summary>By class, its pieces, a bit each.</summary>
    public ulong[][] Wants { get; }

    public int Words { get; }

    public int Pieces => Allowed.Length;

    public static bool Has(ulong[] set, int piece) => (set[piece >> 6] >> (piece & 63) & 1) != 0;

    public static void Set(ulong[] set, int piece) => set[piece >> 6] |= 1UL << (piece & 63);

    /// <summary>Whether all that some entry has to decide is decided.</summary>
    public bool IsSolved(ulong[] decided)
    {
        for (var i = 0; i < Words; i++)
        {
            var all = i == Words - 1 && (Pieces & 63) != 0 ? (1UL << (Pieces & 63)) - 1 : ulong.MaxValue;
            if ((all & ~(decided[i] | Wants[0][i])) != 0)
                return false;
        }
        return true;
    }

    /// <summary>
    /// The largest aligned block within pieces [<paramref name="first"/>, <paramref name="last"/>) that holds <paramref name="piece"/> and no part of an
    /// undecided piece that has to be decided; size 0 where there is none.
    /// </summary>
    public (ulong Start, ulong Size) Block(int piece, int first, int last, ulong[] decided)
    {
        var best = (Start: 0UL, Size: 0UL);
        for (var size = Granule; size <= End; size <<= 1)
        {
            var start = Cuts[piece] & ~(size - 1);
            var end = start + size;
            if (end < Cuts[piece + 1])
                continue;
            if (start < Cuts[first] || end > Cuts[last])
                break;
            if (!Splits(start, decided) && !Splits(end, decided))
                best = (start, size);
        }
        return best;
    }

    private bool Splits(ulong address, ulong[] decided)
    {
        var at = Array.BinarySearch(Cuts, address);
        return at < 0 && !Has(decided, ~at - 1) && (Allowed[~at - 1] & 1) == 0;
    }

    /// <summary>
    /// Where a chain may go on behind an entry that ends at an address: the piece that starts there, or the one that holds it, if that is not decided yet
    /// (a block may reach into a piece that nothing has to decide); -1 at the end of the space.
    /// </summary>
    public int ChainAt(ulong address, ulong[] decided)
    {
        var at = Array.BinarySearch(Cuts, address);
        if (at < 0)
            at = Has(decided, ~at - 1) ? ~at : ~at - 1;
        return at < Pieces ? at : -1;
    }

    /// <summary>The pieces [First, Last) that lie in a range of addresses as a whole; a piece of which a part is outside is not decided by what covers the rest.</summary>
    public (int First, int Last) PiecesIn(ulong start, ulong end)
    {
        var (first, last) = (Array.BinarySearch(Cuts, start), Array.BinarySearch(Cuts, end));
        return (first < 0 ? ~first : first, last < 0 ? ~last - 1 : last);
    }
}

/// <summary>One step of a PMP table: an entry, or an entry that is off and the range it opens.</summary>
/// <param name="Start">First address.</param>
/// <param name="End">Behind the last.</param>
/// <param name="Class">What it says.</param>
/// <param name="Mode">How it matches.</param>
/// <param name="OpensWithOff">Whether an entry that is off goes before it and points to its start.</param>
internal readonly record struct ChainMove(ulong Start, ulong End, int Class, PmpMode Mode, bool OpensWithOff)
{
    public int Cost => OpensWithOff ? 2 : 1;
}
