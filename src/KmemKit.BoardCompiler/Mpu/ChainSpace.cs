using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The address space of a PMP problem, cut finely enough that every entry worth trying is made of whole pieces.</summary>
/// <remarks>
/// Pieces end at the edges of cells and at those edges rounded, down and up, to every power of two: rounding what is rounded gives nothing new, so
/// that whatever a set of entries decides is a set of pieces.
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
        foreach (var edge in cells.Select(c => c.Start))
        {
            for (var size = granule; size < End; size <<= 1)
            {
                cuts.Add(edge & ~(size - 1));
                cuts.Add(Math.Min((edge + size - 1) & ~(size - 1), End));
            }
        }
        Cuts = [.. cuts];
        Allowed = new ulong[Cuts.Length - 1];
        Words = (Allowed.Length + 63) / 64;
        Wants = [.. Enumerable.Range(0, Classes + 1).Select(_ => new ulong[Words])];
        var cell = 0;
        for (var i = 0; i < Allowed.Length; i++)
        {
            while (cells[cell].End <= Cuts[i])
                cell++;
            Allowed[i] = cells[cell].Allowed;
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

    /// <summary>The piece that starts at a cut.</summary>
    public int PieceAt(ulong address) => Array.BinarySearch(Cuts, address);

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

    /// <summary>The largest aligned block within pieces [<paramref name="first"/>, <paramref name="last"/>) that holds <paramref name="piece"/>.</summary>
    public (int First, int Last) Block(int piece, int first, int last)
    {
        var best = (First: -1, Last: -1);
        for (var size = Granule; size <= End; size <<= 1)
        {
            var start = Cuts[piece] & ~(size - 1);
            // A piece is inside one block of each size, or made of several of them.
            if (start + size < Cuts[piece + 1])
                continue;
            if (start < Cuts[first] || start + size > Cuts[last])
                break;
            best = (PieceAt(start), PieceAt(start + size));
        }
        return best;
    }
}

/// <summary>One step of a PMP table: an entry, or an entry that is off and the range it opens.</summary>
internal readonly record struct ChainMove(int First, int Last, int Class, PmpMode Mode, int Cost, bool OpensWithOff);
