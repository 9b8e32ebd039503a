using System;
using System.Numerics;
using System.Runtime.Intrinsics;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>When large blocks run out: the CPU's lists of large orders become a small buddy system of their own.</summary>
/// <remarks>
/// <para>A list keeps blocks from merging. That costs nothing while there are enough; when there are not, requests fail for it, and giving the lists back before
/// each failure costs more than the requests do. So when a request above order 3 finds nothing, memory of its type is tight for a while: a freed block of an
/// order from 3 up to below the request's looks for its buddy first, among the list's few blocks and in the zone. A request splits
/// the CPU's own larger block when the zone has none. Neither takes the zone's lock.</para>
/// <para>A costly request (order 4 and up) does not get the last <see cref="ReservedBlocks"/> blocks of order 3 by merging, and a block of order 4 that is freed makes them up
/// first: requests that are not costly, of which the kernel promises most, find memory where a costly one that cannot sleep does not. As one block of order 4
/// is two requests of order 3, fewer requests fail in all than in a buddy system that keeps nothing. A request that may sleep drains the lists first.</para>
/// </remarks>
public sealed unsafe partial class Cpu
{
    // Lists from this order on are short enough to be searched: 48 blocks and less.
    private const int MergingOrder = PerCpuList.CostlyOrder;

    private const int ReservedBlocks = 4;

    // Memory stays tight for this many frees of large blocks after the last failure.
    private const int TightFrees = 1024;

    private readonly Tightness[] _tight;

    // Of a zone and type: frees to go, and the order that failed; lists below it merge.
    private struct Tightness
    {
        public int FreesLeft;

        public int Order;
    }

    private ref Tightness TightOf(int zone, int type) => ref _tight[(zone * PerCpuList.TypesPerOrder) + type];

    // Called with the gate held.
    private void BecomeTight(MemoryZone zone, int order, int type)
    {
        ref var tight = ref TightOf(zone.Number, type);
        tight.FreesLeft = TightFrees;
        if (tight.Order < order)
        {
            for (var at = MergingOrder; at < order; at++)
                ListOf(zone.Number, at, type)->High = 0;
            tight.Order = order;
            MergeOwn(zone, order, type);
        }
        AskForReserve(zone, type);
    }

    // Blocks of order 4 go through the slow path as long as the reserve wants one.
    private void AskForReserve(MemoryZone zone, int type)
    {
        var next = ListOf(zone.Number, MergingOrder + 1, type);
        if (TightOf(zone.Number, type).Order == MergingOrder + 1)
            next->High = ListOf(zone.Number, MergingOrder, type)->Count < ReservedBlocks ? 0 : next->Full;
    }

    private void Relax(MemoryZone zone, int type)
    {
        TightOf(zone.Number, type) = default;
        for (var order = MergingOrder; order < PerCpuList.Orders; order++)
        {
            var list = ListOf(zone.Number, order, type);
            list->High = list->Full;
        }
    }

    // A free to a list whose High is 0: it merges as far as the lists go, then as far as the zone's blocks do.
    private void PutTight(MemoryZone zone, PerCpuList* list, uint index, int order, int type)
    {
        if (--TightOf(zone.Number, type).FreesLeft <= 0)
        {
            Relax(zone, type);
            Push(zone, list, index, order);
            return;
        }
        var smaller = list - PerCpuList.TypesPerOrder;
        if (order == MergingOrder + 1 && smaller->Count + 2 <= ReservedBlocks)
        {
            Push(zone, smaller, index + (1u << MergingOrder), MergingOrder);
            Push(zone, smaller, index, MergingOrder);
            AskForReserve(zone, type);
            return;
        }
        // In a pageblock all is of one type; beyond it blocks are the zone's to merge.
        for (; list->High == 0 && order < _blockOrder && list->Count > ReserveOf(order); order++, list += PerCpuList.TypesPerOrder)
        {
            var size = 1u << order;
            var buddy = Find(list, 0, index ^ size);
            if (buddy < 0 && zone.Area.IsFree(index ^ size, order))
            {
                PutInZone(zone, index, order);
                return;
            }
            if (buddy < 0)
                break;
            RemoveAt(list, buddy);
            index &= ~size;
        }
        if (list->Full == 0)
            PutInZone(zone, index, order);
        else
            Push(zone, list, index, order);
        AskForReserve(zone, type);
    }

    private static int ReserveOf(int order) => order == MergingOrder ? ReservedBlocks : 0;

    // For a request that the zone has no block for. The upper halves stay in the lists, all of which are empty up to the block's order.
    private bool TrySplitOwn(MemoryZone zone, int order, int type)
    {
        for (var from = order + 1; from <= _map.MaxOrder; from++)
        {
            var larger = ListOf(zone.Number, from, type);
            if (larger->Count == 0)
                continue;
            var index = larger->Stack[--larger->Count];
            while (--from >= order)
                Push(zone, ListOf(zone.Number, from, type), index + (1u << from), from);
            Push(zone, ListOf(zone.Number, order, type), index, order);
            return true;
        }
        return false;
    }

    // What the lists hold in pairs when memory becomes tight; later each free merges for itself.
    private void MergeOwn(MemoryZone zone, int order, int type)
    {
        for (var at = MergingOrder; at < Math.Min(order, _blockOrder); at++)
        {
            var list = ListOf(zone.Number, at, type);
            while (list->Count - 2 >= ReserveOf(at) && TryTakePair(list, 1u << at, out var index))
            {
                var next = ListOf(zone.Number, at + 1, type);
                if (next->Full == 0)
                    PutInZone(zone, index, at + 1);
                else
                    Push(zone, next, index, at + 1);
            }
        }
    }

    private static bool TryTakePair(PerCpuList* list, uint size, out uint index)
    {
        for (var i = 0; i < list->Count - 1; i++)
        {
            index = list->Stack[i];
            var at = Find(list, i + 1, index ^ size);
            if (at < 0)
                continue;
            index &= ~size;
            RemoveAt(list, at);
            RemoveAt(list, i);
            return true;
        }
        index = 0;
        return false;
    }

    private static int Find(PerCpuList* list, int from, uint wanted)
    {
        var stack = list->Stack;
        var count = list->Count;
        var all = Vector256.Create(wanted);
        for (; from <= count - Vector256<uint>.Count; from += Vector256<uint>.Count)
        {
            var equal = Vector256.Equals(Vector256.Load(stack + from), all).ExtractMostSignificantBits();
            if (equal != 0)
                return from + BitOperations.TrailingZeroCount(equal);
        }
        for (; from < count; from++)
        {
            if (stack[from] == wanted)
                return from;
        }
        return -1;
    }

    // What was freed last stays on top.
    private static void RemoveAt(PerCpuList* list, int at)
    {
        list->Count--;
        for (; at < list->Count; at++)
            list->Stack[at] = list->Stack[at + 1];
    }
}
