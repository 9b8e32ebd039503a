using System;

namespace KmemKit.BoardCompiler.Sources;

/// <summary>Where something is written: a stretch of a <see cref="SourceFile"/>. The default value means "nowhere in a file".</summary>
/// <param name="File">The file; null for what no file says (a command-line override, a default).</param>
/// <param name="Start">First character (blob: byte), from 0.</param>
/// <param name="Length">Characters (blob: bytes).</param>
public readonly record struct SourceSpan(SourceFile? File, int Start, int Length)
{
    /// <summary>Whether there is a file behind it.</summary>
    public bool IsKnown => File is not null;

    /// <summary>Offset just behind the stretch.</summary>
    public int End => Start + Length;

    /// <summary>Line and column, from 0, of the first character.</summary>
    public LinePosition StartPosition => File?.PositionOf(Start) ?? default;

    /// <summary>Line and column, from 0, just behind the last character.</summary>
    public LinePosition EndPosition => File?.PositionOf(End) ?? default;

    /// <summary>From the start of this to the end of <paramref name="last"/>, which is in the same file behind it; otherwise this.</summary>
    public SourceSpan Through(SourceSpan last) =>
        ReferenceEquals(File, last.File) && last.End > Start ? this with { Length = last.End - Start } : this;

    /// <summary><c>file(line,column)</c>, counted from 1, as MSBuild and editors make clickable; empty where unknown.</summary>
    public override string ToString()
    {
        if (File is null)
            return "";
        var position = StartPosition;
        return FormattableString.Invariant($"{File.Path}({position.Line + 1},{position.Column + 1})");
    }
}
