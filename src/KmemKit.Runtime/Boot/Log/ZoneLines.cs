using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot.Log;

/// <summary>Zone ranges, early memory, and the zones of each node (<c>free_area_init_nodes</c>, <c>free_area_init_core</c>).</summary>
internal static class ZoneLines
{
    // 5.12, and taken over into the stable kernels of then.
    private static readonly LinuxVersion s_unavailableSince = new(5, 10, 24);

    public static void AddTo(List<string> lines, BootStatistics statistics, MemoryLayout layout)
    {
        if (statistics.Build.Architecture == TargetArchitecture.X86)
            AddLowmem(lines, layout);
        if (PrintsRanges(statistics.Build, layout))
            AddRanges(lines, statistics);
        // Debug messages, compiled out later.
        if (!statistics.Build.IsSince(5, 14))
        {
            foreach (var node in statistics.Estimate.Zones.GroupBy(static zone => zone.Node))
            {
                lines.Add($"On node {node.Key} totalpages: {node.Aggregate(0UL, static (sum, zone) => sum + zone.Present)}");
                foreach (var zone in node)
                    AddZone(lines, zone);
            }
        }
        if (statistics.Build.Version < s_unavailableSince)
            return;
        foreach (var (node, zone, pages) in statistics.Unavailable)
            lines.Add($"On node {node}, zone {ZoneTypes.NameOf(zone)}: {pages} pages in unavailable ranges");
    }

    private static void AddZone(List<string> lines, ZoneEstimate zone)
    {
        if (zone.Memmap != 0)
            lines.Add($"  {zone.Name} zone: {zone.Memmap} pages used for memmap");
        if (zone.Reserved is { } reserved)
            lines.Add($"  {zone.Name} zone: {reserved} pages reserved");
        if (zone.Printed != 0)
            lines.Add($"  {zone.Name} zone: {zone.Printed} pages, LIFO batch:{zone.Batch}");
    }

    // Arm set its zones up node by node until 5.8, but for msm kernels with vmalloc saving (cancro); arm64 until then only without NUMA.
    private static bool PrintsRanges(KernelBuild build, MemoryLayout layout) => build.Architecture switch
    {
        TargetArchitecture.Arm => build.IsSince(5, 8) || layout.Board.Policy.Reclaim?.Value == ReclaimStrategy.VmallocSaving,
        TargetArchitecture.Arm64 => build.IsSince(5, 8) || (build.IsNuma && build.IsSince(4, 7)),
        _ => true,
    };

    private static void AddRanges(List<string> lines, BootStatistics statistics)
    {
        var build = statistics.Build;
        var addresses = build.IsSince(3, 5);
        lines.Add(addresses ? "Zone ranges:" : "Zone PFN ranges:");
        foreach (var (type, start, end) in statistics.ZoneRanges)
            lines.Add($"  {ZoneTypes.NameOf(type),-8} {(start == end ? "empty" : Frames(build, start, end))}");
        lines.Add(addresses ? "Movable zone start for each node" : "Movable zone start PFN for each node");
        foreach (var (node, start, _) in statistics.MovableStarts)
            lines.Add($"  Node {node}: {(addresses ? Address(build, start.Number << build.Pages.PageShift) : start.Number.ToString())}");
        lines.Add(addresses ? "Early memory node ranges"
            : build.IsSince(3, 3) ? "Early memory PFN ranges"
            : $"early_node_map[{statistics.Regions.Length}] active PFN ranges");
        foreach (var (node, start, end) in statistics.Regions)
            lines.Add($"  {(addresses ? "node " : "")}{node,3}: {Frames(build, start, end)}");
        if (!build.IsSince(4, 1))
            return;
        foreach (var node in statistics.Regions.GroupBy(static region => region.Node))
            lines.Add($"Initmem setup node {node.Key} {Frames(build, node.Min(static region => region.Start), node.Max(static region => region.End))}");
    }

    private static string Frames(KernelBuild build, PageFrame start, PageFrame end)
    {
        if (!build.IsSince(3, 5))
            return $"{Hex(start.Number, 8)} -> {Hex(end.Number, 8)}";
        var shift = build.Pages.PageShift;
        return $"[mem {Address(build, start.Number << shift)}-{Address(build, unchecked((end.Number << shift) - 1))}]";
    }

    private static string Address(KernelBuild build, ulong address) => Hex(address, build.IsSince(4, 1) ? 16 : 8);

    private static string Hex(ulong value, int digits) => "0x" + value.ToString("x" + digits);

    // setup_bootmem_allocator of i386, behind the two lines that the layout has as messages.
    private static void AddLowmem(List<string> lines, MemoryLayout layout)
    {
        lines.Add($"  mapped low ram: 0 - {layout.LowmemLimit.Value:x8}");
        lines.Add($"  low ram: 0 - {layout.LowmemLimit.Value:x8}");
    }
}
