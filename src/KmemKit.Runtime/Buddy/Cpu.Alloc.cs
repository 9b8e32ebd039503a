using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Allocation when the fast path does not do: the zone list, the reserves, reclaim (<c>get_page_from_freelist</c>, <c>__alloc_pages_slowpath</c>).</summary>
public sealed unsafe partial class Cpu
{
    // MAX_RECLAIM_RETRIES, SWAP_CLUSTER_MAX.
    private const int ReclaimRounds = 16;
    private const long ReclaimPages = 32;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Page AllocSlow(GfpFlags flags, int order)
    {
        // What most requests that come here need: their first zone, within its low watermark, and blocks of their own kind.
        var type = ((uint)flags >> GfpRules.TypeShift) & _typeMask;
        if (((uint)flags & _slowFlags) == 0 && unchecked((uint)order) <= (uint)_map.MaxOrder && type < (uint)MigrateType.HighAtomic)
        {
            var plan = CpuArea.Plans(_gate) + ((uint)flags & (uint)GfpRules.ZoneBits);
            if (*plan->Free - (1L << order) >= plan->Threshold)
            {
                if (TryTake(_allocator.ZoneArray[plan->Zone], order, (int)type, out var taken))
                {
                    _states[taken] = (byte)(PageState.Allocated | (uint)order | (((uint)flags >> 12) & PageState.Compound));
                    return new Page(taken);
                }
                if (FailsAtOnce(flags, order))
                {
                    _allocator.Fail(flags, order);
                    return Page.Null;
                }
            }
        }
        return AllocByZoneList(flags, order);
    }

    private Page AllocByZoneList(GfpFlags flags, int order)
    {
        if (unchecked((uint)order) > (uint)_map.MaxOrder)
        {
            _allocator.Report(KernelBugKind.OrderTooLarge, flags, order);
            return Page.Null;
        }
        if (GfpRules.ZoneOf(flags, _allocator.PresentZoneTypes) is not { } highest || GfpRules.MigrateTypeOf(flags) is not { } type)
        {
            _allocator.Report(KernelBugKind.BadFlags, flags, order);
            return Page.Null;
        }
        if ((flags & GfpFlags.DirectReclaim) != 0)
        {
            if (_atomicDepth != 0)
            {
                _allocator.Report(KernelBugKind.SleepInAtomicContext, flags, order);
                flags &= ~GfpFlags.DirectReclaim;
            }
            else if (_reclaiming)
            {
                // PF_MEMALLOC: who frees memory may use the last of it, and does not wait for itself.
                flags = (flags & ~GfpFlags.DirectReclaim) | GfpFlags.MemAlloc;
            }
        }
        var request = new Request(
            flags, order, _typeMask == 0 ? MigrateType.Unmovable : type, highest, _allocator.ZoneListOf(Node, highest, (flags & GfpFlags.ThisNode) != 0));
        var lent = request.Type == MigrateType.Movable ? GfpAllocation.Cma : GfpAllocation.None;
        if (!TryZones(request, isLow: true, lent, out var index) && !TryHarder(request, out index))
        {
            _allocator.Fail(flags, order);
            return Page.Null;
        }
        return Prepare(index, flags, order);
    }

    private Page Prepare(uint index, GfpFlags flags, int order)
    {
        if ((flags & GfpFlags.Zero) != 0)
            Clear(index, order);
        _states[index] = (byte)(PageState.Allocated | (uint)order | (((uint)flags >> 12) & PageState.Compound));
        return new Page(index);
    }

    private void Clear(uint index, int order)
    {
        var size = (nuint)_map.Pages.PageSize;
        for (var page = 0u; page < 1u << order; page++)
            NativeMemory.Clear(_map.PageData(new Page(index + page)), size);
    }

    private bool TryZones(in Request request, bool isLow, GfpAllocation allocation, out uint index)
    {
        foreach (var zone in request.Zones)
        {
            var mark = isLow ? zone.LowWatermark : zone.MinWatermark;
            if ((allocation & GfpAllocation.NoWatermarks) == 0 && !zone.IsWatermarkOk(request.Order, mark, request.Highest, allocation))
                continue;
            if (TryTakeWithReserve(zone, request, allocation, out index))
                return true;
        }
        index = 0;
        return false;
    }

    private bool TryHarder(in Request request, out uint index)
    {
        WakeKswapd(request.Flags, request.Zones);
        var allocation = _allocator.WithHighAtomic(GfpRules.AllocationOf(request.Flags, request.Type), request.Order);
        if (TryZones(request, isLow: false, allocation, out index))
            return true;
        if (!GfpRules.MaySleep(request.Flags))
        {
            return DrainIfDue(request.Order) && TryZones(request, isLow: false, allocation, out index);
        }
        // What waits in CPU lists may be all that keeps a block from being whole.
        _allocator.DrainAllPages(this);
        if (TryZones(request, isLow: false, allocation, out index))
            return true;
        if (IsHastyCompactionWorthIt(request) && TryCompaction(request, allocation, MigrateMode.Async, out index))
            return true;
        var rounds = IsOneRoundEnough(request) ? 1 : ReclaimRounds;
        var isProgress = true;
        for (var round = 0; round < rounds && isProgress; round++)
        {
            isProgress = Reclaim(request) > 0;
            if (isProgress)
            {
                if (TryZones(request, isLow: false, allocation, out index))
                    return true;
                _allocator.DrainAllPages(this);
                if (TryZones(request, isLow: false, allocation, out index))
                    return true;
            }
            if ((request.Flags & GfpFlags.NoRetry) == 0 && TryCompaction(request, allocation, MigrateMode.SyncLight, out index))
                return true;
        }
        if (TryLastResorts(request, allocation, out index))
            return true;
        if ((request.Flags & GfpFlags.NoFail) == 0)
            return false;
        return TryZones(request, isLow: false, allocation | GfpAllocation.NoWatermarks, out index)
            ? true
            : throw new OutOfMemoryPanicException(request.Flags, request.Order);
    }

    // Orders above PAGE_ALLOC_COSTLY_ORDER are not worth waiting for, unless the request says so.
    private static bool IsOneRoundEnough(in Request request) => (request.Flags & GfpFlags.NoRetry) != 0
        || (request.Order > PerCpuList.CostlyOrder && (request.Flags & (GfpFlags.RetryMayFail | GfpFlags.NoFail)) == 0);

    private long Reclaim(in Request request)
    {
        var freed = 0L;
        var outer = EnterReclaim();
        try
        {
            foreach (var reclaimer in _allocator.Reclaimers)
            {
                if ((reclaimer.Needs & ~request.Flags) == 0)
                    freed += reclaimer.Reclaim(this, request.Zones[0], request.Order, Math.Max(ReclaimPages, 1L << request.Order));
            }
        }
        finally
        {
            LeaveReclaim(outer);
        }
        return freed;
    }

    private readonly record struct Request(GfpFlags Flags, int Order, MigrateType Type, ZoneType Highest, MemoryZone[] Zones);
}
