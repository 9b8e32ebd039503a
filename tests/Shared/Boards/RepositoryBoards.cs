using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Tests.Shared;

/// <summary>The boards of <c>boards/</c>, and of other folders of the repository, from their files.</summary>
internal static class RepositoryBoards
{
    private static string Folder => Path.Combine(Repository.Root, "boards");

    /// <summary>All, such as <c>qcom/msm8974</c>.</summary>
    internal static IEnumerable<string> Names => Directory.EnumerateFiles(Folder, "*.dts", SearchOption.AllDirectories)
        .Select(file => Path.GetRelativePath(Folder, Path.GetDirectoryName(file)!)).Order(StringComparer.Ordinal);

    /// <summary>A board of <c>boards/</c> with the policy beside it.</summary>
    internal static BoardInput Input(string board, params string[] config) => InputOf(Path.Combine("boards", board), config);

    /// <summary>The board that has the name of its folder.</summary>
    internal static BoardInput InputOf(string folder, params string[] config)
    {
        var stem = Path.Combine(Repository.Root, folder, Path.GetFileName(folder));
        return new BoardInput(Disk.Instance.OpenText(stem + ".dts")!)
        {
            Provider = Disk.Instance,
            Defconfig = Disk.Instance.OpenText(stem + "_defconfig"),
            Overrides = [.. config],
            RequireLayout = true,
        };
    }

    /// <summary>A board of <c>boards/</c> with everything that was found out about it.</summary>
    internal static BoardCompilation Compile(string board) => BoardPipeline.Compile(Input(board));

    private sealed class Disk : ISourceProvider
    {
        public static Disk Instance { get; } = new();

        public IReadOnlyList<string> IncludePaths => [];

        public SourceFile? OpenText(string path) => File.Exists(path) ? new SourceFile(path, File.ReadAllText(path)) : null;

        public SourceFile? OpenBinary(string path) => null;
    }
}
