using System;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary><c>/proc/meminfo</c>, as far as the page allocator knows it; all amounts in kB.</summary>
/// <remarks>Source: fs/proc/meminfo.c; <see cref="Available"/> by si_mem_available (mm/page_alloc.c) of a system without page cache.</remarks>
public sealed record MemInfo
{
    /// <summary>MemTotal: what the page allocator has.</summary>
    public required ulong Total { get; init; }

    /// <summary>MemFree: free in the zones; pages in CPU lists are not counted.</summary>
    public required ulong Free { get; init; }

    /// <summary>MemAvailable: what can be had without going into the reserves.</summary>
    public required ulong Available { get; init; }

    /// <summary>HighTotal and HighFree; null where the kernel is built without highmem.</summary>
    public required (ulong Total, ulong Free)? High { get; init; }

    /// <summary>CmaFree.</summary>
    public required ulong CmaFree { get; init; }

    /// <summary>SReclaimable and SUnreclaim, whose sum is Slab; null where no object allocator was asked.</summary>
    public (ulong Reclaimable, ulong Unreclaimable)? Slab { get; init; }

    /// <summary>Reads an allocator's zones.</summary>
    /// <param name="allocator">The page allocator.</param>
    /// <param name="objects">The object allocator on it, for its pages; half of what it can reclaim is available, more where that is above the low watermarks.</param>
    public static MemInfo Of(PageAllocator allocator, ObjectAllocator? objects = null)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var kbytes = allocator.Map.Pages.PageSize >> 10;
        var high = allocator.Zones.Where(static zone => zone.Type == ZoneType.HighMem).ToArray();
        var free = allocator.Zones.Sum(static zone => zone.FreePages);
        var reserved = allocator.Zones.Sum(static zone => Math.Min(zone.LowmemReserve.Max() + zone.HighWatermark, (long)zone.ManagedPages));
        return new MemInfo
        {
            Total = allocator.TotalPages * kbytes,
            Free = (ulong)free * kbytes,
            Available = (ulong)Math.Max(0, free - reserved + Spare(allocator, objects?.ReclaimablePages ?? 0)) * kbytes,
            Slab = objects is null ? null : ((ulong)objects.ReclaimablePages * kbytes, (ulong)objects.UnreclaimablePages * kbytes),
            High = allocator.KernelZoneTypes.Contains(ZoneType.HighMem)
                ? (high.Aggregate(0UL, static (sum, zone) => sum + zone.ManagedPages) * kbytes, (ulong)high.Sum(static zone => zone.FreePages) * kbytes)
                : null,
            CmaFree = (ulong)allocator.Zones.Sum(static zone => zone.FreeCmaPages) * kbytes,
        };
    }

    private static long Spare(PageAllocator allocator, long reclaimable) => reclaimable - Math.Min(reclaimable / 2, allocator.Zones.Sum(static zone => zone.LowWatermark));

    /// <summary>The lines as the kernel prints them.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Line("MemTotal:", Total);
        Line("MemFree:", Free);
        Line("MemAvailable:", Available);
        if (High is { } high)
        {
            Line("HighTotal:", high.Total);
            Line("HighFree:", high.Free);
            Line("LowTotal:", Total - high.Total);
            Line("LowFree:", Free - high.Free);
        }
        if (Slab is { } slab)
        {
            Line("Slab:", slab.Reclaimable + slab.Unreclaimable);
            Line("SReclaimable:", slab.Reclaimable);
            Line("SUnreclaim:", slab.Unreclaimable);
        }
        Line("CmaFree:", CmaFree);
        return text.ToString();

        void Line(string name, ulong kbytes) => text.Append(CultureInfo.InvariantCulture, $"{name,-15} {kbytes,8} kB\n");
    }
}
