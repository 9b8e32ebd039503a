using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Compaction;

namespace KmemKit.Runtime.Proc;

/// <summary>External fragmentation of a zone: how much is free, and what of it a request of each order can use.</summary>
/// <param name="Node">NUMA node.</param>
/// <param name="Zone">The zone's name.</param>
/// <param name="FreePages">Free pages, of all kinds.</param>
/// <param name="LargestOrder">Order of the largest free block; -1 where nothing is free.</param>
/// <param name="Unusable">By order, in thousandths: the part of the free memory that a request cannot use (<see cref="FragmentationIndex.Unusable"/>).</param>
/// <param name="External">By order, in thousandths: why a request would fail (<see cref="FragmentationIndex.External"/>).</param>
public sealed record ZoneFragmentation(int Node, string Zone, ulong FreePages, int LargestOrder, ImmutableArray<int> Unusable, ImmutableArray<int> External);

/// <summary>External fragmentation: <c>unusable_index</c> and <c>extfrag_index</c> of <c>/sys/kernel/debug/extfrag</c>.</summary>
/// <remarks>Source: mm/vmstat.c, unusable_show_print, extfrag_show_print. Kernels from 5.16 on pad the whole part of <c>extfrag_index</c> to two places.</remarks>
/// <param name="Zones">The zones.</param>
/// <param name="IsPadded">Whether the kernel pads.</param>
public sealed record FragmentationInfo(ImmutableArray<ZoneFragmentation> Zones, bool IsPadded)
{
    /// <summary>Reads an allocator's zones.</summary>
    public static FragmentationInfo Of(PageAllocator allocator)
    {
        ArgumentNullException.ThrowIfNull(allocator);
        return Of(BuddyInfo.Of(allocator), allocator.Build.IsSince(5, 16));
    }

    /// <summary>Works it out from what <c>/proc/buddyinfo</c> says.</summary>
    /// <param name="info">Free blocks of each zone.</param>
    /// <param name="isPadded">As <see cref="IsPadded"/>.</param>
    public static FragmentationInfo Of(BuddyInfo info, bool isPadded)
    {
        ArgumentNullException.ThrowIfNull(info);
        return new FragmentationInfo([.. info.Zones.Select(static zone => Of(zone))], isPadded);
    }

    /// <summary>The text of <c>unusable_index</c>.</summary>
    public string ToUnusableIndexText() => Write(static zone => zone.Unusable, 1);

    /// <summary>The text of <c>extfrag_index</c>.</summary>
    public string ToExtfragIndexText() => Write(static zone => zone.External, IsPadded ? 2 : 1);

    /// <summary>Both texts under their names.</summary>
    public override string ToString() => $"unusable_index\n{ToUnusableIndexText()}extfrag_index\n{ToExtfragIndexText()}";

    private static ZoneFragmentation Of(BuddyInfoZone zone)
    {
        var blocks = zone.Blocks.AsSpan();
        var unusable = ImmutableArray.CreateBuilder<int>(blocks.Length);
        var external = ImmutableArray.CreateBuilder<int>(blocks.Length);
        for (var order = 0; order < blocks.Length; order++)
        {
            unusable.Add(FragmentationIndex.Unusable(blocks, order));
            external.Add(FragmentationIndex.External(blocks, order));
        }
        return new ZoneFragmentation(zone.Node, zone.Zone, zone.FreePages, blocks.LastIndexOfAnyExcept(0u), unusable.MoveToImmutable(), external.MoveToImmutable());
    }

    // The kernel prints quotient and remainder as %d.%03d: between -1 and 0 the sign is at the remainder.
    private string Write(Func<ZoneFragmentation, ImmutableArray<int>> values, int width)
    {
        var text = new StringBuilder();
        foreach (var zone in Zones)
        {
            text.Append(CultureInfo.InvariantCulture, $"Node {zone.Node}, zone {zone.Zone,8} ");
            foreach (var value in values(zone))
            {
                var rest = value % 1000;
                text.Append((value / 1000).ToString(CultureInfo.InvariantCulture).PadLeft(width)).Append('.')
                    .Append(rest.ToString(rest < 0 ? "00" : "000", CultureInfo.InvariantCulture)).Append(' ');
            }
            text.Append('\n');
        }
        return text.ToString();
    }
}
