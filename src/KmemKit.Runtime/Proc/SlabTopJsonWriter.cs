using System;
using System.Collections.Immutable;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Runtime.Boot;

namespace KmemKit.Runtime.Proc;

/// <summary>Prints the object caches of a booted board as the one-line JSON object of <c>kmem slabtop --json</c>.</summary>
/// <remarks>
/// Keys, in this order: <c>board</c>, <c>allocator</c> (<c>slab</c>, <c>slub</c>, <c>slob</c>), <c>page_size</c>; <c>totals</c> (<c>caches</c>, <c>active</c>,
/// <c>slabs</c>, <c>objects</c>, <c>used_objects</c>, <c>memory_bytes</c>, <c>used_bytes</c>, <c>lost_bytes</c>); <c>caches</c>, newest first (<c>name</c>,
/// <c>active_objs</c>, <c>num_objs</c>, <c>objsize</c>, <c>objperslab</c>, <c>pagesperslab</c>, <c>limit</c>, <c>batchcount</c>, <c>sharedfactor</c>, <c>active_slabs</c>,
/// <c>num_slabs</c>, <c>sharedavail</c>); <c>diagnostics</c>. With SLOB, totals and caches are null.
/// </remarks>
public static class SlabTopJsonWriter
{
    /// <summary>The object.</summary>
    /// <param name="booted">The board.</param>
    /// <param name="diagnostics">All findings about it.</param>
    public static string Write(BootedMemory booted, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        ArgumentNullException.ThrowIfNull(booted);
        var output = new StringBuilder(4096);
        var json = new JsonText(output);
        json.BeginObject().Member("board", booted.Layout.Board.Name).Member("allocator", booted.Objects.Kind.ToString().ToLowerInvariant());
        json.Member("page_size", booted.Map.Pages.PageSize);
        if (booted.Proc.SlabInfo is { } table)
            WriteTable(json, table, booted.Objects.PageSize);
        else
            json.Name("totals").Null().Name("caches").Null();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    private static void WriteTable(JsonText json, SlabInfoTable table, int pageSize)
    {
        var totals = SlabTotals.Of(table, pageSize);
        json.Name("totals").BeginObject();
        json.Name("caches").Number((long)totals.Caches).Name("active").Number((long)totals.Active).Name("slabs").Number(totals.Slabs);
        json.Name("objects").Number(totals.Objects).Name("used_objects").Number(totals.UsedObjects);
        json.Name("memory_bytes").Number(totals.MemoryBytes).Name("used_bytes").Number(totals.UsedBytes).Name("lost_bytes").Number(totals.LostBytes).EndObject();
        json.Name("caches").BeginArray();
        foreach (var line in table.Lines)
        {
            json.BeginObject().Member("name", line.Name).Name("active_objs").Number(line.ActiveObjects).Name("num_objs").Number(line.Objects);
            json.Name("objsize").Number((long)line.ObjectSize).Name("objperslab").Number((long)line.ObjectsPerSlab).Name("pagesperslab").Number((long)line.PagesPerSlab);
            json.Name("limit").Number((long)line.Limit).Name("batchcount").Number((long)line.Batch).Name("sharedfactor").Number((long)line.SharedFactor);
            json.Name("active_slabs").Number(line.ActiveSlabs).Name("num_slabs").Number(line.Slabs).Name("sharedavail").Number(line.SharedAvailable).EndObject();
        }
        json.EndArray();
    }
}
