using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.Runtime.Boot.Log;

/// <summary>Prints a booted board as the one-line JSON object of <c>kmem boot --json</c>.</summary>
/// <remarks>
/// Keys, in this order: <c>board</c>, <c>profile</c>, <c>linux_version</c>, <c>page_size</c>; <c>memory</c> (pages: <c>present</c> = <c>available</c> +
/// <c>reserved</c> + <c>cma</c>; <c>high</c> of the available; <c>taken</c> by the platform, not present); <c>image</c> (bytes: <c>code</c>, <c>rwdata</c>,
/// <c>rodata</c>, <c>init</c>, <c>bss</c>); <c>early</c> (<c>name</c>, <c>start</c>, <c>size</c> as hexadecimal strings); <c>descriptor_bytes</c>;
/// <c>zones</c> (<c>name</c>, <c>node</c>, <c>start_pfn</c>; pages: <c>spanned</c>, <c>present</c>, <c>managed</c>, <c>free</c>, <c>memmap</c>,
/// <c>min</c>, <c>low</c>, <c>high</c>; <c>batch</c>; <c>blocks</c>, free blocks by order); <c>kernel_pages</c>, <c>total_pages</c>; <c>hashes</c>
/// (<c>name</c>, <c>entries</c>, <c>bytes</c>); <c>min_free_kbytes</c>; <c>log</c>, the lines; <c>proc</c>, the texts that were asked for, by name;
/// <c>diagnostics</c>.
/// </remarks>
public static class BootJsonWriter
{
    /// <summary>The object.</summary>
    /// <param name="booted">The board.</param>
    /// <param name="files">Files of its <c>/proc</c>: names and texts.</param>
    /// <param name="diagnostics">All findings about it.</param>
    public static string Write(BootedMemory booted, IEnumerable<(string Name, string Text)> files, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(booted);
        ArgumentNullException.ThrowIfNull(files);
        var output = new StringBuilder(8192);
        var json = new JsonText(output);
        var statistics = booted.Statistics;
        json.BeginObject().Member("board", booted.Layout.Board.Name).Member("profile", booted.Layout.Profile);
        json.Member("linux_version", statistics.Build.Version.ToString()).Member("page_size", booted.Map.Pages.PageSize);
        WriteAmounts(json, statistics);
        WriteEarly(json, statistics);
        WriteZones(json, booted);
        json.Member("kernel_pages", statistics.Estimate.KernelPages).Member("total_pages", statistics.Estimate.TotalPages);
        json.Name("hashes").BeginArray();
        foreach (var hash in statistics.Hashes)
            json.BeginObject().Member("name", hash.Name).Member("entries", hash.Entries).Member("bytes", hash.Bytes).EndObject();
        json.EndArray();
        json.Name("min_free_kbytes").Number((long)booted.Allocator.MinFreeKbytes);
        json.Name("log").BeginArray();
        foreach (var line in booted.LogLines())
            json.String(line);
        json.EndArray();
        json.Name("proc").BeginObject();
        foreach (var (name, text) in files)
            json.Member(name, text);
        json.EndObject();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    private static void WriteAmounts(JsonText json, BootStatistics statistics)
    {
        var (balance, image) = (statistics.Balance, statistics.Image);
        json.Name("memory").BeginObject().Member("present", balance.Present).Member("available", balance.Available).Member("reserved", balance.Reserved);
        json.Member("cma", balance.Cma).Member("high", balance.High).Member("taken", balance.Taken).EndObject();
        json.Name("image").BeginObject().Member("code", image.Code).Member("rwdata", image.ReadWriteData).Member("rodata", image.ReadOnlyData);
        json.Member("init", image.Init).Member("bss", image.Bss).EndObject();
    }

    private static void WriteEarly(JsonText json, BootStatistics statistics)
    {
        json.Name("early").BeginArray();
        foreach (var (name, range) in statistics.Early)
        {
            json.BeginObject().Member("name", name).Member("start", range.Start.ToString());
            json.Member("size", AddressLimit.FromUInt64(range.Size.Value).ToString()).EndObject();
        }
        json.EndArray();
        json.Member("descriptor_bytes", statistics.DescriptorBytes);
    }

    private static void WriteZones(JsonText json, BootedMemory booted)
    {
        json.Name("zones").BeginArray();
        foreach (var zone in booted.Allocator.Zones)
        {
            var estimate = booted.Statistics.Estimate.Zones.First(other => other.Node == zone.Node && other.Type == zone.Type);
            json.BeginObject().Member("name", zone.Name).Name("node").Number((long)zone.Node).Member("start_pfn", zone.Start.Number);
            json.Member("spanned", zone.SpannedPages).Member("present", zone.PresentPages).Member("managed", zone.ManagedPages);
            json.Member("free", (ulong)zone.FreePages).Member("memmap", estimate.Memmap);
            json.Member("min", (ulong)zone.MinWatermark).Member("low", (ulong)zone.LowWatermark).Member("high", (ulong)zone.HighWatermark);
            json.Name("batch").Number((long)zone.Batch).Name("blocks").BeginArray();
            for (var order = 0; order <= booted.Map.MaxOrder; order++)
                json.Number((ulong)zone.FreeBlocks(order));
            json.EndArray().EndObject();
        }
        json.EndArray();
    }
}
