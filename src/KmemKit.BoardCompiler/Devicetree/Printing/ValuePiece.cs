using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// A stretch of a value that is printed in one form, with the markers that fall into it: those from From up to To, by rising offset.
internal readonly struct ValuePiece
{
    private readonly ImmutableArray<ValueMarker> _markers;
    private readonly int _from;
    private readonly int _to;

    internal ValuePiece(int start, int end, ValueMarkerKind kind, ImmutableArray<ValueMarker> markers, int from, int to)
    {
        Start = start;
        End = end;
        Kind = kind;
        _markers = markers;
        _from = from;
        _to = to;
    }

    /// <summary>First byte, from the start of the value.</summary>
    internal int Start { get; }

    /// <summary>Just behind the last byte.</summary>
    internal int End { get; }

    /// <summary>String, bytes or cells.</summary>
    internal ValueMarkerKind Kind { get; }

    /// <summary>Whether every label behind the start of the piece stands in front of an element of <paramref name="width"/> bytes.</summary>
    internal bool LabelsFit(int width)
    {
        for (var i = _from; i < _to; i++)
        {
            if (_markers[i].Kind == ValueMarkerKind.Label && (_markers[i].Offset - Start) % width != 0)
                return false;
        }
        return true;
    }

    /// <summary>The reference of that kind at an offset; null where there is none. Markers before <paramref name="cursor"/> are not looked at.</summary>
    internal string? ReferenceAt(int offset, ValueMarkerKind kind, int cursor)
    {
        for (var i = _from + cursor; i < _to && _markers[i].Offset <= offset; i++)
        {
            if (_markers[i].Kind == kind && _markers[i].Offset == offset)
                return _markers[i].Text;
        }
        return null;
    }

    /// <summary>Puts the labels at an offset, each with a colon and a space; <paramref name="cursor"/> goes to the first marker not before it.</summary>
    internal void PutLabels(ref DtsText text, int offset, ref int cursor)
    {
        while (_from + cursor < _to && _markers[_from + cursor].Offset < offset)
            cursor++;
        for (var i = _from + cursor; i < _to && _markers[i].Offset == offset; i++)
        {
            if (_markers[i].Kind != ValueMarkerKind.Label)
                continue;
            text.Put(_markers[i].Text);
            text.Put(": ");
        }
    }
}
