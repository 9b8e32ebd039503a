using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Streams;

/// <summary>Boards out of sources.</summary>
internal static class StreamBoards
{
    private const string Arm64 = "CONFIG_ARM64=y\nCONFIG_MMU=y\nCONFIG_LINUX_VERSION=\"6.1\"\n";

    /// <summary>The layout of a board whose only findings are about streams.</summary>
    public static MemoryLayout Layout(string dts, string defconfig = Arm64)
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("board.dts", dts))
        {
            Defconfig = new SourceFile("board_defconfig", defconfig),
            RequireLayout = true,
        });
        Assert.That(compilation.Diagnostics.Where(d => d.Severity != DiagnosticSeverity.Info && !d.Id.StartsWith("KMK60", System.StringComparison.Ordinal)), Is.Empty);
        return compilation.Layout!;
    }

    /// <summary>The plan of a board without findings.</summary>
    public static StreamTablePlan Plan(string dts, StreamTableOptions? options = null)
    {
        var result = StreamTablePlanner.Plan(Layout(dts), options);
        Assert.That(result.Diagnostics, Is.Empty, string.Join("\n", result.Diagnostics));
        return result.Plan!;
    }
}
