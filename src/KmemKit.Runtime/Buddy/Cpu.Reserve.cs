using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>The high-order atomic reserve as a request meets it (<c>rmqueue_buddy</c>, <c>unreserve_highatomic_pageblock</c>).</summary>
public sealed partial class Cpu
{
    // A request that may use the reserve starts there; what else cannot sleep, or must not fail, ends there.
    private bool TryTakeWithReserve(MemoryZone zone, in Request request, GfpAllocation allocation, out uint index)
    {
        var isHighAtomic = (allocation & GfpAllocation.HighAtomic) != 0;
        if (isHighAtomic && TryTakeReserved(zone, request.Order, out index))
            return true;
        if (TryTake(zone, request.Order, (int)request.Type, out index))
        {
            if (isHighAtomic)
                _allocator.ReserveHighAtomic(zone, index);
            return true;
        }
        return (allocation & (GfpAllocation.Harder | GfpAllocation.NoWatermarks)) != 0 && TryTakeReserved(zone, request.Order, out index);
    }

    private static bool TryTakeReserved(MemoryZone zone, int order, out uint index)
    {
        index = 0;
        var area = zone.Area;
        if (!area.HasBlock(order, (int)MigrateType.HighAtomic))
            return false;
        ZoneLock.Acquire(ref area.Lock);
        var taken = area.TryTake(order, (int)MigrateType.HighAtomic, out index);
        ZoneLock.Release(ref area.Lock);
        return taken;
    }

    // Before a request that may sleep fails, the reserve goes back to all.
    private bool TryLastResorts(in Request request, GfpAllocation allocation, out uint index)
    {
        while (_allocator.UnreserveHighAtomic(request.Zones, request.Type))
        {
            if (TryZones(request, isLow: false, allocation, out index))
                return true;
        }
        index = 0;
        return false;
    }
}
