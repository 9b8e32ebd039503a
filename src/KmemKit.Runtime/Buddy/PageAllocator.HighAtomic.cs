using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Pageblocks set aside for requests of order 1 and up that cannot sleep (<c>MIGRATE_HIGHATOMIC</c>, from 4.4 on).</summary>
/// <remarks>
/// <para>When such a request is met below the low watermark, the pageblock that met it joins the reserve, up to 1% of the zone: the next one finds blocks
/// that no other request tears up. A sleeping request that would fail otherwise dissolves it, pageblock by pageblock.</para>
/// <para>Source: mm/page_alloc.c, reserve_highatomic_pageblock, unreserve_highatomic_pageblock. Requests that are not for the reserve do not see its free
/// pages in the watermarks (NR_FREE_HIGHATOMIC, 6.12). The limit is that of 4.4 to 6.6: 1% and a pageblock; later ones round it up to pageblocks.</para>
/// </remarks>
public sealed unsafe partial class PageAllocator
{
    private static readonly LinuxVersion HighAtomicSince = new(4, 4);

    internal GfpAllocation WithHighAtomic(GfpAllocation allocation, int order) =>
        order > 0 && (allocation & GfpAllocation.Harder) != 0 && IsMobilityGrouped && _version >= HighAtomicSince
            ? allocation | GfpAllocation.HighAtomic
            : allocation;

    internal void ReserveHighAtomic(MemoryZone zone, uint index)
    {
        var perBlock = 1L << PageBlockOrder;
        var most = ((long)zone.ManagedPages / 100) + perBlock;
        var area = zone.Area;
        ZoneLock.Acquire(ref area.Lock);
        var isWhole = PageBlocks.ZoneOf(Blocks[index >> PageBlockOrder]) == zone.Number;
        if (isWhole && zone.ReservedHighAtomic < most && area.TypeOf(index) < (int)MigrateType.HighAtomic)
        {
            zone.ReservedHighAtomic += perBlock;
            area.Retype(index, (int)MigrateType.HighAtomic);
        }
        ZoneLock.Release(ref area.Lock);
    }

    // Gives one pageblock that has free pages to the request's kind; false where no zone of the list has one.
    internal bool UnreserveHighAtomic(MemoryZone[] zones, MigrateType type)
    {
        foreach (var zone in zones)
        {
            if (zone.ReservedHighAtomicPages == 0)
                continue;
            var area = zone.Area;
            ZoneLock.Acquire(ref area.Lock);
            var found = area.TryFirstOf((int)MigrateType.HighAtomic, out var frame);
            if (found)
            {
                zone.ReservedHighAtomic -= System.Math.Min(1L << PageBlockOrder, zone.ReservedHighAtomic);
                area.Retype(frame, (int)type);
            }
            ZoneLock.Release(ref area.Lock);
            if (found)
                return true;
        }
        return false;
    }
}
