using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Conformance.Boards;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>The boards of <c>boards/</c>, compiled in memory.</summary>
internal static class RepositoryBoards
{
    public static string Root { get; } = FindRoot();

    /// <summary>Such as <c>qcom/msm8974</c>.</summary>
    public static IEnumerable<string> Names => Directory.EnumerateFiles(Path.Combine(Root, "boards"), "*.dts", SearchOption.AllDirectories)
        .Select(file => Path.GetDirectoryName(file)!).Select(folder => Path.GetRelativePath(Path.Combine(Root, "boards"), folder)).Order(StringComparer.Ordinal);

    public static BoardInput Input(string board, params string[] config)
    {
        var folder = Path.Combine(Root, "boards", board);
        var name = Path.GetFileName(board);
        return new BoardInput(Files.Instance.OpenText(Path.Combine(folder, name + ".dts"))!)
        {
            Provider = Files.Instance,
            Defconfig = Files.Instance.OpenText(Path.Combine(folder, name + "_defconfig")),
            Overrides = [.. config],
        };
    }

    public static BoardSubject Subject(string board, params string[] config) => BoardSubject.Of(Input(board, config));

    private static string FindRoot()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            if (File.Exists(Path.Combine(folder, "KmemKit.sln")))
                return folder;
        }
        throw new InvalidOperationException("KmemKit.sln is in no folder above the test's.");
    }

    private sealed class Files : ISourceProvider
    {
        public static Files Instance { get; } = new();

        public IReadOnlyList<string> IncludePaths => [];

        public SourceFile? OpenText(string path) => File.Exists(path) ? new SourceFile(path, File.ReadAllText(path)) : null;

        public SourceFile? OpenBinary(string path) => null;
    }
}
