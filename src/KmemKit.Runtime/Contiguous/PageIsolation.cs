using System.Collections.Generic;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Contiguous;

/// <summary>Pageblocks out of use for a while: what becomes free in them stays there (<c>start_isolate_page_range</c>, <c>undo_isolate_page_range</c>).</summary>
/// <remarks>
/// Each pageblock gets back the kind it had, as from 6.16 on; older kernels make all of them the kind of the request. A block larger than a pageblock
/// that sticks out is divided when it becomes free. Source: mm/page_isolation.c.
/// </remarks>
internal sealed unsafe class PageIsolation(PageAllocator allocator, MemoryZone zone)
{
    private readonly List<(uint Frame, MigrateType Type)> _blocks = [];

    /// <summary>Isolates the pageblocks of a row of frames that is RAM of the zone; on failure none of them.</summary>
    /// <param name="first">First descriptor.</param>
    /// <param name="end">Behind the last.</param>
    /// <param name="type"><see cref="MigrateType.Cma"/> where the row belongs to a contiguous area: its pages count as movable.</param>
    /// <param name="busy">What was in the way, and where.</param>
    public ContigError Isolate(uint first, uint end, MigrateType type, out uint busy)
    {
        var size = 1u << allocator.PageBlockOrder;
        var area = zone.Area;
        for (var block = first & ~(size - 1); block < end; block += size)
        {
            ZoneLock.Acquire(ref area.Lock);
            var error = Check(block, System.Math.Max(block, first), System.Math.Min(block + size, end), type, out busy);
            if (error == ContigError.None)
            {
                _blocks.Add((block, (MigrateType)area.TypeOf(block)));
                area.Retype(block, (int)MigrateType.Isolate);
            }
            ZoneLock.Release(ref area.Lock);
            if (error == ContigError.None)
                continue;
            Undo();
            return error;
        }
        busy = 0;
        return ContigError.None;
    }

    /// <summary>Gives the pageblocks their kinds back.</summary>
    public void Undo()
    {
        var area = zone.Area;
        foreach (var (block, type) in _blocks)
        {
            ZoneLock.Acquire(ref area.Lock);
            area.Retype(block, (int)type);
            ZoneLock.Release(ref area.Lock);
        }
        _blocks.Clear();
    }

    private ContigError Check(uint block, uint first, uint end, MigrateType type, out uint busy)
    {
        busy = first;
        if (PageBlocks.ZoneOf(allocator.Blocks[block >> allocator.PageBlockOrder]) != zone.Number)
            return ContigError.CrossesZone;
        var kind = (MigrateType)zone.Area.TypeOf(block);
        if (kind == MigrateType.Isolate)
            return ContigError.Isolated;
        if (kind == MigrateType.Cma)
            return type == MigrateType.Cma ? ContigError.None : ContigError.Lent;
        return HasUnmovable(first, end, out busy) ? ContigError.Unmovable : ContigError.None;
    }

    // has_unmovable_pages: a page that is in no block and on no list is on its way, and the last look under the lock decides.
    private bool HasUnmovable(uint first, uint end, out uint at)
    {
        for (at = first; at < end;)
        {
            if (zone.Area.TryFindFree(at, out var free, out var order))
            {
                at = free + (1u << order);
                continue;
            }
            var head = allocator.Map.HeadOf(at);
            if (head == uint.MaxValue)
            {
                at++;
                continue;
            }
            if (!allocator.Movable.IsRegistered(head))
                return true;
            at = head + (1u << (allocator.Map.States[head] & PageState.OrderMask));
        }
        return false;
    }
}
