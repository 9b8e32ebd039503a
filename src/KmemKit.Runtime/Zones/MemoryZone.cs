using System;
using System.Collections.Immutable;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;

namespace KmemKit.Runtime.Zones;

/// <summary>A zone of a node (<c>struct zone</c>): its extent, its watermarks and its free pages.</summary>
public sealed class MemoryZone
{
    private long[] _lowmemReserve = new long[ZoneTypes.Count];

    internal MemoryZone(int number, string name, int node, PageFrame start, ulong spanned, ulong present, uint firstIndex, uint baseIndex, FreeArea area)
    {
        Number = number;
        Name = name;
        Type = ZoneTypes.Parse(name);
        Node = node;
        Start = start;
        SpannedPages = spanned;
        PresentPages = present;
        FirstIndex = firstIndex;
        BaseIndex = baseIndex;
        Area = area;
    }

    /// <summary>As the kernel prints it: <c>DMA</c>, <c>DMA32</c>, <c>Normal</c>, <c>HighMem</c>, <c>Movable</c>.</summary>
    public string Name { get; }

    /// <summary>Which memory it holds.</summary>
    public ZoneType Type { get; }

    /// <summary>NUMA node.</summary>
    public int Node { get; }

    /// <summary>First frame.</summary>
    public PageFrame Start { get; }

    /// <summary>Frames from the first to the last, holes included.</summary>
    public ulong SpannedPages { get; }

    /// <summary>Frames that are RAM.</summary>
    public ulong PresentPages { get; }

    /// <summary>Frames that the page allocator has: present without reserved ones.</summary>
    public ulong ManagedPages { get; internal set; }

    /// <summary>WMARK_MIN in pages: below it only requests that may use the reserves are met.</summary>
    public long MinWatermark { get; private set; }

    /// <summary>WMARK_LOW in pages: below it kswapd is woken.</summary>
    public long LowWatermark { get; private set; }

    /// <summary>WMARK_HIGH in pages: above it kswapd rests.</summary>
    public long HighWatermark { get; private set; }

    /// <summary>Pages kept from requests that could be met by a higher zone, by that zone's type (<c>protection</c> of /proc/zoneinfo).</summary>
    public ImmutableArray<long> LowmemReserve => ImmutableArray.Create(_lowmemReserve);

    /// <summary>How many pages move between a CPU's list and the zone at a time by the kernel's formula, as /proc/zoneinfo shows it; from 64 MiB up this allocator moves 64.</summary>
    public int Batch { get; internal set; }

    /// <summary>How many pages a CPU's list of order 0 holds at most.</summary>
    public int High { get; internal set; }

    /// <summary>NR_FREE_PAGES: free in the buddy lists; pages in CPU lists are not counted.</summary>
    public long FreePages => Area.FreePages;

    /// <summary>NR_FREE_CMA_PAGES.</summary>
    public long FreeCmaPages => Area.FreeCmaPages;

    /// <summary>NR_FREE_HIGHATOMIC: free pages of the pageblocks in <see cref="ReservedHighAtomicPages"/>.</summary>
    public long FreeHighAtomicPages => Area.FreeHighAtomicPages;

    /// <summary>nr_reserved_highatomic: pages of pageblocks that were set aside for requests of order 1 and up that cannot sleep.</summary>
    public long ReservedHighAtomicPages => System.Threading.Volatile.Read(ref ReservedHighAtomic);

    /// <summary>Frames of contiguous areas in this zone (<c>zone->cma_pages</c>).</summary>
    public ulong CmaPages { get; internal set; }

    /// <summary>How often kswapd was woken for this zone.</summary>
    public long KswapdWakeups => System.Threading.Interlocked.Read(ref Wakeups);

    /// <summary>What the zone remembers of its compactions.</summary>
    public Compaction.ZoneCompaction Compaction { get; } = new();

    internal FreeArea Area { get; }

    internal int Number { get; }

    // First descriptor, and the one that the area's frame 0 stands for.
    internal uint FirstIndex { get; }

    internal uint BaseIndex { get; }

    internal long Wakeups;

    // Written under the area's lock.
    internal long ReservedHighAtomic;

    /// <summary>Free blocks of an order over all types, as /proc/buddyinfo shows them.</summary>
    public uint FreeBlocks(int order)
    {
        var blocks = 0u;
        for (var type = 0; type < FreeArea.Types; type++)
            blocks += Area.CountOf(order, (MigrateType)type);
        return blocks;
    }

    /// <summary>Free blocks of an order and a type, as /proc/pagetypeinfo shows them.</summary>
    public uint FreeBlocks(int order, MigrateType type) => Area.CountOf(order, type);

    /// <inheritdoc/>
    public override string ToString() => $"Node {Node}, zone {Name}";

    internal long LowmemReserveFor(ZoneType highest) => _lowmemReserve[(int)highest];

    internal void SetWatermarks(long min, long low, long high) => (MinWatermark, LowWatermark, HighWatermark) = (min, low, high);

    internal void SetLowmemReserve(long[] reserve) => _lowmemReserve = reserve;

    /// <summary>Whether a request may take pages and leave the mark (<c>__zone_watermark_ok</c>).</summary>
    internal bool IsWatermarkOk(int order, long mark, ZoneType highest, GfpAllocation allocation)
    {
        var free = FreePages - ((1L << order) - 1);
        if (allocation.HasFlag(GfpAllocation.High))
            mark -= mark / 2;
        if (allocation.HasFlag(GfpAllocation.Harder))
            mark -= mark / 4;
        if (!allocation.HasFlag(GfpAllocation.Cma))
            free -= FreeCmaPages;
        if ((allocation & GfpAllocation.Reserves) == 0)
            free -= FreeHighAtomicPages;
        if (free <= mark + LowmemReserveFor(highest))
            return false;
        if (order == 0)
            return true;
        for (var type = 0; type < (int)MigrateType.HighAtomic; type++)
        {
            if (Area.HasBlock(order, type))
                return true;
        }
        if (allocation.HasFlag(GfpAllocation.HighAtomic) && Area.HasBlock(order, (int)MigrateType.HighAtomic))
            return true;
        return allocation.HasFlag(GfpAllocation.Cma) && Area.HasBlock(order, (int)MigrateType.Cma);
    }

    /// <summary>What the kernel works out as batch of a zone's CPU lists (<c>zone_batchsize</c>): 0 where the zone is small, or there is no MMU.</summary>
    /// <remarks>Without an MMU pages are asked for in large blocks, which CPU lists would only tear up.</remarks>
    internal static int BatchSize(ulong managed, ulong pageSize, bool newKernel, bool hasMmu)
    {
        if (!hasMmu)
            return 0;
        var cap = (newKernel ? 1UL << 20 : 512UL << 10) / pageSize;
        var batch = Math.Max(1, Math.Min(managed / 1024, Math.Max(1, cap)) / 4);
        return (int)((1UL << BitOperations.Log2(batch + (batch / 2))) - 1);
    }
}
