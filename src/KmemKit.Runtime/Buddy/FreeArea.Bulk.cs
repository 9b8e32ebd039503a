using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace KmemKit.Runtime.Buddy;

/// <summary>Many blocks of one order below 6 at a time: whole words of a group's mask move between the buddy lists and a CPU's stack (<c>rmqueue_bulk</c>, <c>free_pcppages_bulk</c>).</summary>
internal sealed unsafe partial class FreeArea
{
    /// <summary>Takes up to <paramref name="wanted"/> blocks of a type, out of the smallest blocks first.</summary>
    /// <param name="order">0 to 5.</param>
    /// <param name="type">The list.</param>
    /// <param name="frames">Room for them; each group's lowest block comes last, so that a stack gives rising frames.</param>
    /// <param name="wanted">At most so many.</param>
    /// <returns>How many there were.</returns>
    public int TakeMany(int order, int type, uint* frames, int wanted)
    {
        var taken = 0;
        while (taken < wanted)
        {
            var orders = _header->NonEmpty[type] >> order;
            if (orders == 0)
                break;
            var from = order + BitOperations.TrailingZeroCount(orders);
            var (group, starts) = from < GroupMask.Order
                ? TakeStartsOfGroup(order, from, type, wanted - taken)
                : TakeStartsOfWhole(order, from, type, wanted - taken);
            Push(frames + taken, _base + (group << GroupMask.Order), starts);
            taken += BitOperations.PopCount(starts);
        }
        Uncharge(type, (long)taken << order);
        return taken;
    }

    /// <summary>Frees blocks of an order below 6, neighbours on the stack that share a group in one step.</summary>
    /// <remarks>
    /// What the counts change by is summed up here and settled once, and what a block merges to is worked out without a branch: in memory that is half free whether a buddy
    /// is, is a coin toss, and each count would wait for the store of the block before.
    /// </remarks>
    public void PutMany(uint* frames, int count, int order)
    {
        var ones = GroupMask.Ones(order);
        var unmerged = Merges(order, 0);
        var change = Vector256<uint>.Zero;
        var type = -1;
        var pages = 0L;
        for (var at = 0; at < count;)
        {
            var frame = frames[at] - _base;
            var group = frame >> GroupMask.Order;
            var position = (int)(frame & 63);
            var bits = ones << position;
            var next = at + 1;
            while (next < count && (frames[next] - _base) >> GroupMask.Order == group)
                bits |= ones << (int)(frames[next++] & 63);
            if (TypeAt(frame) is var own && own != type)
            {
                Settle(type, change, pages);
                (type, change, pages) = (own, Vector256<uint>.Zero, 0);
            }
            pages += (long)(next - at) << order;
            var merged = _masks[group] | bits;
            if (next != at + 1)
            {
                PutBits(group, bits, type);
            }
            else if (merged == ulong.MaxValue)
            {
                change += Merges(GroupMask.Order, 0) - unmerged;
                _masks[group] = 0;
                PutWhole(group, GroupMask.Order, type);
            }
            else
            {
                var to = GroupMask.OrderAt(merged, position);
                change += Merges(to, 1) - unmerged;
                _masks[group] = merged;
                Index(to, type)->Add(group);
            }
            at = next;
        }
        Settle(type, change, pages);
    }

    // Orders 0 to 7 at once: a block that becomes one of an order has met a buddy of each order below, which is no block any more.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Merges(int order, uint blocks)
    {
        var orders = Vector256.Create(0u, 1, 2, 3, 4, 5, 6, 7);
        var to = Vector256.Create((uint)order);
        return Vector256.LessThan(orders, to) + (Vector256.Equals(orders, to) & Vector256.Create(blocks));
    }

    private void Settle(int type, Vector256<uint> change, long pages)
    {
        if (type < 0)
            return;
        Charge(type, pages);
        CountAll(type, change.GetLower(), change.GetUpper());
    }

    // From the highest down.
    private static void Push(uint* frames, uint first, ulong starts)
    {
        if (starts == ulong.MaxValue)
        {
            for (var i = 0u; i < 64; i++)
                frames[i] = first + 63 - i;
            return;
        }
        while (starts != 0)
        {
            var highest = 63 - BitOperations.LeadingZeroCount(starts);
            *frames++ = first + (uint)highest;
            starts &= ~(1UL << highest);
        }
    }

    private (uint Group, ulong Starts) TakeStartsOfGroup(int order, int from, int type, int wanted)
    {
        var group = FindGroup(from, type, out var blocks);
        // All blocks where they are of the order that is wanted; else one, in pieces.
        if (from != order)
            blocks = GroupMask.Starts(order) & (GroupMask.Ones(from) << BitOperations.TrailingZeroCount(blocks));
        var starts = Lowest(blocks, wanted);
        if (from == order && starts == blocks)
            Index(order, type)->Remove(group);
        var mask = _masks[group];
        SetMask(group, mask, mask & ~(starts * GroupMask.Ones(order)), type);
        return (group, starts);
    }

    private (uint Group, ulong Starts) TakeStartsOfWhole(int order, int from, int type, int wanted)
    {
        var group = TakeWhole(GroupMask.Order, from, type);
        var all = GroupMask.Starts(order);
        var starts = Lowest(all, wanted);
        if (starts != all)
            SetMask(group, 0, ~(starts * GroupMask.Ones(order)), type);
        return (group, starts);
    }

    private void PutBits(uint group, ulong bits, int type)
    {
        var mask = _masks[group];
        var merged = mask | bits;
        if (merged != ulong.MaxValue)
        {
            SetMask(group, mask, merged, type);
            return;
        }
        if (mask != 0)
            SetMask(group, mask, 0, type);
        PutWhole(group, GroupMask.Order, type);
    }

    private static ulong Lowest(ulong bits, int wanted)
    {
        if (wanted >= BitOperations.PopCount(bits))
            return bits;
        if (Bmi2.X64.IsSupported)
            return Bmi2.X64.ParallelBitDeposit((1UL << wanted) - 1, bits);
        var lowest = 0UL;
        for (; wanted > 0; wanted--, bits &= bits - 1)
            lowest |= bits & ~(bits - 1);
        return lowest;
    }
}
