using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>What follows from a layout alone: hash requests, zone ranges, movable starts.</summary>
internal static class BootPlan
{
    /// <summary>The hash tables by kernel: pidhash went with 4.15, whose PIDs are in a tree.</summary>
    public static IEnumerable<HashRequest> HashRequests(KernelBuild build)
    {
        var pointer = build.Is64Bit ? 8UL : 4;
        if (!build.IsSince(4, 15))
            yield return new HashRequest("PID", pointer, 18, Highest: 4096, Lowest: 16);
        yield return new HashRequest("Dentry cache", pointer, 13);
        yield return new HashRequest("Inode-cache", pointer, 14);
    }

    /// <summary>
    /// Whether dentry and inode tables are made before mem_init; <c>hashdist</c> puts them off on 64-bit NUMA, from 5.10 on only with more than one node.
    /// </summary>
    public static bool HashesAreEarly(KernelBuild build, int nodes) => !build.IsNuma || !build.Is64Bit || (build.IsSince(5, 10) && nodes == 1);

    public static ImmutableArray<ZoneFrames> ZoneRanges(MemoryLayout layout, KernelBuild build)
    {
        var ranges = ImmutableArray.CreateBuilder<ZoneFrames>();
        var end = layout.Zones.Select(static zone => zone.Start.Number).DefaultIfEmpty().Min();
        foreach (var type in build.ZoneTypes)
        {
            if (type == ZoneType.Movable)
                continue;
            // A movable part belongs to the type it was cut off from, the highest.
            var zones = layout.Zones.Where(zone => ZoneTypes.Parse(zone.Name) == type).ToArray();
            var start = end;
            foreach (var zone in zones)
                end = Math.Max(end, zone.Start.Number + zone.Spanned);
            if (zones.Length != 0)
                start = Math.Max(start, zones.Min(static zone => zone.Start.Number));
            ranges.Add(new ZoneFrames(type, new PageFrame(start), new PageFrame(end)));
        }
        var movable = layout.Zones.Where(static zone => zone.Name == "Movable").Select(static zone => zone.Start.Number + zone.Spanned).DefaultIfEmpty().Max();
        for (var last = ranges.Count - 1; last >= 0 && movable > end; last--)
        {
            if (ranges[last].Start == ranges[last].End && last > 0)
                continue;
            ranges[last] = ranges[last] with { End = new PageFrame(movable) };
            break;
        }
        return ranges.ToImmutable();
    }

    public static ImmutableArray<NodeFrames> MovableStarts(MemoryLayout layout) =>
        [.. layout.Zones.Where(static zone => zone.Name == "Movable").Select(static zone => new NodeFrames(zone.Node, zone.Start, zone.Start + zone.Spanned))];

    /// <summary>
    /// memblock's memory in whole frames. Memory that the kernel must not map is marked in it from 5.12 (Arm) and 4.5 (arm64) on; before, it was taken out.
    /// </summary>
    public static ImmutableArray<NodeFrames> Regions(Memblock.Memblock memblock, KernelBuild build)
    {
        var marksNoMap = build.Architecture switch
        {
            BoardCompiler.Policies.TargetArchitecture.Arm => build.IsSince(5, 12),
            BoardCompiler.Policies.TargetArchitecture.Arm64 => build.IsSince(4, 5),
            _ => true,
        };
        var regions = ImmutableArray.CreateBuilder<NodeFrames>();
        foreach (var region in memblock.Memory)
        {
            var start = (region.Range.Start.Value + build.Pages.PageSize - 1) >> build.Pages.PageShift;
            var end = build.Pages.PagesIn(region.Range.End);
            if (start < end && (marksNoMap || !region.Flags.HasFlag(Memblock.MemblockFlags.NoMap)))
                regions.Add(new NodeFrames(Math.Max(0, region.Node), new PageFrame(start), new PageFrame(end)));
        }
        return regions.ToImmutable();
    }

    /// <summary>memblock_find_dma_reserve: pages of RAM below 16 MiB that are not free.</summary>
    public static ulong DmaReserve(Memblock.Memblock memblock, KernelBuild build)
    {
        if (build.Architecture != BoardCompiler.Policies.TargetArchitecture.X64)
            return 0;
        var limit = 16UL << 20;
        var present = memblock.FrameRanges().Aggregate(0UL, (sum, range) => sum + PagesBelow(range.Start.Number << 12, range.End.Number << 12));
        var free = memblock.FreeRanges().Aggregate(0UL, (sum, range) =>
            sum + PagesBelow((range.Range.Start.Value + 0xfff) & ~0xfffUL, range.Range.End.IsTop ? limit : range.Range.End.Value));
        return present - Math.Min(present, free);

        ulong PagesBelow(ulong start, ulong end) => Math.Min(end, limit) > start ? (Math.Min(end, limit) - start) >> 12 : 0;
    }
}
