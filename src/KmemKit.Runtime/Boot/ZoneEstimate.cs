using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>A zone as the kernel reckons it before any of its memory is free; all amounts in pages.</summary>
/// <remarks>Source: mm/page_alloc.c, free_area_init_core and zone_pcp_init.</remarks>
public sealed record ZoneEstimate
{
    /// <summary>NUMA node.</summary>
    public required int Node { get; init; }

    /// <summary>The zone.</summary>
    public required ZoneType Type { get; init; }

    /// <summary>Its name as the kernel prints it.</summary>
    public required string Name { get; init; }

    /// <summary>First frame.</summary>
    public required PageFrame Start { get; init; }

    /// <summary>Frames from the first to the last.</summary>
    public required ulong Spanned { get; init; }

    /// <summary>Frames that are RAM.</summary>
    public required ulong Present { get; init; }

    /// <summary>Pages that the zone's <c>struct page</c>s take by the kernel's reckoning; 0 where it does not reckon them.</summary>
    public required ulong Memmap { get; init; }

    /// <summary>dma_reserve: taken of the lowest zone type's memory already; null for the other types, and where the zone has no more than that.</summary>
    public required ulong? Reserved { get; init; }

    /// <summary>What is left (freesize): present less memmap and reserved.</summary>
    public required ulong Left { get; init; }

    /// <summary>The number of the <c>pages, LIFO batch</c> line: <see cref="Left"/> up to 3.8, <see cref="Present"/> then.</summary>
    public required ulong Printed { get; init; }

    /// <summary>The zone's part of <c>Total pages</c>.</summary>
    public required ulong Counted { get; init; }

    /// <summary>Whether its pages are outside the linear map.</summary>
    public required bool IsHigh { get; init; }

    /// <summary>zone_batchsize.</summary>
    public required int Batch { get; init; }
}

/// <summary>What the kernel reckons before it frees its memory: zone by zone and in sum.</summary>
/// <param name="Zones">By node, then by address.</param>
/// <param name="KernelPages">nr_kernel_pages: what hash tables are sized by.</param>
/// <param name="AllPages">nr_all_pages.</param>
public sealed record BootEstimate(ImmutableArray<ZoneEstimate> Zones, ulong KernelPages, ulong AllPages)
{
    /// <summary><c>Total pages</c> of the zonelists' line.</summary>
    public ulong TotalPages => Zones.Aggregate(0UL, static (sum, zone) => sum + zone.Counted);

    /// <summary>Reckons a layout's zones.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="build">The kernel.</param>
    /// <param name="dmaReserve">Pages below 16 MiB that are taken already (64-bit x86; 0 elsewhere).</param>
    public static BootEstimate Of(MemoryLayout layout, KernelBuild build, ulong dmaReserve = 0)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(build);
        var zones = new List<ZoneEstimate>();
        ulong kernel = 0, all = 0;
        foreach (var zone in layout.Zones)
        {
            var estimate = Reckon(zone, layout, build, dmaReserve, out var highMemmap);
            zones.Add(estimate);
            all += estimate.Left;
            if (!estimate.IsHigh)
                kernel += estimate.Left;
            // Highmem's descriptors are lowmem's burden, where lowmem is large enough to bear it.
            else if (build.IsSince(3, 8) && kernel > highMemmap * 2)
                kernel -= highMemmap;
        }
        return new BootEstimate([.. zones], kernel, all);
    }

    private static ZoneEstimate Reckon(Zone zone, MemoryLayout layout, KernelBuild build, ulong dmaReserve, out ulong memmap)
    {
        var type = ZoneTypes.Parse(zone.Name);
        var isHigh = type == ZoneType.HighMem
            || (type == ZoneType.Movable && build.HasHighmem && layout.LowmemLimit <= zone.Start.Number << build.Pages.PageShift);
        memmap = MemmapPages(zone, build);
        // From 3.19 on highmem is not charged for descriptors that lie in lowmem.
        var charged = isHigh && build.IsSince(3, 19) ? 0 : memmap <= zone.Present ? memmap : 0;
        var left = zone.Present - charged;
        ulong? reserved = type == build.ZoneTypes[0] && left > dmaReserve ? dmaReserve : null;
        left -= reserved ?? 0;
        var counted = build.IsSince(3, 8) && isHigh ? zone.Present : left;
        return new ZoneEstimate
        {
            Node = zone.Node,
            Type = type,
            Name = zone.Name,
            Start = zone.Start,
            Spanned = zone.Spanned,
            Present = zone.Present,
            Memmap = charged,
            Reserved = reserved,
            Left = left,
            Printed = build.IsSince(3, 9) ? zone.Present : left,
            Counted = counted,
            IsHigh = isHigh,
            Batch = MemoryZone.BatchSize(counted, build.Pages.PageSize, build.IsSince(4, 19), build.UsesMmu),
        };
    }

    // calc_memmap_size: with sections a zone full of holes has descriptors for its RAM only (3.8).
    private static ulong MemmapPages(Zone zone, KernelBuild build)
    {
        var frames = build.IsSince(3, 8) && build.IsSparse && zone.Spanned > zone.Present + (zone.Present >> 4) ? zone.Present : zone.Spanned;
        return ((frames * (ulong)build.PageDescriptorBytes) + build.Pages.PageSize - 1) >> build.Pages.PageShift;
    }
}
