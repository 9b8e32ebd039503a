using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>What the preprocessor makes of a source: one text, and for each of its characters the place in the files it came from.</summary>
/// <remarks>
/// The text is cut into segments by rising offset. In a copied segment character <c>n</c> is character <c>n</c> of a stretch of a file; all
/// characters of an expanded segment stand for the use of one macro. A source without preprocessor lines is its own text: one segment, nothing copied.
/// Cost: a look-up starts at the segment of the one before, so that a parser going forward pays a compare.
/// </remarks>
internal sealed class ExpandedSource
{
    private readonly SourceFile? _identity;
    private readonly List<Segment> _segments = [];
    private int _last;

    private struct Segment
    {
        public int Start;
        public SourceFile File;
        public int Offset;

        /// <summary>Length of the macro use that the whole segment stands for; -1 where the segment is a copy.</summary>
        public int UseLength;
    }

    private ExpandedSource(SourceFile main, SourceFile? identity)
    {
        Main = main;
        _identity = identity;
        Text = identity?.Text ?? "";
    }

    /// <summary>A source that needs no preprocessing.</summary>
    public static ExpandedSource Unchanged(SourceFile source) => new(source, source);

    /// <summary>One whose segments and text are still to come.</summary>
    public static ExpandedSource Empty(SourceFile main) => new(main, null);

    public SourceFile Main { get; }

    public string Text { get; private set; }

    public void AddCopy(int start, SourceFile file, int offset) => Add(start, file, offset, -1);

    public void AddExpansion(int start, SourceFile file, int offset, int length) => Add(start, file, offset, length);

    public void Complete(string text) => Text = text;

    /// <summary>Where the characters from <paramref name="start"/> on come from.</summary>
    public SourceSpan SpanOf(int start, int length)
    {
        if (_identity is not null)
            return new SourceSpan(_identity, start, length);
        if (_segments.Count == 0)
            return new SourceSpan(Main, 0, 0);
        var index = IndexOf(start);
        var segment = _segments[index];
        if (segment.UseLength >= 0)
            return new SourceSpan(segment.File, segment.Offset, segment.UseLength);
        // A stretch that runs into the next segment ends in this one: a span lies in one file.
        var room = index + 1 < _segments.Count ? _segments[index + 1].Start - start : int.MaxValue;
        return new SourceSpan(segment.File, segment.Offset + (start - segment.Start), Math.Min(length, room));
    }

    /// <summary>The file that the character at <paramref name="start"/> stands in: what includes there are relative to.</summary>
    public SourceFile FileAt(int start) => SpanOf(start, 0).File ?? Main;

    private void Add(int start, SourceFile file, int offset, int useLength)
    {
        var last = _segments.Count - 1;
        var segment = new Segment { Start = start, File = file, Offset = offset, UseLength = useLength };
        if (last >= 0 && _segments[last].Start == start)
            _segments[last] = segment;
        else
            _segments.Add(segment);
    }

    private int IndexOf(int start)
    {
        var index = _last;
        if (_segments[index].Start > start)
            return _last = Search(start);
        // Near ones by steps; far ones by halving.
        for (var step = 0; index + 1 < _segments.Count && _segments[index + 1].Start <= start; step++, index++)
        {
            if (step == 8)
                return _last = Search(start);
        }
        return _last = index;
    }

    private int Search(int start)
    {
        int low = 0, high = _segments.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >>> 1;
            if (_segments[middle].Start <= start)
                low = middle;
            else
                high = middle - 1;
        }
        return low;
    }
}
