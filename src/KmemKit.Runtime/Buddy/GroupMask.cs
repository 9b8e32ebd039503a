using System;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace KmemKit.Runtime.Buddy;

/// <summary>
/// The buddies of 64 frames in one word: bit n is set when frame n of the group is free in a block below <see cref="Order"/>.
/// </summary>
/// <remarks>
/// <para>Which blocks the set bits make is not stored, it follows: a block of order k is an aligned run of 2^k set bits whose buddy run is not all set.
/// So two buddies can never both be on a free list, and merging below order 6 costs no store. A group that is free as a whole is not held here: its word is 0
/// and it is a block of order 6 or more in the zone's index.</para>
/// <para>Method: f(0) = word; f(k+1) = the even starts in f(k) whose buddy start is in f(k) as well. Blocks of order k = f(k) without the starts that f(k+1)
/// covers.</para>
/// </remarks>
internal static class GroupMask
{
    /// <summary>A whole group is a block of this order.</summary>
    public const int Order = 6;

    // The starts a run of 2^k can have: every 2^k-th bit.
    private const ulong Starts1 = 0x5555_5555_5555_5555;
    private const ulong Starts2 = 0x1111_1111_1111_1111;
    private const ulong Starts3 = 0x0101_0101_0101_0101;
    private const ulong Starts4 = 0x0001_0001_0001_0001;
    private const ulong Starts5 = 0x0000_0001_0000_0001;

    /// <summary>2^<paramref name="order"/> low bits set; orders 0 to 5.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Ones(int order) => (1UL << (1 << order)) - 1;

    // By order: every 2^k-th bit; of order 6, the one block there is.
    private static readonly ulong[] StartsByOrder = [ulong.MaxValue, Starts1, Starts2, Starts3, Starts4, Starts5, 1];

    /// <summary>The bits at which a block of <paramref name="order"/> can start; orders 0 to 6.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Starts(int order) => StartsByOrder[order];

    /// <summary>The first bits of the blocks of exactly <paramref name="order"/>.</summary>
    public static ulong BlocksOf(ulong mask, int order)
    {
        // Each step is taken when the order is above its own: a choice by arithmetic, for no predictor knows the order.
        var runs = mask;
        runs &= ((runs >> 1) & Starts1) | UnlessAbove(order, 0);
        runs &= ((runs >> 2) & Starts2) | UnlessAbove(order, 1);
        runs &= ((runs >> 4) & Starts3) | UnlessAbove(order, 2);
        runs &= ((runs >> 8) & Starts4) | UnlessAbove(order, 3);
        runs &= ((runs >> 16) & Starts5) | UnlessAbove(order, 4);
        var size = 1 << order;
        var merged = runs & (runs >> size) & Starts(order + 1);
        return runs & ~(merged | (merged << size));
    }

    /// <summary>The order of the block that a set bit is in; orders 0 to 5, so not of the group that is free as a whole.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int OrderAt(ulong mask, int position)
    {
        // Each aligned run around the bit contains the one before: as many as are all set. A sum and no branch, for no predictor knows it.
        var taken = ~mask;
        return IsZero((taken >> (position & ~1)) << 62) + IsZero((taken >> (position & ~3)) << 60) + IsZero((taken >> (position & ~7)) << 56)
            + IsZero((taken >> (position & ~15)) << 48) + IsZero((taken >> (position & ~31)) << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int IsZero(ulong bits) => bits == 0 ? 1 : 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong UnlessAbove(int order, int step) => ~unchecked((ulong)((long)(step - order) >> 63));

    /// <summary>How many blocks of each order 0 to 5 there are: order k in byte k.</summary>
    public static ulong CountBlocks(ulong mask)
    {
        var f1 = mask & (mask >> 1) & Starts1;
        var f2 = f1 & (f1 >> 2) & Starts2;
        var f3 = f2 & (f2 >> 4) & Starts3;
        var f4 = f3 & (f3 >> 8) & Starts4;
        var f5 = f4 & (f4 >> 16) & Starts5;
        var (n0, n1, n2) = (Count(mask), Count(f1), Count(f2));
        var (n3, n4, n5) = (Count(f3), Count(f4), Count(f5));
        return (n0 - (2 * n1)) | ((n1 - (2 * n2)) << 8) | ((n2 - (2 * n3)) << 16) | ((n3 - (2 * n4)) << 24) | ((n4 - (2 * n5)) << 32) | (n5 << 40);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Count(ulong mask) => (ulong)BitOperations.PopCount(mask);
}
