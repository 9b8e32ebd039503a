using System;
using System.Numerics;

namespace KmemKit.Runtime.Buddy;

/// <summary>Free blocks by place instead of by size: what isolation, contiguous allocation and compaction need (<c>PageBuddy</c>, <c>__isolate_free_page</c>).</summary>
internal sealed unsafe partial class FreeArea
{
    /// <summary>The free block that holds a frame.</summary>
    /// <returns>False where the frame is not free in the zone; it may still wait in a CPU's list.</returns>
    public bool TryFindFree(uint frame, out uint first, out int order)
    {
        var found = TryFind(frame - _base, out first, out order);
        first += _base;
        return found;
    }

    /// <summary>Takes a block that <see cref="TryFindFree"/> found out of its list.</summary>
    public void TakeBlock(uint first, int order)
    {
        first -= _base;
        var type = TypeAt(first);
        if (order < GroupMask.Order)
            _masks[first >> GroupMask.Order] &= ~(GroupMask.Ones(order) << (int)(first & 63));
        else
            Index(order, type)->Remove(first >> order);
        CountDown(type, order);
        Uncharge(type, 1L << order);
    }

    /// <summary>Takes all frames of a row whose pageblocks are isolated, when every one of them is free; else none (<c>test_pages_isolated</c>, <c>isolate_freepages_range</c>).</summary>
    /// <param name="first">First frame.</param>
    /// <param name="end">Behind the last.</param>
    /// <param name="busy">The first frame that is not free in an isolated pageblock.</param>
    public bool TryTakeIsolated(uint first, uint end, out uint busy)
    {
        for (busy = first; busy < end;)
        {
            if (TypeOf(busy) != (int)MigrateType.Isolate || !TryFindFree(busy, out var head, out var order))
                return false;
            busy = head + (1u << order);
        }
        for (var at = first; at < end;)
        {
            TryFindFree(at, out var head, out var order);
            TakeBlock(head, order);
            var next = head + (1u << order);
            // A block that sticks out gives back what was not asked for.
            if (head < first)
                PutRange(head - _base, first - _base, order);
            if (next > end)
                PutRange(end - _base, next - _base, order);
            at = next;
        }
        return true;
    }

    /// <summary>A free frame of a type; false where it has none.</summary>
    public bool TryFirstOf(int type, out uint frame)
    {
        frame = 0;
        if (_header->NonEmpty[type] == 0)
            return false;
        var order = BitOperations.TrailingZeroCount(_header->NonEmpty[type]);
        if (order < GroupMask.Order)
        {
            frame = _base + (FindGroup(order, type, out _) << GroupMask.Order);
            return true;
        }
        var found = Index(order, type)->TryFirst(out var block);
        frame = _base + (block << order);
        return found;
    }

    private bool TryFind(uint frame, out uint first, out int order)
    {
        for (order = GroupMask.Order; order <= _maxOrder; order++)
        {
            first = frame >> order << order;
            if (Index(order, TypeAt(first))->Contains(frame >> order))
                return true;
        }
        var mask = _masks[frame >> GroupMask.Order];
        // The block is the largest aligned run of set bits around the frame.
        for (order = GroupMask.Order - 1; order >= 0; order--)
        {
            first = frame >> order << order;
            var run = GroupMask.Ones(order) << (int)(first & 63);
            if ((mask & run) == run)
                return true;
        }
        first = frame;
        order = 0;
        return false;
    }

    // The largest aligned blocks that the row is made of.
    private void PutRange(uint from, uint to, int largest)
    {
        while (from < to)
        {
            var order = Math.Min(largest, BitOperations.Log2(to - from));
            if (from != 0)
                order = Math.Min(order, BitOperations.TrailingZeroCount(from));
            Put(_base + from, order);
            from += 1u << order;
        }
    }

    private bool IsOfOneType(uint frame, int order, int type)
    {
        var end = (frame + (1u << order)) >> _blockOrder;
        for (var at = frame >> _blockOrder; at < end; at++)
        {
            if ((_blocks[at] & PageBlocks.TypeMask) != type)
                return false;
        }
        return true;
    }

    // A block above the pageblock order is looked up by its first pageblock. So where one pageblock of the largest block is set apart, none of this zone's
    // in it is freed to a CPU list, and the lock sees to it that each half goes to its own kind.
    private void MarkNeighbours(uint frame)
    {
        var first = frame >> _maxOrder << (_maxOrder - _blockOrder);
        var end = first + (1u << (_maxOrder - _blockOrder));
        var zone = PageBlocks.ZoneOf(_blocks[frame >> _blockOrder]);
        var isSetApart = false;
        for (var at = first; at < end; at++)
            isSetApart |= PageBlocks.ZoneOf(_blocks[at]) == zone && PageBlocks.IsSetApart(_blocks[at]);
        for (var at = first; at < end; at++)
        {
            if (PageBlocks.ZoneOf(_blocks[at]) != zone)
                continue;
            var word = PageBlocks.Word(zone, (MigrateType)(_blocks[at] & PageBlocks.TypeMask));
            _blocks[at] = isSetApart ? PageBlocks.BesideSetApart(word) : word;
        }
    }
}
