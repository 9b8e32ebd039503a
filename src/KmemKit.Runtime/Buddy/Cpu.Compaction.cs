using KmemKit.Runtime.Compaction;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;

namespace KmemKit.Runtime.Buddy;

/// <summary>A request that makes its own room (<c>__alloc_pages_direct_compact</c>, <c>try_to_compact_pages</c>).</summary>
public sealed partial class Cpu
{
    // Without a movable page there is nothing to compact: such boards pay this one test.
    private bool TryCompaction(in Request request, GfpAllocation allocation, MigrateMode mode, out uint index)
    {
        index = 0;
        if (request.Order == 0 || _allocator.Movable.Count == 0 || (request.Flags & GfpFlags.IO) == 0)
            return false;
        var outer = EnterReclaim();
        CompactResult result;
        try
        {
            result = Compact(request, allocation, mode);
        }
        finally
        {
            LeaveReclaim(outer);
        }
        if (result is CompactResult.Skipped or CompactResult.Deferred)
            return false;
        _allocator.Events.CountStall();
        var isMet = TryZones(request, isLow: false, allocation, out index);
        _allocator.Events.CountCompaction(isMet);
        if (isMet)
            _allocator.ZoneAt(index).Compaction.Reset(request.Order, isAllocated: true);
        return isMet;
    }

    // Before anything is reclaimed, where small blocks are probably not what is short (__alloc_pages_slowpath).
    private static bool IsHastyCompactionWorthIt(in Request request) => request.Order > PerCpuList.CostlyOrder || request.Type != MigrateType.Movable;

    // A mover that allocates must not end up here again: it may use the last of memory, and waits for no one.
    internal bool EnterReclaim()
    {
        var outer = _reclaiming;
        _reclaiming = true;
        _slowFlags |= (uint)GfpFlags.DirectReclaim;
        return outer;
    }

    internal void LeaveReclaim(bool outer)
    {
        _reclaiming = outer;
        if (!outer && _atomicDepth == 0)
            _slowFlags &= ~(uint)GfpFlags.DirectReclaim;
    }

    private CompactResult Compact(in Request request, GfpAllocation allocation, MigrateMode mode)
    {
        var best = CompactResult.Skipped;
        foreach (var zone in request.Zones)
        {
            var state = zone.Compaction;
            var result = state.IsDeferred(request.Order)
                ? CompactResult.Deferred
                : _allocator.CompactForRequest(this, zone, new CompactTarget(request.Order, request.Type), request.Highest, allocation, mode);
            if (result > best)
                best = result;
            if (result == CompactResult.Success)
            {
                state.Reset(request.Order, isAllocated: false);
                break;
            }
            if (mode != MigrateMode.Async && result is (CompactResult.Complete or CompactResult.PartialSkipped))
                state.Defer(request.Order);
        }
        return best;
    }
}
