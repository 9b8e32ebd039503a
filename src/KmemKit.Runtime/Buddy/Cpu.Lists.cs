using System;
using System.Threading;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Between the CPU's lists and the zones: refill, flush, drain.</summary>
public sealed unsafe partial class Cpu
{
    // What a trimmed list keeps, in pages; and how many blocks the first refills afterwards take, when whole batches would only be split for nothing.
    private const int KeptPages = 32;
    private const int FirstRefill = 4;
    private const int LargestRefill = 64;

    private int _refill = LargestRefill;

    /// <summary>Fills the descriptor numbers of a CPU's free blocks in: for checks.</summary>
    internal void VisitLists(Action<int, uint, int> visit)
    {
        for (var zone = 0; zone < _allocator.ZoneArray.Length; zone++)
        {
            for (var order = 0; order < PerCpuList.Orders; order++)
            {
                for (var type = 0; type < PerCpuList.TypesPerOrder; type++)
                {
                    var list = ListOf(zone, order, type);
                    for (var i = 0; i < list->Count; i++)
                        visit(zone, list->Stack[i], order);
                }
            }
        }
    }

    /// <summary>Drains this CPU's lists from another CPU's thread (<c>drain_pages</c>).</summary>
    internal void DrainRemotely()
    {
        var spinner = new SpinWait();
        while (Interlocked.CompareExchange(ref _gate->Drain, 1, 0) != 0)
            spinner.SpinOnce();
        // From here on the owner either sees Drain, or its Busy is seen here.
        Interlocked.MemoryBarrierProcessWide();
        while (Volatile.Read(ref _gate->Busy) != 0)
            spinner.SpinOnce();
        FlushAll();
        Volatile.Write(ref _gate->Drain, 0);
    }

    // For a request that found no block of its order: gives back the blocks of its type that could serve it, and of the smaller ones, which could only merge
    // into one, all but those that were freed last. Those few cost next to no failures; without them the next requests would all go to the zone.
    private void TrimLists(MemoryZone zone, int order, int type)
    {
        EnterGate();
        var list = ListOf(zone.Number, 0, type);
        for (var at = 0; at <= _map.MaxOrder; at++, list += PerCpuList.TypesPerOrder)
        {
            var keep = at < order ? KeptPages >> at : 0;
            if (list->Count > keep)
                Flush(zone, list, at, list->Count - keep);
        }
        _refill = FirstRefill;
        Volatile.Write(ref _gate->Busy, 0);
    }

    private void EnterGate()
    {
        var spinner = new SpinWait();
        while (true)
        {
            Volatile.Write(ref _gate->Busy, 1);
            if (Volatile.Read(ref _gate->Drain) == 0)
                return;
            Volatile.Write(ref _gate->Busy, 0);
            while (Volatile.Read(ref _gate->Drain) != 0)
                spinner.SpinOnce();
        }
    }

    private void FlushAll()
    {
        foreach (var zone in _allocator.ZoneArray)
        {
            for (var order = 0; order < PerCpuList.Orders; order++)
            {
                for (var type = 0; type < PerCpuList.TypesPerOrder; type++)
                {
                    var list = ListOf(zone.Number, order, type);
                    if (list->Count != 0)
                        Flush(zone, list, order, list->Count);
                }
            }
        }
    }

    // The bottom of the stack has been free for longest.
    private static void Flush(MemoryZone zone, PerCpuList* list, int order, int blocks)
    {
        var area = zone.Area;
        var stack = list->Stack;
        ZoneLock.Acquire(ref area.Lock);
        if (order < GroupMask.Order)
        {
            area.PutMany(stack, blocks, order);
        }
        else
        {
            for (var i = 0; i < blocks; i++)
                area.Put(stack[i], order);
        }
        ZoneLock.Release(ref area.Lock);
        var left = list->Count - blocks;
        new Span<uint>(stack + blocks, left).CopyTo(new Span<uint>(stack, left));
        list->Count = left;
    }

    // Called with an empty list.
    private void Refill(MemoryZone zone, PerCpuList* list, int order, int type)
    {
        var area = zone.Area;
        var taken = 0;
        var wanted = Math.Min(list->Batch, _refill);
        if (_refill < LargestRefill)
            _refill++;
        ZoneLock.Acquire(ref area.Lock);
        if (order < GroupMask.Order)
        {
            taken = area.TakeManyAny(order, type, list->Stack, wanted);
        }
        else
        {
            while (taken < wanted && area.TryTakeAny(order, type, out var frame))
                list->Stack[taken++] = frame;
        }
        ZoneLock.Release(ref area.Lock);
        if (order >= GroupMask.Order)
            new Span<uint>(list->Stack, taken).Reverse();
        list->Count = taken;
    }

    // rmqueue: from the CPU's list where the order has one, else from the zone.
    private bool TryTake(MemoryZone zone, int order, int type, out uint index)
    {
        var list = ListOf(zone.Number, order, type);
        if (list->High != 0)
        {
            EnterGate();
            if (list->Count == 0)
                Refill(zone, list, order, type);
            var found = list->Count != 0;
            index = found ? list->Stack[--list->Count] : 0;
            Volatile.Write(ref _gate->Busy, 0);
            return found;
        }
        var area = zone.Area;
        ZoneLock.Acquire(ref area.Lock);
        var taken = area.TryTakeAny(order, type, out index);
        ZoneLock.Release(ref area.Lock);
        return taken;
    }

    private void Put(MemoryZone zone, uint index, int order)
    {
        var block = _blocks[index >> _blockOrder];
        if (PageBlocks.IsListed(block))
        {
            var list = ListOf(zone.Number, order, block & PageBlocks.TypeMask);
            if (list->High != 0)
            {
                EnterGate();
                if (list->Count >= list->High)
                    Flush(zone, list, order, list->Batch);
                list->Stack[list->Count++] = index;
                Volatile.Write(ref _gate->Busy, 0);
                return;
            }
        }
        var area = zone.Area;
        ZoneLock.Acquire(ref area.Lock);
        area.Put(index, order);
        ZoneLock.Release(ref area.Lock);
    }
}
