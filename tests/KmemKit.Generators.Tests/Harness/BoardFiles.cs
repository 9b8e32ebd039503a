using System;
using System.IO;
using System.Linq;

namespace KmemKit.Generators.Tests.Harness;

/// <summary>The repository's own boards, as a project lists them.</summary>
internal static class BoardFiles
{
    public static string Root => KmemKit.Tests.Shared.Repository.Root;

    /// <summary>Adds a board of <c>boards/</c> with everything it may include; in the project it lies under <c>/repo/</c>, wherever the repository is.</summary>
    public static GeneratorProject Repository(this GeneratorProject project, string board, Func<string, string>? edit = null)
    {
        var folder = Path.Combine(Root, "boards", board);
        var name = Path.GetFileName(board);
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(folder)!, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            var path = "/repo/" + Path.GetRelativePath(Root, file).Replace('\\', '/');
            var text = File.ReadAllText(file);
            if (edit is not null)
                text = edit(text);
            if (path.EndsWith("/" + name + ".dts", StringComparison.Ordinal))
                project.Board(path, text, "Defconfig=" + Uri.EscapeDataString(path[..^4] + "_defconfig"));
            else if (path.EndsWith(".dtsi", StringComparison.Ordinal) || path.EndsWith(".h", StringComparison.Ordinal) || path.EndsWith("_defconfig", StringComparison.Ordinal))
                project.Text(path, text);
        }
        return project;
    }
}
