using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot.Log;

/// <summary>The memory lines of a boot log, character for character, in the order of the kernel's release.</summary>
/// <remarks>
/// <para>Lines whose text is an address of the kernel image (<c>free_area_init_node: … pgdat</c>), per-CPU lines and those of other subsystems are not made.
/// The "Virtual kernel memory layout" block stands behind the <c>Memory:</c> lines, where Arm kernels up to 5.0 and i386 ones up to 5.6 print it; newer ones
/// and x86-64 print none, and have it here all the same.</para>
/// <para>Sources: mm/page_alloc.c and mm/mm_init.c, arch/arm/mm/init.c, arch/arm64/mm/init.c, arch/x86/mm/init_32.c and init_64.c, init/main.c.</para>
/// </remarks>
public static class BootLog
{
    /// <summary>The lines, without newlines.</summary>
    /// <param name="statistics">The numbers.</param>
    /// <param name="layout">The layout that they belong to.</param>
    public static ImmutableArray<string> Lines(BootStatistics statistics, MemoryLayout layout)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(layout);
        var build = statistics.Build;
        var lines = new List<string>();
        lines.AddRange(layout.Messages);
        ZoneLines.AddTo(lines, statistics, layout);
        // mm_core_init sizes the hash tables first (6.4).
        var zonelistsFirst = !build.IsSince(6, 4);
        if (zonelistsFirst)
            AddZonelists(lines, statistics);
        lines.Add($"Kernel command line: {statistics.CommandLine}");
        foreach (var hash in statistics.Hashes)
        {
            if (statistics.HashesAreEarly || hash.Name == "PID")
                lines.Add(HashLine(hash, build, isEarly: true));
        }
        if (!zonelistsFirst)
            AddZonelists(lines, statistics);
        MemoryLines.AddTo(lines, statistics, layout);
        lines.AddRange(KernelBlockWriter.Write(layout).Split('\n', StringSplitOptions.RemoveEmptyEntries));
        foreach (var hash in statistics.Hashes)
        {
            if (!statistics.HashesAreEarly && hash.Name != "PID")
                lines.Add(HashLine(hash, build, isEarly: false));
        }
        return [.. lines];
    }

    private static void AddZonelists(List<string> lines, BootStatistics statistics)
    {
        var build = statistics.Build;
        var nodes = statistics.Estimate.Zones.Select(static zone => zone.Node).Distinct().Count();
        var order = build.IsSince(4, 14) ? "" : $" in {(IsNodeOrder(statistics) ? "Node" : "Zone")} order";
        var grouping = statistics.IsMobilityGrouped ? "on" : "off";
        lines.Add($"Built {nodes} zonelists{order}, mobility grouping {grouping}.  Total pages: {statistics.Estimate.TotalPages}");
        if (build.IsNuma)
            lines.Add($"Policy zone: {statistics.Estimate.Zones.Where(static zone => zone.Type != ZoneType.Movable).MaxBy(static zone => zone.Type)?.Name}");
    }

    // default_zonelist_order: by node on 64-bit from 3.15; before, where the low zones are all that some node has, or more than half of all.
    private static bool IsNodeOrder(BootStatistics statistics)
    {
        var build = statistics.Build;
        if (!build.IsNuma)
            return false;
        if (build.IsSince(3, 15))
            return build.Is64Bit;
        var zones = statistics.Estimate.Zones;
        var low = Sum(static zone => zone.Type < ZoneType.Normal);
        var all = Sum(static _ => true);
        return low == 0 || low > all / 2 || zones.Select(static zone => zone.Node).Distinct().Any(node =>
            !zones.Any(zone => zone.Node == node && zone.Type >= ZoneType.Normal));

        ulong Sum(Func<ZoneEstimate, bool> which) => zones.Where(which).Aggregate(0UL, static (sum, zone) => sum + zone.Present);
    }

    /// <summary>The line of a hash table.</summary>
    /// <param name="hash">The table.</param>
    /// <param name="build">The kernel.</param>
    /// <param name="isEarly">Out of memblock, else of vmalloc.</param>
    public static string HashLine(SystemHash hash, KernelBuild build, bool isEarly)
    {
        ArgumentNullException.ThrowIfNull(hash);
        ArgumentNullException.ThrowIfNull(build);
        var order = System.Numerics.BitOperations.Log2(hash.Bytes) - build.Pages.PageShift;
        var kind = !build.IsSince(5, 2) ? "" : isEarly ? ", linear" : ", vmalloc";
        return $"{hash.Name} hash table entries: {hash.Entries} (order: {order}, {hash.Bytes} bytes{kind})";
    }
}
