using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Numerics;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary>A CPU's lists in a zone.</summary>
/// <param name="Cpu">The CPU's number.</param>
/// <param name="Count">Pages in its lists.</param>
/// <param name="High">Pages that its list of order 0 holds at most.</param>
/// <param name="Batch">Pages that move at a time, as the kernel counts them.</param>
public sealed record ZonePageSet(int Cpu, long Count, int High, int Batch);

/// <summary>A counter of a zone or node.</summary>
/// <param name="Name">Its name in /proc/zoneinfo and /proc/vmstat.</param>
/// <param name="Value">Its value, mostly in pages.</param>
public readonly record struct StatCounter(string Name, long Value);

/// <summary>A zone in <c>/proc/zoneinfo</c>; all amounts in pages.</summary>
public sealed record ZoneInfoZone
{
    /// <summary>NUMA node.</summary>
    public required int Node { get; init; }

    /// <summary>The zone's name.</summary>
    public required string Zone { get; init; }

    /// <summary>NR_FREE_PAGES.</summary>
    public long Free { get; init; }

    /// <summary>NR_FREE_CMA_PAGES.</summary>
    public long FreeCma { get; init; }

    /// <summary>The watermarks.</summary>
    public (long Min, long Low, long High) Watermarks { get; init; }

    /// <summary>Frames from the first to the last; 0 for a zone without memory, which kernels from 4.12 on list as well.</summary>
    public ulong Spanned { get; init; }

    /// <summary>Frames that are RAM.</summary>
    public ulong Present { get; init; }

    /// <summary>Frames that the allocator has.</summary>
    public ulong Managed { get; init; }

    /// <summary>Frames of contiguous areas.</summary>
    public ulong Cma { get; init; }

    /// <summary>The lowmem reserve, by the zone types of the kernel.</summary>
    public required ImmutableArray<long> Protection { get; init; }

    /// <summary>The zone's counters, in the kernel's order.</summary>
    public ImmutableArray<StatCounter> Counters { get; init; } = [];

    /// <summary>The node's counters; only its first zone with memory has them, from 4.8 on.</summary>
    public ImmutableArray<StatCounter> NodeCounters { get; init; } = [];

    /// <summary>The CPUs' lists.</summary>
    public ImmutableArray<ZonePageSet> PageSets { get; init; } = [];

    /// <summary>How far a CPU's own counts may be off before they are summed up.</summary>
    public int StatThreshold { get; init; }

    /// <summary>Active to inactive pages that reclaim aims at (up to 4.11).</summary>
    public uint InactiveRatio { get; init; } = 1;

    /// <summary>First frame.</summary>
    public ulong StartPfn { get; init; }
}

/// <summary><c>/proc/zoneinfo</c>.</summary>
/// <remarks>
/// Which lines there are and in which order follows the kernel's release; see <see cref="ZoneInfoText"/>. Counters of things that KmemKit does not have,
/// the page cache and the LRU lists, are 0, as on a machine without them; <c>nr_alloc_batch</c> is a whole batch, as this allocator does not take turns.
/// Hits by node are not counted. Source: mm/vmstat.c, zoneinfo_show_print.
/// </remarks>
/// <param name="Zones">By node, then by type.</param>
/// <param name="Build">The kernel.</param>
public sealed record ZoneInfo(ImmutableArray<ZoneInfoZone> Zones, KernelBuild Build)
{
    /// <summary>Reads an allocator's zones.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="use">What other parts of the kernel hold; null for nothing.</param>
    public static ZoneInfo Of(PageAllocator allocator, MemoryUse? use = null)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var build = allocator.Build;
        var zones = ImmutableArray.CreateBuilder<ZoneInfoZone>();
        foreach (var node in allocator.Nodes)
        {
            var first = true;
            // What the kernel's own allocations hold is not told apart by zone: it is shown where they come from first.
            var home = allocator.Zones.LastOrDefault(zone => zone.Node == allocator.Nodes[0] && zone.Type < ZoneType.HighMem);
            foreach (var type in build.ZoneTypes)
            {
                if (allocator.Zones.FirstOrDefault(zone => zone.Node == node && zone.Type == type) is not { } zone)
                {
                    if (build.IsSince(4, 12))
                        zones.Add(Empty(node, type, build));
                    continue;
                }
                var ofZone = zone == home && use is not null ? use : MemoryUse.None;
                var ofNode = node == allocator.Nodes[0] && use is not null ? use : MemoryUse.None;
                zones.Add(Read(allocator, zone, ofZone) with
                {
                    NodeCounters = first ? [.. StatItems.OfNode(build).Select(name => new StatCounter(name, NodeCounter(name, ofNode, build)))] : [],
                });
                first = false;
            }
        }
        return new ZoneInfo(zones.ToImmutable(), build);
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString() => ZoneInfoText.Write(this);

    internal static long NodeCounter(string name, MemoryUse use, KernelBuild build) => name switch
    {
        "nr_slab_reclaimable" => (long)use.SlabReclaimable,
        "nr_slab_unreclaimable" => (long)use.SlabUnreclaimable,
        "nr_page_table_pages" => (long)use.PageTables,
        // Counted in kB from 4.10 on.
        "nr_kernel_stack" => (long)(use.KernelStack << (build.IsSince(4, 10) ? build.Pages.PageShift - 10 : 0)),
        _ => 0,
    };

    private static ZoneInfoZone Empty(int node, ZoneType type, KernelBuild build) => new()
    {
        Node = node,
        Zone = ZoneTypes.NameOf(type),
        // The least mark of a zone that the kernel's own pages rarely come from: it holds for none as well.
        Watermarks = type == ZoneType.HighMem || (type == ZoneType.Movable && build.IsSince(6, 6)) ? (32, 32, 32) : default,
        Protection = [.. build.ZoneTypes.Select(static _ => 0L)],
    };

    private static ZoneInfoZone Read(PageAllocator allocator, MemoryZone zone, MemoryUse use)
    {
        var build = allocator.Build;
        var free = zone.FreePages;
        var freeCma = zone.FreeCmaPages;
        return new ZoneInfoZone
        {
            Node = zone.Node,
            Zone = zone.Name,
            Free = free,
            FreeCma = freeCma,
            Watermarks = (zone.MinWatermark, zone.LowWatermark, zone.HighWatermark),
            Spanned = zone.SpannedPages,
            Present = zone.PresentPages,
            Managed = zone.ManagedPages,
            Cma = zone.CmaPages,
            Protection = [.. build.ZoneTypes.Select(type => zone.LowmemReserve[(int)type])],
            Counters = [.. StatItems.OfZone(build).Select(name => new StatCounter(name, name switch
            {
                "nr_free_pages" => free,
                "nr_free_cma" => freeCma,
                "nr_alloc_batch" => zone.HighWatermark - zone.LowWatermark,
                _ => NodeCounter(name, use, build),
            }))],
            PageSets = [.. allocator.Cpus.Select(cpu => new ZonePageSet(cpu.Number, cpu.PagesInLists(zone), zone.High, zone.Batch))],
            StatThreshold = Threshold(allocator.Cpus.Count, build.IsSince(3, 9) ? zone.ManagedPages : zone.PresentPages, build.Pages.PageShift),
            InactiveRatio = Ratio(zone.ManagedPages, build.Pages.PageShift),
            StartPfn = zone.Start.Number,
        };
    }

    // calculate_normal_threshold: more CPUs and more memory, in units of 128 MiB, may be further off.
    internal static int Threshold(int cpus, ulong pages, int pageShift) =>
        Math.Min(125, 2 * BitLength((ulong)cpus) * (1 + BitLength(pages >> (27 - pageShift))));

    private static int BitLength(ulong value) => 64 - BitOperations.LeadingZeroCount(value);

    // calculate_zone_inactive_ratio.
    internal static uint Ratio(ulong pages, int pageShift)
    {
        var gigabytes = pages >> (30 - pageShift);
        return gigabytes == 0 ? 1 : (uint)Math.Sqrt(10 * gigabytes);
    }
}
