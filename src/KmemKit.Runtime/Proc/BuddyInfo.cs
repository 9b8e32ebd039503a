using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary>Free blocks of a zone by order.</summary>
/// <param name="Node">NUMA node.</param>
/// <param name="Zone">The zone's name.</param>
/// <param name="Blocks">Free blocks of order 0 and up.</param>
public sealed record BuddyInfoZone(int Node, string Zone, ImmutableArray<uint> Blocks)
{
    /// <summary>Free pages in all of them.</summary>
    public ulong FreePages
    {
        get
        {
            var pages = 0UL;
            for (var order = 0; order < Blocks.Length; order++)
                pages += (ulong)Blocks[order] << order;
            return pages;
        }
    }
}

/// <summary><c>/proc/buddyinfo</c>: how fragmented each zone is.</summary>
/// <remarks>Source: mm/vmstat.c, frag_show_print. Zones that no other thread changes meanwhile are exact; else each count is by itself.</remarks>
public sealed record BuddyInfo(ImmutableArray<BuddyInfoZone> Zones)
{
    /// <summary>Reads an allocator's zones.</summary>
    public static BuddyInfo Of(PageAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        var zones = ImmutableArray.CreateBuilder<BuddyInfoZone>();
        foreach (var zone in allocator.Zones)
            zones.Add(new BuddyInfoZone(zone.Node, zone.Name, CountBlocks(zone, allocator.Map.MaxOrder)));
        return new BuddyInfo(zones.ToImmutable());
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (node, zone, blocks) in Zones)
        {
            text.Append(CultureInfo.InvariantCulture, $"Node {node}, zone {zone,8} ");
            AppendCounts(text, blocks);
        }
        return text.ToString();
    }

    internal static void AppendCounts(StringBuilder text, IEnumerable<uint> counts)
    {
        foreach (var count in counts)
            text.Append(CultureInfo.InvariantCulture, $"{count,6} ");
        text.Append('\n');
    }

    private static ImmutableArray<uint> CountBlocks(MemoryZone zone, int maxOrder)
    {
        var blocks = ImmutableArray.CreateBuilder<uint>(maxOrder + 1);
        for (var order = 0; order <= maxOrder; order++)
            blocks.Add(zone.FreeBlocks(order));
        return blocks.MoveToImmutable();
    }
}
