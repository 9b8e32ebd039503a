using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>
/// Prints a <see cref="MemoryLayout"/> as the one-line JSON object of <c>kmem layout --json</c> (design, section 8): its keys in that order, addresses and sizes
/// as hexadecimal strings, counts as numbers. What is not in the design comes behind it.
/// </summary>
public static class LayoutJsonWriter
{
    /// <summary>The object of a board that has a layout.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="diagnostics">All findings about the board, of every stage.</param>
    public static string Write(MemoryLayout layout, ImmutableArray<KmemDiagnostic> diagnostics) => Write(layout, diagnostics, PlaceNames.AsGiven);

    /// <summary>The same, with files called as <paramref name="nameOf"/> says.</summary>
    internal static string Write(MemoryLayout layout, ImmutableArray<KmemDiagnostic> diagnostics, Func<SourceFile, string> nameOf)
    {
        var output = new StringBuilder(2048);
        var json = new JsonText(output);
        json.BeginObject();
        json.Member("board", layout.Board.Name).Member("profile", layout.Profile);
        json.Member("page_offset", layout.PageOffset.ToString()).Member("phys_offset", layout.PhysOffset.ToString());
        WriteBanks(json, layout.Banks);
        WriteVirtual(json, layout.Virtual);
        json.Member("vmalloc_min", layout.VmallocMin?.ToString());
        json.Member("lowmem_limit", layout.LowmemLimit.ToString()).Member("high_memory", layout.HighMemory.ToString());
        WriteLinear(json, layout);
        WriteZones(json, layout.Zones);
        json.Member("low_pages", layout.LowPages).Member("high_pages", layout.HighPages);
        DiagnosticJson.Write(json, diagnostics, nameOf);
        json.Member("page_size", layout.Pages.PageSize);
        WriteHoles(json, layout.Holes, nameOf);
        WriteReserved(json, layout.Reserved, nameOf);
        WriteModel(json, layout.Model);
        json.Name("messages").BeginArray();
        foreach (var message in layout.Messages)
            json.String(message);
        json.EndArray();
        json.EndObject();
        return output.ToString();
    }

    /// <summary>The object of a board that has none: its name and the findings.</summary>
    public static string WriteFailure(string board, IEnumerable<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(256);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board);
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    internal static string NameOf(BankKind kind) => kind == BankKind.Lowmem ? "lowmem" : "highmem";

    internal static string NameOf(HoleKind kind) => kind switch
    {
        HoleKind.NoMap => "no-map",
        HoleKind.Ignored => "ignored",
        _ => "gap",
    };

    private static void WriteBanks(JsonText json, ImmutableArray<LayoutBank> banks)
    {
        json.Name("banks").BeginArray();
        foreach (var bank in banks)
        {
            WriteRange(json.BeginObject(), bank.Range);
            json.Member("kind", NameOf(bank.Kind)).EndObject();
        }
        json.EndArray();
    }

    private static void WriteVirtual(JsonText json, ImmutableArray<VirtualRange> ranges)
    {
        json.Name("virtual").BeginArray();
        foreach (var range in ranges)
        {
            json.BeginObject().Member("name", range.Name).Member("start", range.Range.Start.ToString());
            json.Member("end", range.Range.End.ToString()).EndObject();
        }
        json.EndArray();
    }

    private static void WriteLinear(JsonText json, MemoryLayout layout)
    {
        json.Name("linear").BeginArray();
        foreach (var segment in layout.Linear.Segments)
        {
            json.BeginObject().Member("phys", segment.Phys.ToString()).Member("virt", segment.Virt.ToString());
            json.Member("size", AddressLimit.FromUInt64(segment.Size).ToString()).EndObject();
        }
        json.EndArray();
    }

    private static void WriteZones(JsonText json, ImmutableArray<Zone> zones)
    {
        json.Name("zones").BeginArray();
        foreach (var zone in zones)
        {
            json.BeginObject().Member("name", zone.Name).Member("start_pfn", zone.Start.Number);
            json.Member("spanned", zone.Spanned).Member("present", zone.Present);
            json.Name("node").Number((long)zone.Node).EndObject();
        }
        json.EndArray();
    }

    private static void WriteHoles(JsonText json, ImmutableArray<PhysicalHole> holes, Func<SourceFile, string> nameOf)
    {
        json.Name("holes").BeginArray();
        foreach (var hole in holes)
        {
            WriteRange(json.BeginObject(), hole.Range);
            json.Member("kind", NameOf(hole.Kind));
            DiagnosticJson.WritePlace(json, hole.Span, nameOf);
            json.EndObject();
        }
        json.EndArray();
    }

    private static void WriteReserved(JsonText json, ImmutableArray<PlacedRegion> regions, Func<SourceFile, string> nameOf)
    {
        json.Name("reserved").BeginArray();
        foreach (var placed in regions)
        {
            json.BeginObject().Member("name", placed.Region.Name);
            WriteRange(json, placed.Range);
            json.Name("no_map").Boolean(placed.Region.NoMap).Name("reusable").Boolean(placed.Region.Reusable);
            json.Name("source").String(placed.Region.Source == ReservedSource.MemReserve ? "memreserve" : "reserved-memory");
            DiagnosticJson.WritePlace(json, placed.Region.Span, nameOf);
            json.EndObject();
        }
        json.EndArray();
    }

    private static void WriteModel(JsonText json, MemoryModel model)
    {
        json.Member("memory_model", model.Kind == Policies.MemoryModelKind.Sparse ? "sparse" : "flat");
        json.Name("section_size_bits").Number((long)model.SectionSizeBits);
        json.Member("described_pages", model.DescribedPages);
        json.Name("sections").BeginArray();
        foreach (var section in model.Sections)
            json.BeginObject().Member("number", section.Number).Member("present", section.Present).EndObject();
        json.EndArray();
    }

    private static void WriteRange(JsonText json, PhysRange range) =>
        json.Member("start", range.Start.ToString()).Member("size", range.Size.ToString());
}
