using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Artifacts;

/// <summary>The boards of the repository, compiled as the tool and the build compile them.</summary>
internal static class RepositoryBoards
{
    /// <summary>All, as <c>vendor/board</c>.</summary>
    public static ImmutableArray<string> Names { get; } =
    [
        .. Directory.EnumerateFiles(Folder, "*.dts", SearchOption.AllDirectories)
            .Select(file => Path.GetRelativePath(Folder, Path.GetDirectoryName(file)!)).Order(StringComparer.Ordinal),
    ];

    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "boards");

    /// <summary>A board; <paramref name="root"/> is what its files' paths are told to start with, and <paramref name="overrides"/> go over its defconfig.</summary>
    public static BoardCompilation Compile(string board, string root = "boards", params string[] overrides)
    {
        var provider = new Disk(root);
        var stem = $"{root}/{board}/{Path.GetFileName(board)}";
        var compilation = BoardPipeline.Compile(new BoardInput(provider.OpenText(stem + ".dts")!)
        {
            Provider = provider,
            Defconfig = provider.OpenText(stem + "_defconfig"),
            Overrides = [.. overrides],
            RequireLayout = true,
        });
        Assert.That(compilation.HasErrors, Is.False, string.Join("\n", compilation.Diagnostics));
        return compilation;
    }

    private sealed class Disk(string root) : ISourceProvider
    {
        public IReadOnlyList<string> IncludePaths => [];

        public SourceFile? OpenText(string path)
        {
            var full = Path.Combine(Folder, FilePath.RelativeTo(root, path));
            return File.Exists(full) ? new SourceFile(path, File.ReadAllText(full)) : null;
        }

        public SourceFile? OpenBinary(string path) => null;
    }
}
