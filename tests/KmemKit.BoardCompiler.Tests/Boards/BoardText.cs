using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Boards;

/// <summary>Short ways to compile a board from texts.</summary>
internal static class BoardText
{
    public static BoardCompilation Compile(string dts, string? defconfig = null) => BoardPipeline.Compile(new BoardInput(new SourceFile("board.dts", dts))
    {
        Defconfig = defconfig is null ? null : new SourceFile("board_defconfig", defconfig),
    });

    /// <summary>The board of a root node with that content, 2 address cells and 2 size cells.</summary>
    public static BoardCompilation Root(string content, string? defconfig = null) =>
        Compile("/dts-v1/;\n/ { #address-cells = <2>; #size-cells = <2>;\n" + content + "\n};\n", defconfig);

    /// <summary>As <see cref="Root"/>, with 1 and 1 cells and a bank of 256 MiB at 0x80000000.</summary>
    public static BoardCompilation Small(string content, string? defconfig = null) => Compile(
        "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"arm,versatile-pb\";\n"
        + "memory@80000000 { device_type = \"memory\"; reg = <0x80000000 0x10000000>; };\n" + content + "\n};\n", defconfig);

    /// <summary>Ids of the policy and board stages.</summary>
    public static IEnumerable<string> BoardIds(this BoardCompilation compilation) => compilation.Diagnostics.Select(d => d.Id)
        .Where(id => string.CompareOrdinal(id, "KMK2000") >= 0 && string.CompareOrdinal(id, "KMK3500") < 0);

    public static PhysRange Range(ulong start, ulong size) => new(new PhysAddr(start), size);

    public static IEnumerable<PhysRange> Banks(this BoardCompilation compilation) => compilation.Board!.Banks.Select(b => b.Range);
}
