using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.Generators.Pipeline;

/// <summary>A board with the texts it is made from and no others: equal to what it was as long as none of them changed. What a board is cached by.</summary>
/// <param name="Board">The board.</param>
/// <param name="Main">Its source; null where the compiler could not read it.</param>
/// <param name="Defconfig">Its defconfig; null where it has none, or where <see cref="BoardRequest.Defconfig"/> names one that is not there.</param>
/// <param name="Includes">What the source can include.</param>
/// <param name="IncludePaths">Folders that includes are looked for in.</param>
internal sealed record BoardSources(
    NamedBoard Board, BoardText? Main, BoardText? Defconfig, EquatableArray<BoardText> Includes, EquatableArray<string> IncludePaths) : ISourceProvider
{
    public static BoardSources Resolve(NamedBoard board, BoardTextSet texts, EquatableArray<string> includePaths)
    {
        var main = texts.Find(board.Request.Key);
        var defconfig = board.Request.Defconfig.Length > 0 ? texts.Find(board.Request.Defconfig) : null;
        var includes = main is null ? default : texts.Reachable(main, includePaths);
        return new BoardSources(board, main, defconfig, includes, includePaths);
    }

    IReadOnlyList<string> ISourceProvider.IncludePaths => IncludePaths;

    public SourceFile? OpenText(string path)
    {
        // Few includes, asked for once each: a look through the list costs less than a table would.
        foreach (var text in Includes)
        {
            if (text.Key == path)
                return new SourceFile(text.Key, text.Text);
        }
        return null;
    }

    // The compiler hands texts to a generator and refuses bytes (CS2015).
    public SourceFile? OpenBinary(string path) => null;

    /// <summary>The path that the compiler has for a normalized one.</summary>
    public string PathOf(string key)
    {
        if (Main?.Key == key)
            return Main.Path;
        if (Defconfig?.Key == key)
            return Defconfig.Path;
        foreach (var text in Includes)
        {
            if (text.Key == key)
                return text.Path;
        }
        return key;
    }
}
