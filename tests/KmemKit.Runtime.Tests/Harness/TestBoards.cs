using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Runtime.Tests.Harness;

/// <summary>Layouts of the repository's boards, and of boards that a test writes itself.</summary>
internal static class TestBoards
{
    public static string Root => KmemKit.Tests.Shared.Repository.Root;

    /// <summary>A board of <c>boards/</c>, such as <c>qcom/msm8974</c>.</summary>
    public static MemoryLayout Repository(string board, string? bootargs = null, params string[] config) =>
        Folder(Path.Combine("boards", board), bootargs, config);

    /// <summary>All boards of <c>boards/</c>.</summary>
    public static IEnumerable<string> Names => RepositoryBoards.Names;

    /// <summary>The board in a folder of the repository that has its name.</summary>
    public static MemoryLayout Folder(string path, string? bootargs = null, params string[] config) =>
        Layout(RepositoryBoards.InputOf(path, config) with { Bootargs = bootargs });

    /// <summary>A 64-bit board with the given nodes in its root, two cells for addresses and sizes.</summary>
    public static MemoryLayout Arm64(string nodes, string? bootargs = null) => Layout(new BoardInput(new SourceFile("test.dts",
        $$"""
        /dts-v1/;
        / {
        	compatible = "test,board";
        	#address-cells = <2>;
        	#size-cells = <2>;
        	{{nodes}}
        };
        """))
    {
        Defconfig = new SourceFile("test_defconfig", "CONFIG_ARM64=y\n"),
        Bootargs = bootargs,
        RequireLayout = true,
    });

    /// <summary>A board of <c>boards/</c> with everything that was found out about it.</summary>
    public static BoardCompilation Compilation(string board) => RepositoryBoards.Compile(board);

    private static MemoryLayout Layout(BoardInput input)
    {
        var compilation = BoardPipeline.Compile(input);
        Assert.That(compilation.Layout, Is.Not.Null, string.Join("\n", compilation.Diagnostics));
        return compilation.Layout!;
    }
}
