using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Zones;

/// <summary>The arithmetic of watermarks and of the lowmem reserve (<c>init_per_zone_wmark_min</c>, <c>__setup_per_zone_wmarks</c>, <c>setup_per_zone_lowmem_reserve</c>).</summary>
/// <remarks>Source: mm/page_alloc.c. From 4.6 the distance of the marks is at least 0.1% of the zone, from 5.8 min_free_kbytes reaches up to 256 MiB.</remarks>
internal static class Watermarks
{
    private static readonly LinuxVersion ScaleFactorSince = new(4, 6);
    private static readonly LinuxVersion LargeReserveSince = new(5, 8);

    /// <summary>vm.min_free_kbytes as the kernel chooses it at boot.</summary>
    public static int MinFreeKbytes(IEnumerable<MemoryZone> zones, ulong pageSize, LinuxVersion version)
    {
        var kbytes = LowmemPages(zones) * (pageSize >> 10);
        var root = (ulong)Math.Sqrt(kbytes * 16);
        // The double may be one off where the product needs more than its 53 bits.
        while (root * root > kbytes * 16)
            root--;
        while ((root + 1) * (root + 1) <= kbytes * 16)
            root++;
        return (int)Math.Clamp(root, 128, version < LargeReserveSince ? 65536UL : 262144UL);
    }

    public static void Apply(IReadOnlyCollection<MemoryZone> zones, int minFreeKbytes, ulong pageSize, LinuxVersion version)
    {
        var pagesMin = (ulong)minFreeKbytes / (pageSize >> 10);
        var lowmem = Math.Max(1, LowmemPages(zones));
        foreach (var zone in zones)
        {
            var share = pagesMin * zone.ManagedPages / lowmem;
            // Kernel requests rarely come here: a little is enough.
            var min = zone.Type >= ZoneType.HighMem ? Math.Clamp(zone.ManagedPages / 1024, 32, 128) : share;
            var step = share / 4;
            if (version >= ScaleFactorSince)
                step = Math.Max(step, zone.ManagedPages / 1000);
            var high = version >= ScaleFactorSince ? min + (2 * step) : min + (share / 2);
            zone.SetWatermarks((long)min, (long)(min + step), (long)high);
        }
    }

    public static void ApplyLowmemReserve(IReadOnlyCollection<MemoryZone> zones)
    {
        foreach (var zone in zones)
        {
            // sysctl_lowmem_reserve_ratio
            var ratio = zone.Type switch { ZoneType.Dma or ZoneType.Dma32 => 256UL, ZoneType.Normal => 32UL, _ => 0UL };
            var reserve = new long[ZoneTypes.Count];
            var above = 0UL;
            for (var type = (int)zone.Type + 1; type < ZoneTypes.Count; type++)
            {
                above += zones.FirstOrDefault(other => other.Node == zone.Node && (int)other.Type == type)?.ManagedPages ?? 0;
                reserve[type] = ratio == 0 || zone.ManagedPages == 0 ? 0 : (long)(above / ratio);
            }
            zone.SetLowmemReserve(reserve);
        }
    }

    private static ulong LowmemPages(IEnumerable<MemoryZone> zones)
    {
        var pages = 0UL;
        foreach (var zone in zones)
            pages += zone.Type < ZoneType.HighMem ? zone.ManagedPages : 0;
        return pages;
    }
}
