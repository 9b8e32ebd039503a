using System;
using System.Numerics;

namespace KmemKit.Runtime.Buddy;

/// <summary>Many single frames at a time: whole words of a group's mask move between the buddy lists and a CPU's stack (<c>rmqueue_bulk</c>, <c>free_pcppages_bulk</c>).</summary>
internal sealed unsafe partial class FreeArea
{
    /// <summary>Takes up to <paramref name="wanted"/> single frames of a type, from the smallest blocks first.</summary>
    /// <param name="type">The list.</param>
    /// <param name="frames">Room for them; each block's lowest frame comes last, so that a stack gives rising frames.</param>
    /// <param name="wanted">At most so many.</param>
    /// <returns>How many there were.</returns>
    public int TakeSingles(int type, uint* frames, int wanted)
    {
        var taken = 0;
        while (taken < wanted)
        {
            var orders = _header->NonEmpty[type];
            if (orders == 0)
                break;
            var order = BitOperations.TrailingZeroCount(orders);
            var (group, bits) = order < GroupMask.Order
                ? TakeBitsOfGroup(order, type, wanted - taken)
                : TakeBitsOfWhole(order, type, wanted - taken);
            Push(frames + taken, _base + (group << GroupMask.Order), bits);
            taken += BitOperations.PopCount(bits);
        }
        Uncharge(type, taken);
        return taken;
    }

    /// <summary>Frees single frames, neighbours on the stack that share a group in one step.</summary>
    public void PutSingles(uint* frames, int count)
    {
        for (var at = 0; at < count;)
        {
            var frame = frames[at] - _base;
            var group = frame >> GroupMask.Order;
            var bits = 1UL << (int)(frame & 63);
            var next = at + 1;
            while (next < count && (frames[next] - _base) >> GroupMask.Order == group)
                bits |= 1UL << (int)(frames[next++] & 63);
            var type = TypeAt(frame);
            Charge(type, next - at);
            if (next == at + 1)
                PutBlock(frame, 0, type);
            else
                PutBits(group, bits, type);
            at = next;
        }
    }

    private static void Push(uint* frames, uint first, ulong bits)
    {
        if (bits == ulong.MaxValue)
        {
            for (var i = 0u; i < 64; i++)
                frames[i] = first + 63 - i;
            return;
        }
        // From the highest bit down.
        while (bits != 0)
        {
            var highest = 63 - BitOperations.LeadingZeroCount(bits);
            *frames++ = first + (uint)highest;
            bits &= ~(1UL << highest);
        }
    }

    private (uint Group, ulong Bits) TakeBitsOfGroup(int order, int type, int wanted)
    {
        var group = FindGroup(order, type, out var blocks);
        var mask = _masks[group];
        ulong bits;
        if (order == 0)
        {
            bits = Lowest(blocks, wanted);
            if (bits == blocks)
                Index(0, type)->Remove(group);
            CountDown(type, 0, (uint)BitOperations.PopCount(bits));
            _masks[group] = mask & ~bits;
            return (group, bits);
        }
        bits = GroupMask.Ones(order) << BitOperations.TrailingZeroCount(blocks);
        if (wanted < 1 << order)
            bits = Lowest(bits, wanted);
        SetMask(group, mask, mask & ~bits, type);
        return (group, bits);
    }

    private (uint Group, ulong Bits) TakeBitsOfWhole(int order, int type, int wanted)
    {
        var group = TakeWhole(GroupMask.Order, order, type);
        if (wanted >= 64)
            return (group, ulong.MaxValue);
        var bits = (1UL << wanted) - 1;
        SetMask(group, 0, ~bits, type);
        return (group, bits);
    }

    private void PutBits(uint group, ulong bits, int type)
    {
        var mask = _masks[group];
        if ((mask | bits) != ulong.MaxValue)
        {
            SetMask(group, mask, mask | bits, type);
            return;
        }
        SetMask(group, mask, 0, type);
        PutWhole(group, GroupMask.Order, type);
    }

    // Stores a group's word and brings counts and indexes to what it says.
    private void SetMask(uint group, ulong old, ulong mask, int type)
    {
        _masks[group] = mask;
        var before = GroupMask.CountBlocks(old);
        var after = GroupMask.CountBlocks(mask);
        for (var order = 0; order < GroupMask.Order; order++, before >>= 8, after >>= 8)
        {
            var (was, now) = ((uint)(before & 0xff), (uint)(after & 0xff));
            if (now > was)
                CountUp(type, order, now - was);
            else if (now < was)
                CountDown(type, order, was - now);
            if (now > was)
                Index(order, type)->Add(group);
        }
    }

    private static ulong Lowest(ulong bits, int wanted)
    {
        var excess = BitOperations.PopCount(bits) - wanted;
        for (; excess > 0; excess--)
            bits &= ~(1UL << (63 - BitOperations.LeadingZeroCount(bits)));
        return bits;
    }
}
