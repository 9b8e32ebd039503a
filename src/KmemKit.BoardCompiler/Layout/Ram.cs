using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>A stretch of RAM while a layout is made: half-open, below 2^64, with the bank of the source it comes from.</summary>
internal readonly record struct RamPiece(ulong Start, ulong End, SourceSpan Span, int Node)
{
    public ulong Size => End - Start;

    public PhysRange Range => PhysRange.FromBounds(new PhysAddr(Start), End);
}

/// <summary>
/// The list of RAM while a layout is made, what meminfo or memblock.memory is to the kernel. Pieces keep the order they were added in until
/// <see cref="Sort"/>: kernels before 3.3 depend on it. Pieces that touch stay apart, so that each keeps its place in the source.
/// </summary>
internal sealed class Ram
{
    private readonly List<RamPiece> _pieces = [];

    public IReadOnlyList<RamPiece> Pieces => _pieces;

    public bool IsEmpty => _pieces.Count == 0;

    /// <summary>Lowest address; 0 where there is no RAM.</summary>
    public ulong Start
    {
        get
        {
            var start = ulong.MaxValue;
            foreach (var piece in _pieces)
                start = Math.Min(start, piece.Start);
            return IsEmpty ? 0 : start;
        }
    }

    /// <summary>End of the highest piece; 0 where there is no RAM.</summary>
    public ulong End
    {
        get
        {
            var end = 0UL;
            foreach (var piece in _pieces)
                end = Math.Max(end, piece.End);
            return end;
        }
    }

    public ulong TotalSize
    {
        get
        {
            var size = 0UL;
            foreach (var piece in _pieces)
                size += piece.Size;
            return size;
        }
    }

    public void Add(RamPiece piece)
    {
        if (piece.End > piece.Start)
            _pieces.Add(piece);
    }

    public void Clear() => _pieces.Clear();

    public void Sort() => _pieces.Sort(static (left, right) => left.Start.CompareTo(right.Start));

    /// <summary>Takes [<paramref name="start"/>, <paramref name="end"/>) away and returns how many bytes that were.</summary>
    public ulong Remove(ulong start, ulong end)
    {
        var removed = 0UL;
        for (var i = 0; i < _pieces.Count; i++)
        {
            var piece = _pieces[i];
            var from = Math.Max(start, piece.Start);
            var to = Math.Min(end, piece.End);
            if (from >= to)
                continue;
            removed += to - from;
            _pieces.RemoveAt(i);
            if (to < piece.End)
                _pieces.Insert(i, piece with { Start = to });
            if (from > piece.Start)
                _pieces.Insert(i, piece with { End = from });
            if (from == piece.Start && to == piece.End)
                i--;
        }
        return removed;
    }

    /// <summary>Takes away all from <paramref name="start"/> up, adds it to <paramref name="taken"/>, and returns its size and the place of its last piece.</summary>
    public (ulong Bytes, SourceSpan Span) MoveFrom(ulong start, Ram taken)
    {
        var span = default(SourceSpan);
        foreach (var piece in _pieces)
        {
            if (piece.End <= start)
                continue;
            taken.Add(piece with { Start = Math.Max(piece.Start, start) });
            span = piece.Span;
        }
        return (Remove(start, ulong.MaxValue), span);
    }

    /// <summary>
    /// [<paramref name="start"/>, <paramref name="end"/>) as far as it fills its pages; what that loses is reported.
    /// </summary>
    public static (ulong Start, ulong End) WholePages(ulong start, ulong end, PageGeometry pages, SourceSpan span, DiagnosticBag diagnostics)
    {
        var first = Alignment.Up(start, pages.PageSize);
        var last = Alignment.Down(end, pages.PageSize);
        if (first == start && last == end)
            return (start, end);
        var used = last > first ? last - first : 0;
        diagnostics.Add(DiagnosticTable.Layout.RamNotPageAligned, span, PhysRange.FromBounds(new PhysAddr(start), end), pages,
            used == 0 ? "nothing" : PhysRange.FromBounds(new PhysAddr(first), last).ToString(), new PhysAddr(end - start - used));
        return (first, last);
    }

    public Ram Copy()
    {
        var copy = new Ram();
        copy._pieces.AddRange(_pieces);
        return copy;
    }
}
