using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary>What a zone has of a kind of pages.</summary>
/// <param name="Type">The kind.</param>
/// <param name="FreeBlocks">Free blocks of order 0 and up.</param>
/// <param name="PageBlocks">Pageblocks of this kind that start in the zone.</param>
public sealed record PageTypeCounts(MigrateType Type, ImmutableArray<uint> FreeBlocks, ulong PageBlocks);

/// <summary>A zone in <c>/proc/pagetypeinfo</c>.</summary>
/// <param name="Node">NUMA node.</param>
/// <param name="Zone">The zone's name.</param>
/// <param name="Types">By migrate type, in the order of <see cref="MigrateType"/>.</param>
public sealed record PageTypeZone(int Node, string Zone, ImmutableArray<PageTypeCounts> Types);

/// <summary><c>/proc/pagetypeinfo</c>: free blocks and pageblocks by kind.</summary>
/// <remarks>
/// Columns by kernel: Reserve, the pageblocks kept for atomic requests, gave way to HighAtomic with 4.4, when Movable also moved in front of Reclaimable; CMA
/// since 3.5 and Isolate depend on options. Reserve is always 0: this allocator keeps no pageblocks for atomic requests of kernels before 4.4, which have the
/// watermarks. From 5.4 on a list is counted up to 100000 only. Source: mm/vmstat.c, pagetypeinfo_show.
/// </remarks>
/// <param name="PageBlockOrder">Order of a pageblock.</param>
/// <param name="MaxOrder">The largest block's order.</param>
/// <param name="Zones">The zones.</param>
/// <param name="Build">The kernel.</param>
public sealed record PageTypeInfo(int PageBlockOrder, int MaxOrder, ImmutableArray<PageTypeZone> Zones, KernelBuild Build)
{
    private const uint CountLimit = 100_000;

    /// <summary>Reads an allocator's zones.</summary>
    public static PageTypeInfo Of(PageAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var zones = ImmutableArray.CreateBuilder<PageTypeZone>();
        foreach (var zone in allocator.Zones)
        {
            var blocks = allocator.CountPageBlocks(zone);
            var types = ImmutableArray.CreateBuilder<PageTypeCounts>();
            foreach (var type in Enum.GetValues<MigrateType>())
                types.Add(new PageTypeCounts(type, CountFree(zone, type, allocator.Map.MaxOrder), blocks[(int)type]));
            zones.Add(new PageTypeZone(zone.Node, zone.Name, types.ToImmutable()));
        }
        return new PageTypeInfo(allocator.PageBlockOrder, allocator.Map.MaxOrder, zones.ToImmutable(), allocator.Build);
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString()
    {
        var columns = Columns();
        var text = new StringBuilder();
        text.Append($"Page block order: {PageBlockOrder}\nPages per block:  {1UL << PageBlockOrder}\n\n");
        text.Append($"{"Free pages count per migrate type at order",-43} ");
        for (var order = 0; order <= MaxOrder; order++)
            text.Append($"{order,6} ");
        text.Append('\n');
        foreach (var zone in Zones)
        {
            foreach (var (name, type) in columns)
            {
                text.Append($"Node {zone.Node,4}, zone {zone.Zone,8}, type {name,12} ");
                foreach (var count in type is { } kind ? zone.Types[(int)kind].FreeBlocks : [.. new uint[MaxOrder + 1]])
                    text.Append(count >= CountLimit && Build.IsSince(5, 4) ? $">{CountLimit,6} " : $"{count,6} ");
                text.Append('\n');
            }
        }
        text.Append($"\n{"Number of blocks type",-23}");
        foreach (var (name, _) in columns)
            text.Append($"{name,12} ");
        text.Append('\n');
        foreach (var zone in Zones)
        {
            text.Append($"Node {zone.Node}, zone {zone.Zone,8} ");
            foreach (var (_, type) in columns)
                text.Append($"{(type is { } kind ? zone.Types[(int)kind].PageBlocks : 0),12} ");
            text.Append('\n');
        }
        return text.ToString();
    }

    private List<(string Name, MigrateType? Type)> Columns()
    {
        List<(string, MigrateType?)> columns = Build.IsSince(4, 4)
            ? [("Unmovable", MigrateType.Unmovable), ("Movable", MigrateType.Movable), ("Reclaimable", MigrateType.Reclaimable), ("HighAtomic", MigrateType.HighAtomic)]
            : [("Unmovable", MigrateType.Unmovable), ("Reclaimable", MigrateType.Reclaimable), ("Movable", MigrateType.Movable), ("Reserve", null)];
        if (Build.HasCma && Build.IsSince(3, 5))
            columns.Add(("CMA", MigrateType.Cma));
        if (Build.HasIsolation)
            columns.Add(("Isolate", MigrateType.Isolate));
        return columns;
    }

    private static ImmutableArray<uint> CountFree(MemoryZone zone, MigrateType type, int maxOrder)
    {
        var blocks = ImmutableArray.CreateBuilder<uint>(maxOrder + 1);
        for (var order = 0; order <= maxOrder; order++)
            blocks.Add(zone.FreeBlocks(order, type));
        return blocks.MoveToImmutable();
    }
}
