using System;
using System.Globalization;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>How the files of a board are called in what is written about it.</summary>
/// <remarks>
/// What is printed for the caller of a command names files as the caller did. A file that is kept must not depend on who wrote it from where, so it
/// names them as seen from the board's own folder.
/// </remarks>
internal static class PlaceNames
{
    /// <summary>Files as they were named when they were read.</summary>
    public static Func<SourceFile, string> AsGiven { get; } = file => file.Path;

    /// <summary>Files as seen from the folder of the board's source.</summary>
    public static Func<SourceFile, string> RelativeTo(Board board)
    {
        var folder = FilePath.FolderOf(board.Tree.Source.Path);
        return file => FilePath.RelativeTo(folder, file.Path);
    }

    /// <summary><c>file:line</c>, the line from 1; empty where no file says it.</summary>
    public static string Of(SourceSpan span, Func<SourceFile, string> nameOf) => span.File is null
        ? ""
        : nameOf(span.File) + ":" + (span.StartPosition.Line + 1).ToString(CultureInfo.InvariantCulture);
}
