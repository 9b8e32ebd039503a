using System.IO;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Files;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Files;

namespace KmemKit.Tool.Input;

/// <summary>The files behind one <c>&lt;board&gt;</c> of the command line.</summary>
/// <param name="Name">The board's name: file name without its last extension, or the folder's name.</param>
/// <param name="Source">The source or blob.</param>
/// <param name="Defconfig">The <c>_defconfig</c> beside it; null where there is none.</param>
internal sealed record BoardFiles(string Name, string Source, string? Defconfig);

/// <summary>Finds a board's files: a <c>.dts</c> or <c>.dtb</c> named itself, or the one of the folder's own name in a folder.</summary>
internal static class BoardLocator
{
    public static BoardFiles? Find(string board, DiagnosticBag findings)
    {
        if (!Directory.Exists(board))
            return At(board);
        var name = NameOf(board);
        foreach (var extension in (string[])[".dts", ".dtb"])
        {
            var candidate = Path.Combine(board, name + extension);
            if (File.Exists(candidate))
                return At(candidate);
        }
        findings.Add(Rules.FolderWithoutBoard, new SourceSpan(new SourceFile(FileReader.Shown(board), ""), 0, 0), FileReader.Shown(board), name);
        return null;
    }

    /// <summary>The name a board has also where it cannot be read.</summary>
    public static string NameOf(string board)
    {
        if (Directory.Exists(board))
            return Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(board)));
        return Path.GetFileNameWithoutExtension(board);
    }

    private static BoardFiles At(string source)
    {
        var name = Path.GetFileNameWithoutExtension(source);
        var defconfig = Path.Combine(Path.GetDirectoryName(source) ?? "", name + "_defconfig");
        return new BoardFiles(name, source, File.Exists(defconfig) ? defconfig : null);
    }
}
