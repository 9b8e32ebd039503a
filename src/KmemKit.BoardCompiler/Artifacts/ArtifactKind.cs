using System;
using System.Text;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>A kind of file that is made of a board: what it is called, and the writer that makes it.</summary>
public sealed class ArtifactKind
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);
    private readonly Func<BoardCompilation, byte[]?> _write;

    private ArtifactKind(string name, string suffix, string title, Func<BoardCompilation, byte[]?> write)
    {
        Name = name;
        Suffix = suffix;
        Title = title;
        _write = write;
    }

    /// <summary>The word for it on command lines and in project files: lower case, and not unique where several files belong together.</summary>
    public string Name { get; }

    /// <summary>What follows the board's name in the file's name; unique.</summary>
    public string Suffix { get; }

    /// <summary>What it is, in a few words.</summary>
    public string Title { get; }

    /// <summary>The file's content; null where the board has nothing of the kind (no layout, no protection unit…).</summary>
    /// <param name="compilation">A board without errors.</param>
    public byte[]? Write(BoardCompilation compilation) => _write(compilation);

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal static ArtifactKind Text(string name, string suffix, string title, Func<BoardCompilation, string?> write) =>
        new(name, suffix, title, compilation => write(compilation) is { } text ? Utf8.GetBytes(text) : null);

    internal static ArtifactKind Binary(string name, string suffix, string title, Func<BoardCompilation, byte[]?> write) => new(name, suffix, title, write);
}
