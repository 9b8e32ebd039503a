using System;
using System.Collections.Generic;
using System.Linq;
using System.Text;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary>A line of <c>/proc/meminfo</c>.</summary>
/// <param name="Name">Its name, without the colon.</param>
/// <param name="Value">In kB, or a number of huge pages.</param>
/// <param name="IsCount">Whether it is such a number.</param>
public readonly record struct MemInfoLine(string Name, ulong Value, bool IsCount = false);

/// <summary><c>/proc/meminfo</c>; all amounts in kB.</summary>
/// <remarks>Which lines there are follows the kernel: see <see cref="MemInfoLines"/>. Source: fs/proc/meminfo.c.</remarks>
public sealed record MemInfo
{
    /// <summary>The kernel.</summary>
    public required KernelBuild Build { get; init; }

    /// <summary>MemTotal: what the page allocator has.</summary>
    public required ulong Total { get; init; }

    /// <summary>MemFree: free in the zones; pages in CPU lists are not counted.</summary>
    public required ulong Free { get; init; }

    /// <summary>MemAvailable: what can be had without going into the reserves.</summary>
    public required ulong Available { get; init; }

    /// <summary>HighTotal and HighFree; null where the kernel is built without highmem.</summary>
    public required (ulong Total, ulong Free)? High { get; init; }

    /// <summary>CmaTotal: frames of contiguous areas; 0 where the board has none.</summary>
    public required ulong CmaTotal { get; init; }

    /// <summary>CmaFree: those of them that are neither allocated nor lent.</summary>
    public required ulong CmaFree { get; init; }

    /// <summary>What other parts of the kernel hold.</summary>
    public MemoryUse Use { get; init; } = MemoryUse.None;

    /// <summary>DirectMap4k and the one for large pages; null where the architecture does not tell.</summary>
    public DirectMap? DirectMap { get; init; }

    /// <summary>The lines that the kernel prints, in its order.</summary>
    public IEnumerable<MemInfoLine> Lines => MemInfoLines.Of(this);

    /// <summary>Reads an allocator's zones.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="use">What other parts of the kernel hold; null for nothing.</param>
    /// <param name="directMap">How the linear map is made up; null where that is not known.</param>
    public static MemInfo Of(PageAllocator allocator, MemoryUse? use = null, DirectMap? directMap = null)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var build = allocator.Build;
        var kbytes = allocator.Map.Pages.PageSize >> 10;
        var high = allocator.Zones.Where(static zone => zone.Type == ZoneType.HighMem).ToArray();
        var free = allocator.Zones.Sum(static zone => zone.FreePages);
        return new MemInfo
        {
            Build = build,
            Total = allocator.TotalPages * kbytes,
            Free = (ulong)free * kbytes,
            Available = (ulong)AvailablePages(allocator, free, (use ?? MemoryUse.None).SlabReclaimable) * kbytes,
            High = build.HasHighmem
                ? (high.Aggregate(0UL, static (sum, zone) => sum + zone.ManagedPages) * kbytes, (ulong)high.Sum(static zone => zone.FreePages) * kbytes)
                : null,
            CmaTotal = allocator.TotalCmaPages * kbytes,
            CmaFree = (ulong)allocator.Zones.Sum(static zone => zone.FreeCmaPages) * kbytes,
            Use = use ?? MemoryUse.None,
            DirectMap = directMap,
        };
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString() => Write(Lines);

    /// <summary>Lines as the kernel prints them: the number ends at the 24th column, or where it has to.</summary>
    internal static string Write(IEnumerable<MemInfoLine> lines)
    {
        var text = new StringBuilder();
        foreach (var (name, value, isCount) in lines)
        {
            var label = (name + ":").PadRight(16);
            text.Append(label).Append(value.ToString().PadLeft(Math.Max(0, 24 - label.Length))).Append(isCount ? "\n" : " kB\n");
        }
        return text.ToString();
    }

    // Free pages less the reserves, up to 4.3 less the low marks only, and the part of shrinkable caches that reclaim would give (si_mem_available).
    private static long AvailablePages(PageAllocator allocator, long free, ulong reclaimable)
    {
        var low = allocator.Zones.Sum(static zone => zone.LowWatermark);
        var kept = allocator.Build.IsSince(4, 4) ? TotalReserve(allocator) : low;
        return Math.Max(0, free - kept + ((long)reclaimable - Math.Min((long)reclaimable / 2, low)));
    }

    /// <summary>totalreserve_pages: what the zones keep back (calculate_totalreserve_pages).</summary>
    internal static long TotalReserve(PageAllocator allocator) =>
        allocator.Zones.Sum(static zone => Math.Min(zone.LowmemReserve.Max() + zone.HighWatermark, (long)zone.ManagedPages));
}
