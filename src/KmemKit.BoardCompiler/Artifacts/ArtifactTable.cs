using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagram;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers;
using KmemKit.BoardCompiler.Writers.C;
using KmemKit.BoardCompiler.Writers.Emulators;
using KmemKit.BoardCompiler.Writers.Images;
using KmemKit.BoardCompiler.Writers.Linker;
using KmemKit.BoardCompiler.Writers.Mpu;
using KmemKit.BoardCompiler.Writers.Streams;
using KmemKit.BoardCompiler.Writers.Tables;

namespace KmemKit.BoardCompiler.Artifacts;

/// <summary>Every kind of artifact. The only list of them: a row here makes <c>kmem emit</c> and the build write the file.</summary>
/// <remarks>
/// No suffix is one that a board's own files have (<c>.dts</c>, <c>.dtb</c>, <c>_defconfig</c>): artifacts written beside the board overwrite nothing.
/// Invariant: suffixes are unique, and a writer depends on nothing but the compilation.
/// </remarks>
public static class ArtifactTable
{
    internal const string TablesName = "tables";

    /// <summary>All kinds, in the order in which they are written.</summary>
    public static ImmutableArray<ArtifactKind> All { get; } =
    [
        ArtifactKind.Text("dts", ".kmem.dts", "flattened devicetree source", board => board.Tree is { } tree ? DtsPrinter.Print(tree) : null),
        ArtifactKind.Binary("dtb", ".kmem.dtb", "devicetree blob", board => board.Tree is { } tree ? FdtWriter.Write(tree) : null),
        ArtifactKind.Text("c", ".kmem.h", "header for C, C++ and assembler", board => board.Layout is { } layout ? CHeaderWriter.Write(layout) : null),
        ArtifactKind.Text("linker", ".ld", "linker script fragment", board => board.Layout is { } layout ? LinkerFragmentWriter.Write(layout) : null),
        ArtifactKind.Text("mpu", ".mpu.h", "regions of the memory protection unit, for C", board => board.MpuPlan is { } plan
            ? MpuCHeaderWriter.Write(board.Name, string.Join(" and ", board.Dependencies.Select(FilePath.NameOf)), plan) : null),
        ArtifactKind.Text("renode", ".repl", "memory map for Renode", board => board.Layout is { } layout ? RenodePlatformWriter.Write(layout) : null),
        ArtifactKind.Text("qemu", ".qemu.cfg", "memory arguments for QEMU's -readconfig", board => board.Layout is { } layout ? QemuConfigWriter.Write(layout) : null),
        ArtifactKind.Text("json", ".layout.json", "memory layout for machines", board => board.Layout is { } layout
            ? LayoutJsonWriter.Write(layout, board.Diagnostics, PlaceNames.RelativeTo(layout.Board)) + "\n" : null),
        ArtifactKind.Text("svg", ".layout.svg", "memory layout as a drawing", board => board.Layout is { } layout ? LayoutSvgWriter.Write(DiagramPlanner.Plan(layout)) : null),
        ArtifactKind.Text("markdown", ".layout.md", "memory layout for people", board => board.Layout is { } layout ? LayoutMarkdownWriter.Write(layout) : null),
        ArtifactKind.Binary(TablesName, ".tables.bin", "page tables, to be loaded", board => Tables(board) is { } plan ? TableImage.Write(plan) : null),
        ArtifactKind.Text(TablesName, ".tables.S", "page tables, to be assembled", board => Tables(board) is { } plan ? ImageAssemblyWriter.Write(TableLoadImage.Of(plan)) : null),
        ArtifactKind.Text(TablesName, ".tables.h", "place, registers and fixed mappings of the page tables", board => Tables(board) is { } plan ? ImageCWriter.WriteHeader(TableLoadImage.Of(plan)) : null),
        ArtifactKind.Binary("smmu", ".smmu.bin", "stream tables, context descriptors and page tables of the SMMUs, to be loaded", board => board.Streams is { Bytes: > 0 } plan ? StreamTableImage.Write(plan) : null),
        ArtifactKind.Text("smmu", ".smmu.S", "the same, to be assembled", board => board.Streams is { Bytes: > 0 } plan ? ImageAssemblyWriter.Write(StreamLoadImage.Of(plan)) : null),
        ArtifactKind.Text("smmu", ".smmu.h", "place, registers and StreamIDs of the SMMUs", board => board.Streams is { } plan ? ImageCWriter.WriteHeader(StreamLoadImage.Of(plan)) : null),
    ];

    /// <summary>The words that name kinds, each once, in the order of <see cref="All"/>.</summary>
    public static ImmutableArray<string> Names { get; } = [.. All.Select(kind => kind.Name).Distinct(StringComparer.Ordinal)];

    /// <summary>The kinds that any of <paramref name="names"/> names, in the order of <see cref="All"/>.</summary>
    /// <exception cref="ArgumentException">A name is none of <see cref="Names"/>.</exception>
    public static ImmutableArray<ArtifactKind> Named(IEnumerable<string> names)
    {
        if (names is null)
            throw new ArgumentNullException(nameof(names));
        var wanted = new HashSet<string>(names, StringComparer.Ordinal);
        if (wanted.FirstOrDefault(name => !Names.Contains(name)) is { } unknown)
            throw new ArgumentException($"'{unknown}' is no kind of artifact; there are {string.Join(", ", Names)}.", nameof(names));
        return [.. All.Where(kind => wanted.Contains(kind.Name))];
    }

    // What the board's kernel starts with; ArtifactSet.LeftOut says what is in the way where there is no plan.
    private static PageTablePlan? Tables(BoardCompilation board) => BoardTables.Of(board)?.Plan;
}
