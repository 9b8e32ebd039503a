using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Writers.C;
using KmemKit.BoardCompiler.Writers.CSharp;

namespace KmemKit.BoardCompiler.Writers.Linker;

/// <summary>Prints a fragment for GNU ld (and lld): <c>MEMORY</c> with attributes, and symbols for regions and devices.</summary>
/// <remarks>
/// <para>A linker script takes it in with <c>INCLUDE</c> and places sections with <c>&gt; RAM</c>; what does not fit is the linker's error. Attributes decide where
/// ld puts a section that the script does not name (binutils manual, "MEMORY Command"): only RAM, on-chip RAM and flash may take one, by <c>(!a)</c> a
/// reserved region never does.</para>
/// <para>Symbols are <c>PROVIDE</c>d: a program that does not use them does not get them. A range's end that the architecture's word cannot hold is left
/// out, and a comment says so.</para>
/// </remarks>
public static class LinkerFragmentWriter
{
    /// <summary>The fragment.</summary>
    /// <param name="layout">The board's layout.</param>
    public static string Write(MemoryLayout layout)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var w = new SourceWriter();
        var board = layout.Board;
        var nameOf = PlaceNames.RelativeTo(board);
        var regions = FirmwareMemory.Plan(layout);
        var names = IdentifierNames.Assign(regions.Select(r => r.Name), n => n.ToUpperInvariant());
        w.Line($"/* {CText.Comment(board.Name)}: the memory map, made by KmemKit from {CText.Comment(FilePath.NameOf(board.Tree.Source.Path))}; change the board, not this file. */");
        w.Line();
        WriteRegions(w, layout, regions, names, nameOf);
        WriteSymbols(w, layout, regions);
        WriteDevices(w, layout);
        return w.ToString();
    }

    private static void WriteRegions(SourceWriter w, MemoryLayout layout, ImmutableArray<FirmwareRegion> regions, ImmutableArray<string> names, Func<SourceFile, string> nameOf)
    {
        w.OpenBlock("MEMORY");
        var width = names.Select(n => n.Length).DefaultIfEmpty().Max();
        for (var i = 0; i < regions.Length; i++)
        {
            var region = regions[i];
            var place = PlaceNames.Of(region.Span, nameOf);
            var comment = CText.Comment(region.What + (place.Length > 0 ? ", " + place : ""));
            if (!IsAddressable(layout, region.Range))
                w.Line($"/* {names[i]}: {region.Range} lies beyond the word of the architecture. {comment} */");
            else
                w.Line($"{names[i].PadRight(width)} {Attributes(region).PadRight(5)} : ORIGIN = {SourceWriter.Hex(region.Range.Start.Value)}, LENGTH = {region.Range.Size} /* {comment} */");
        }
        w.CloseBlock();
        w.Line();
    }

    private static void WriteSymbols(SourceWriter w, MemoryLayout layout, ImmutableArray<FirmwareRegion> regions)
    {
        var names = IdentifierNames.Assign(regions.Select(r => r.Name), n => n.ToLowerInvariant());
        WriteSymbol(w, layout, "__kmem_page_offset", layout.PageOffset.Value);
        WriteSymbol(w, layout, "__kmem_phys_offset", layout.PhysOffset.Value);
        for (var i = 0; i < regions.Length; i++)
        {
            var range = regions[i].Range;
            if (!IsAddressable(layout, range))
                continue;
            var name = "__kmem_" + names[i];
            WriteSymbol(w, layout, name + "_start", range.Start.Value);
            WriteSymbol(w, layout, name + "_size", range.Size);
            WriteSymbol(w, layout, name + "_end", range.End);
            if (layout.Board.UsesMmu && layout.Linear.PhysToVirt(range.Start, out var virt) == TranslationStatus.Ok)
                WriteSymbol(w, layout, name + "_virt", virt.Value);
        }
        w.Line();
    }

    private static void WriteDevices(SourceWriter w, MemoryLayout layout)
    {
        var devices = NamedRange.LabelledDevices(layout.Board).ToList();
        var names = IdentifierNames.Assign(devices.Select(d => d.Name), n => n.ToLowerInvariant());
        for (var i = 0; i < devices.Count; i++)
            WriteSymbol(w, layout, "__kmem_device_" + names[i], devices[i].Range.Start.Value);
    }

    private static void WriteSymbol(SourceWriter w, MemoryLayout layout, string name, AddressLimit value)
    {
        if (value.IsTop || (AddressWidth.VirtualBits(layout) == 32 && value > uint.MaxValue))
            w.Line($"/* {name} is {value}, which a word does not hold. */");
        else
            w.Line($"PROVIDE({name} = {value});");
    }

    private static bool IsAddressable(MemoryLayout layout, PhysRange range) =>
        !range.Size.IsTop && (AddressWidth.VirtualBits(layout) == 64 || range.End <= 1UL << 32);

    private static string Attributes(FirmwareRegion region) => region.Kind == FirmwareRegionKind.Reserved || region is { Readable: false, Writable: false, Executable: false }
        ? "(!a)"
        : string.Format(CultureInfo.InvariantCulture, "({0}{1}{2})", region.Readable ? "r" : "", region.Writable ? "w" : "", region.Executable ? "x" : "");
}
