using System;
using System.Numerics;

namespace KmemKit.Runtime.Buddy;

/// <summary>When a type's own lists are empty: borrowing from another type, with its whole pageblock where that pays (<c>__rmqueue_fallback</c>).</summary>
/// <remarks>
/// The largest block of the other type is taken, so that few blocks are polluted; a movable request that cannot claim the pageblock takes the smallest
/// instead. The pageblock changes hands when at least half of it is free. The kernel also counts pages in use that are of a compatible kind; this
/// allocator does not know the kind of pages in use, so a pageblock changes hands a little later here.
/// </remarks>
internal sealed unsafe partial class FreeArea
{
    /// <summary>The type's own lists, then what it may fall back on.</summary>
    public bool TryTakeAny(int order, int type, out uint frame)
    {
        if (type == (int)MigrateType.Movable && DueFromCma > 0 && TryTake(order, (int)MigrateType.Cma, out frame))
            return true;
        while (!TryTake(order, type, out frame))
        {
            if (type == (int)MigrateType.Movable && TryTake(order, (int)MigrateType.Cma, out frame))
                return true;
            if (!TryFallBack(order, type, out frame, out var claimed))
                return false;
            if (!claimed)
                return true;
        }
        return true;
    }

    /// <summary>As <see cref="TakeMany"/>, with what the type may fall back on.</summary>
    public int TakeManyAny(int order, int type, uint* frames, int wanted)
    {
        var taken = 0;
        if (type == (int)MigrateType.Movable && DueFromCma is var due and > 0)
            taken = TakeMany(order, (int)MigrateType.Cma, frames, (int)Math.Min((due >> order) + 1, wanted));
        if (taken < wanted)
            taken += TakeMany(order, type, frames + taken, wanted - taken);
        while (taken < wanted)
        {
            var from = type;
            if (type == (int)MigrateType.Movable && HasBlock(order, (int)MigrateType.Cma))
            {
                from = (int)MigrateType.Cma;
            }
            else if (!TryFallBack(order, type, out var frame, out var claimed))
            {
                break;
            }
            else if (!claimed)
            {
                frames[taken++] = frame;
                continue;
            }
            taken += TakeMany(order, from, frames + taken, wanted - taken);
        }
        return taken;
    }

    /// <summary>Gives all free pages of a pageblock to another type (<c>move_freepages_block</c>, <c>set_pageblock_migratetype</c>).</summary>
    /// <param name="frame">Any frame of the pageblock.</param>
    /// <param name="type">The new type.</param>
    /// <returns>Free pages that moved.</returns>
    public uint Retype(uint frame, int type)
    {
        frame -= _base;
        return RetypeAt(frame & ~((1u << _blockOrder) - 1), type);
    }

    private uint RetypeAt(uint first, int type)
    {
        var old = TypeAt(first);
        if (old == type)
            return 0;
        // A free block larger than a pageblock holds others too: it is halved until this pageblock is a block of its own, or not free.
        SplitAbove(first);
        var moved = 0u;
        for (var order = _blockOrder; order >= GroupMask.Order; order--)
        {
            var end = (first + (1u << _blockOrder)) >> order;
            for (var block = first >> order; block < end; block++)
            {
                if (!Index(order, old)->Contains(block))
                    continue;
                Index(order, old)->Remove(block);
                CountDown(old, order);
                Index(order, type)->Add(block);
                CountUp(type, order);
                moved += 1u << order;
            }
        }
        var lastGroup = (first + (1u << _blockOrder)) >> GroupMask.Order;
        for (var group = first >> GroupMask.Order; group < lastGroup; group++)
        {
            var mask = _masks[group];
            if (mask == 0)
                continue;
            SetMask(group, mask, 0, old);
            SetMask(group, 0, mask, type);
            moved += (uint)BitOperations.PopCount(mask);
        }
        Uncharge(old, moved);
        Charge(type, moved);
        SetTypes(first, _blockOrder, type);
        // What was kept apart from its buddy may join it now.
        if (Index(_blockOrder, type)->Contains(first >> _blockOrder))
        {
            Index(_blockOrder, type)->Remove(first >> _blockOrder);
            CountDown(type, _blockOrder);
            PutWhole(first >> _blockOrder, _blockOrder, type);
        }
        return moved;
    }

    /// <summary>Free pages of the pageblock that starts at <paramref name="first"/>, where it is not part of a larger free block.</summary>
    private uint FreePagesOfBlock(uint first)
    {
        var free = 0u;
        var type = TypeAt(first);
        for (var order = GroupMask.Order; order <= _blockOrder; order++)
        {
            var end = (first + (1u << _blockOrder)) >> order;
            for (var block = first >> order; block < end; block++)
                free += Index(order, type)->Contains(block) ? 1u << order : 0;
        }
        var lastGroup = (first + (1u << _blockOrder)) >> GroupMask.Order;
        for (var group = first >> GroupMask.Order; group < lastGroup; group++)
            free += (uint)BitOperations.PopCount(_masks[group]);
        return free;
    }

    // Movable pages come from lent blocks as long as these hold more than half of what is free (__rmqueue), so that ordinary blocks last for the others.
    // Condition per page: cma > free / 2. k pages taken from both sides leave 2 (cma - k) > free - k, so that many are due.
    private long DueFromCma => _header->FreeCma == 0 ? 0 : (2 * _header->FreeCma) - FreePages;

    // mm/page_alloc.c, fallbacks[].
    private static (int First, int Second) FallbacksOf(int type) => (MigrateType)type switch
    {
        MigrateType.Unmovable => ((int)MigrateType.Reclaimable, (int)MigrateType.Movable),
        MigrateType.Movable => ((int)MigrateType.Reclaimable, (int)MigrateType.Unmovable),
        _ => ((int)MigrateType.Unmovable, (int)MigrateType.Movable),
    };

    private bool TryFallBack(int order, int type, out uint frame, out bool claimed)
    {
        var (first, second) = FallbacksOf(type);
        var orders = (_header->NonEmpty[first] | _header->NonEmpty[second]) >> order << order;
        frame = 0;
        claimed = false;
        if (orders == 0)
            return false;
        var largest = 31 - BitOperations.LeadingZeroCount(orders);
        // A movable request leaves a small block's pageblock alone, and then the smallest block does.
        var mayClaim = largest >= _blockOrder / 2 || type != (int)MigrateType.Movable;
        var from = mayClaim ? largest : BitOperations.TrailingZeroCount(orders);
        var other = (_header->NonEmpty[first] >> from & 1) != 0 ? first : second;
        if (mayClaim && TryClaim(from, other, type))
        {
            claimed = true;
            return true;
        }
        frame = _base + (from < GroupMask.Order ? TakeFromGroup(order, from, other) : TakeFromIndex(order, from, other));
        Uncharge(other, 1L << order);
        return true;
    }

    private bool TryClaim(int order, int other, int type)
    {
        uint at;
        if (order < GroupMask.Order)
            at = FindGroup(order, other, out _) << GroupMask.Order;
        else if (Index(order, other)->TryFirst(out var block))
            at = block << order;
        else
            return false;
        if (order >= _blockOrder)
        {
            // All of its pageblocks are free: they change type where they are.
            Index(order, other)->Remove(at >> order);
            CountDown(other, order);
            SetTypes(at, order, type);
            Index(order, type)->Add(at >> order);
            CountUp(type, order);
            return true;
        }
        var firstFrame = at & ~((1u << _blockOrder) - 1);
        if (IsShared(firstFrame) || FreePagesOfBlock(firstFrame) < 1u << (_blockOrder - 1))
            return false;
        RetypeAt(firstFrame, type);
        return true;
    }

    // A pageblock that two zones share keeps its type: the other zone's lists are not ours to move.
    private bool IsShared(uint frame) => PageBlocks.ZoneOf(_blocks[frame >> _blockOrder]) == PageBlocks.Shared;

    private void SplitAbove(uint first)
    {
        for (var order = _maxOrder; order > _blockOrder; order--)
        {
            var block = first >> order;
            var type = TypeAt(block << order);
            if (!Index(order, type)->Contains(block))
                continue;
            Index(order, type)->Remove(block);
            CountDown(type, order);
            for (var half = 0u; half < 2; half++)
            {
                var child = (block << 1) + half;
                var childType = TypeAt(child << (order - 1));
                Index(order - 1, childType)->Add(child);
                CountUp(childType, order - 1);
            }
        }
    }
}
