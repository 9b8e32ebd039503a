using System;
using System.Collections.Generic;
using System.IO;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.Benchmarks;

/// <summary>Boards of this repository, compiled from their files.</summary>
internal static class RepositoryBoards
{
    /// <summary>Compiles <c>boards/&lt;name&gt;</c>.</summary>
    /// <param name="name">Such as <c>qemu/mps2-an385</c>.</param>
    public static BoardCompilation Compile(string name)
    {
        var root = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(root, "KmemKit.sln")))
            root = Path.GetDirectoryName(root) ?? throw new InvalidOperationException("KmemKit.sln is in no folder above the program.");
        var stem = Path.Combine(root, "boards", name, Path.GetFileName(name));
        return BoardPipeline.Compile(new BoardInput(new SourceFile(stem + ".dts", File.ReadAllText(stem + ".dts")))
        {
            Provider = new Files(), Defconfig = new SourceFile(stem + "_defconfig", File.ReadAllText(stem + "_defconfig")), RequireLayout = true,
        });
    }

    private sealed class Files : ISourceProvider
    {
        public IReadOnlyList<string> IncludePaths => [];

        public SourceFile? OpenText(string path) => File.Exists(path) ? new SourceFile(path, File.ReadAllText(path)) : null;

        public SourceFile? OpenBinary(string path) => null;
    }
}
