using System;
using System.Numerics;

namespace KmemKit.Runtime.Buddy;

/// <summary>The invariants, checked frame by frame: for tests and Debug.</summary>
internal sealed unsafe partial class FreeArea
{
    /// <summary>Throws when an invariant does not hold; marks each free frame.</summary>
    /// <param name="free">By frame: set for each free one. All clear on entry.</param>
    /// <exception cref="InvalidOperationException">The lists are damaged; the text says where.</exception>
    public void Verify(Span<bool> free)
    {
        Span<uint> counts = stackalloc uint[Types * OrderSlots];
        counts.Clear();
        for (var group = 0u; group < _frames >> GroupMask.Order; group++)
            VerifyGroup(group, counts, free);
        for (var type = 0; type < Types; type++)
        {
            for (var order = GroupMask.Order; order <= _maxOrder; order++)
            {
                for (var block = 0u; block < MembersOf(_frames, order); block++)
                {
                    if (!Index(order, type)->Contains(block))
                        continue;
                    counts[(type * OrderSlots) + order]++;
                    VerifyBlock(block, order, type, free);
                }
            }
        }
        var pages = 0L;
        for (var type = 0; type < Types; type++)
        {
            for (var order = 0; order <= _maxOrder; order++)
            {
                var count = counts[(type * OrderSlots) + order];
                Expect(count == _count[(type * OrderSlots) + order], $"order {order} of type {type} has {count} blocks, its count says {_count[(type * OrderSlots) + order]}");
                Expect((_header->NonEmpty[type] >> order & 1) != 0 == (count != 0), $"order {order} of type {type}: the summary is wrong");
                pages += type == (int)MigrateType.Isolate ? 0 : (long)count << order;
            }
        }
        Expect(pages == FreePages, $"{pages} pages are free, the count says {FreePages}");
    }

    private void VerifyGroup(uint group, Span<uint> counts, Span<bool> free)
    {
        var mask = _masks[group];
        Expect(mask != ulong.MaxValue, $"group {group} is free as a whole and not a block of order 6");
        var type = TypeAt(group << GroupMask.Order);
        for (var order = 0; order < GroupMask.Order; order++)
        {
            var blocks = (uint)BitOperations.PopCount(GroupMask.BlocksOf(mask, order));
            counts[(type * OrderSlots) + order] += blocks;
            Expect(blocks == 0 || Index(order, type)->Contains(group), $"group {group} has blocks of order {order} that the index of type {type} does not know");
        }
        for (; mask != 0; mask &= mask - 1)
            free[(int)((group << GroupMask.Order) + (uint)BitOperations.TrailingZeroCount(mask))] = true;
    }

    private void VerifyBlock(uint block, int order, int type, Span<bool> free)
    {
        var first = block << order;
        Expect(TypeAt(first) == type, $"block {block} of order {order} is on the list of type {type}, its pageblock is of type {TypeAt(first)}");
        var frames = free.Slice((int)first, 1 << order);
        var twice = frames.IndexOf(true);
        Expect(twice < 0, $"frame {first + twice} is in two free blocks");
        frames.Fill(true);
        if (order == _maxOrder)
            return;
        var buddy = block ^ 1;
        var buddyType = TypeAt(buddy << order);
        var merge = buddyType == type || (IsMergeable(type) && IsMergeable(buddyType));
        Expect(!merge || !Index(order, buddyType)->Contains(buddy), $"block {block} of order {order} and its buddy are both free");
    }

    private static void Expect(bool holds, string what)
    {
        if (!holds)
            throw new InvalidOperationException("The buddy lists are damaged: " + what + ".");
    }
}
