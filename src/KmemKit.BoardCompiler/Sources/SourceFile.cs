using System;
using System.Collections.Generic;
using System.Threading;

namespace KmemKit.BoardCompiler.Sources;

/// <summary>A file a board is made from: its path as diagnostics print it, and its text or, for a blob, its bytes.</summary>
/// <remarks>
/// The core does no I/O: whoever calls it reads the file. In a blob there are no lines: position <c>n</c> is printed as line 1, column <c>n + 1</c>.
/// </remarks>
public sealed class SourceFile
{
    private readonly SourceFile? _physical;
    private readonly int _lineShift;
    private int[]? _lineStarts;

    /// <summary>A text file.</summary>
    /// <param name="path">As diagnostics print it, and what includes in it are relative to; <c>/</c> separates folders.</param>
    /// <param name="text">The whole text.</param>
    public SourceFile(string path, string text)
    {
        Path = path;
        Text = text;
    }

    /// <summary>A binary file: a devicetree blob.</summary>
    public SourceFile(string path, ReadOnlyMemory<byte> bytes)
    {
        Path = path;
        Text = "";
        Bytes = bytes;
        IsBinary = true;
    }

    // What a line marker makes of the text behind it: the same characters under another name, their lines counted from elsewhere.
    private SourceFile(SourceFile physical, string path, int lineShift)
    {
        Path = path;
        Text = physical.Text;
        _physical = physical;
        _lineShift = lineShift;
    }

    /// <summary>The path as diagnostics print it.</summary>
    public string Path { get; }

    /// <summary>The text; empty for a blob.</summary>
    public string Text { get; }

    /// <summary>The bytes of a blob; empty for a text.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Whether the file is a blob and not a text.</summary>
    public bool IsBinary { get; }

    /// <summary>The line and column, both from 0, of the character (blob: byte) at <paramref name="offset"/>.</summary>
    public LinePosition PositionOf(int offset)
    {
        if (IsBinary)
            return new LinePosition(0, offset);
        if (_physical is not null)
        {
            var physical = _physical.PositionOf(offset);
            return new LinePosition(Math.Max(0, physical.Line + _lineShift), physical.Column);
        }
        var starts = _lineStarts;
        if (starts is null)
        {
            starts = FindLineStarts(Text);
            Interlocked.CompareExchange(ref _lineStarts, starts, null);
        }
        var index = Array.BinarySearch(starts, offset);
        var line = index >= 0 ? index : ~index - 1;
        return new LinePosition(line, offset - starts[line]);
    }

    /// <inheritdoc/>
    public override string ToString() => Path;

    /// <summary>This text as a line marker (<c># 12 "file"</c>, <c>#line</c>) names it: offsets stay those of this file.</summary>
    /// <param name="path">The name it goes by.</param>
    /// <param name="lineShift">What is added to a line number of this file.</param>
    internal SourceFile WithLineMarker(string path, int lineShift) => new(_physical ?? this, path, lineShift);

    private static int[] FindLineStarts(string text)
    {
        var starts = new List<int> { 0 };
        for (var i = text.IndexOf('\n'); i >= 0; i = text.IndexOf('\n', i + 1))
            starts.Add(i + 1);
        return starts.ToArray();
    }
}
