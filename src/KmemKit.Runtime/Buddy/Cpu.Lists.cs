using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Between the CPU's lists and the zones: refill, flush, drain.</summary>
public sealed unsafe partial class Cpu
{
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
        FlushAll(PerCpuList.Orders);
        Volatile.Write(ref _gate->Drain, 0);
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

    private void FlushAll(int orders)
    {
        foreach (var zone in _allocator.ZoneArray)
        {
            for (var order = 0; order < orders; order++)
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PutInList(MemoryZone zone, PerCpuList* list, uint index, int order, int type)
    {
        if (list->High == 0)
            PutTight(zone, list, index, order, type);
        else
            Push(zone, list, index, order);
    }

    private static void Push(MemoryZone zone, PerCpuList* list, uint index, int order)
    {
        if (list->Count >= list->Full)
        {
            if (list->Full == 0)
            {
                PutInZone(zone, index, order);
                return;
            }
            Flush(zone, list, order, list->Batch);
        }
        list->Stack[list->Count++] = index;
    }

    // Called with an empty list: from the zone, then from what the CPU has in lists of larger orders.
    private void FillList(MemoryZone zone, PerCpuList* list, int order, int type)
    {
        if (zone.Area.HasAnyBlock(order))
            Refill(zone, list, order, type);
        if (list->Count == 0)
            TrySplitOwn(zone, order, type);
    }

    private static void Refill(MemoryZone zone, PerCpuList* list, int order, int type)
    {
        var area = zone.Area;
        var (taken, wanted) = (0, list->Batch);
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
        if (list->Full != 0)
        {
            EnterGate();
            if (list->Count == 0)
                FillList(zone, list, order, type);
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
            if (list->Full != 0)
            {
                EnterGate();
                PutInList(zone, list, index, order, block & PageBlocks.TypeMask);
                Volatile.Write(ref _gate->Busy, 0);
                return;
            }
        }
        PutInZone(zone, index, order);
    }

    private static void PutInZone(MemoryZone zone, uint index, int order)
    {
        var area = zone.Area;
        ZoneLock.Acquire(ref area.Lock);
        area.Put(index, order);
        ZoneLock.Release(ref area.Lock);
    }
}
