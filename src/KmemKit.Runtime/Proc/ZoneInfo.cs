using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary>A CPU's lists in a zone.</summary>
/// <param name="Cpu">The CPU's number.</param>
/// <param name="Count">Pages in its lists.</param>
/// <param name="High">Pages that its list of order 0 holds at most.</param>
/// <param name="Batch">Pages that move at a time, as the kernel counts them.</param>
public sealed record ZonePageSet(int Cpu, long Count, int High, int Batch);

/// <summary>A zone in <c>/proc/zoneinfo</c>; all amounts in pages.</summary>
public sealed record ZoneInfoZone
{
    /// <summary>NUMA node.</summary>
    public required int Node { get; init; }

    /// <summary>The zone's name.</summary>
    public required string Zone { get; init; }

    /// <summary>NR_FREE_PAGES.</summary>
    public required long Free { get; init; }

    /// <summary>NR_FREE_CMA_PAGES.</summary>
    public required long FreeCma { get; init; }

    /// <summary>The watermarks.</summary>
    public required (long Min, long Low, long High) Watermarks { get; init; }

    /// <summary>Frames from the first to the last.</summary>
    public required ulong Spanned { get; init; }

    /// <summary>Frames that are RAM.</summary>
    public required ulong Present { get; init; }

    /// <summary>Frames that the allocator has.</summary>
    public required ulong Managed { get; init; }

    /// <summary>The lowmem reserve, by the zone types of the kernel.</summary>
    public required ImmutableArray<long> Protection { get; init; }

    /// <summary>The CPUs' lists.</summary>
    public required ImmutableArray<ZonePageSet> PageSets { get; init; }

    /// <summary>First frame.</summary>
    public required ulong StartPfn { get; init; }
}

/// <summary><c>/proc/zoneinfo</c>.</summary>
/// <remarks>
/// Source: mm/vmstat.c, zoneinfo_show_print, in the form of kernels 3.12 to 4.7. Of the counters, those are printed that this allocator has: there are no
/// page cache and no LRU lists whose pages could be counted.
/// </remarks>
public sealed record ZoneInfo(ImmutableArray<ZoneInfoZone> Zones)
{
    /// <summary>Reads an allocator's zones.</summary>
    public static ZoneInfo Of(PageAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var types = allocator.KernelZoneTypes;
        return new ZoneInfo([.. allocator.Zones.Select(zone => new ZoneInfoZone
        {
            Node = zone.Node,
            Zone = zone.Name,
            Free = zone.FreePages,
            FreeCma = zone.FreeCmaPages,
            Watermarks = (zone.MinWatermark, zone.LowWatermark, zone.HighWatermark),
            Spanned = zone.SpannedPages,
            Present = zone.PresentPages,
            Managed = zone.ManagedPages,
            Protection = [.. types.Select(type => zone.LowmemReserve[(int)type])],
            PageSets = [.. allocator.Cpus.Select(cpu => new ZonePageSet(cpu.Number, cpu.PagesInLists(zone), zone.High, zone.Batch))],
            StartPfn = zone.Start.Number,
        })]);
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var zone in Zones)
            Write(text, zone);
        return text.ToString();
    }

    private static void Write(StringBuilder text, ZoneInfoZone zone)
    {
        text.Append(CultureInfo.InvariantCulture, $"Node {zone.Node}, zone {zone.Zone,8}\n");
        text.Append(CultureInfo.InvariantCulture, $"  pages free     {zone.Free}\n");
        text.Append(CultureInfo.InvariantCulture, $"        min      {zone.Watermarks.Min}\n");
        text.Append(CultureInfo.InvariantCulture, $"        low      {zone.Watermarks.Low}\n");
        text.Append(CultureInfo.InvariantCulture, $"        high     {zone.Watermarks.High}\n");
        text.Append(CultureInfo.InvariantCulture, $"        spanned  {zone.Spanned}\n");
        text.Append(CultureInfo.InvariantCulture, $"        present  {zone.Present}\n");
        text.Append(CultureInfo.InvariantCulture, $"        managed  {zone.Managed}\n");
        text.Append(CultureInfo.InvariantCulture, $"    {"nr_free_pages",-12} {zone.Free}\n");
        text.Append(CultureInfo.InvariantCulture, $"    {"nr_free_cma",-12} {zone.FreeCma}\n");
        text.Append("        protection: (").AppendJoin(", ", zone.Protection).Append(")\n  pagesets\n");
        foreach (var (cpu, count, high, batch) in zone.PageSets)
            text.Append(CultureInfo.InvariantCulture, $"    cpu: {cpu}\n              count: {count}\n              high:  {high}\n              batch: {batch}\n");
        text.Append(CultureInfo.InvariantCulture, $"  start_pfn:         {zone.StartPfn}\n");
    }
}
