using System;
using System.Numerics;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Iova;

/// <summary>
/// 2^20 granules of a device's address space (4 GiB of 4 KiB), as a binary buddy system: per order one <see cref="FreeIndex"/> of the free blocks.
/// </summary>
/// <remarks>
/// <para>Method: a request of n granules takes the lowest block of the least order that holds it and gives the part behind n back as blocks of falling orders,
/// so that a range is aligned to its size rounded up to a power of two (as the kernel's alloc_iova with size_aligned) and no granule is lost. A free splits
/// the range at the same places, and each block merges with its buddy as far up as that is free.</para>
/// <para>Costs: a walk over at most 21 orders whose top words are in one line each, whatever is in use. The tables are host memory that costs nothing until
/// touched: 256 KiB of bits and 1 MiB of cells (<see cref="IovaCell"/>) where all is in use.</para>
/// <para>Invariant: a granule is in exactly one free block, or in exactly one range whose length stands in the cell of its first granule, or set apart.</para>
/// </remarks>
internal sealed unsafe class IovaWindow : IDisposable
{
    /// <summary>log2 of a window's granules.</summary>
    public const int Bits = 20;

    /// <summary>Granules of a window.</summary>
    public const uint Granules = 1u << Bits;

    private readonly HostMapping _memory;
    private readonly FreeIndex[] _free = new FreeIndex[Bits + 1];
    private readonly byte* _cells;
    private uint _orders;

    /// <summary>A window of which the granules from <paramref name="first"/> to before <paramref name="end"/> are free.</summary>
    public IovaWindow(uint first, uint end)
    {
        var words = 0UL;
        for (var order = 0; order <= Bits; order++)
            words += FreeIndex.WordsFor(Granules >> order);
        _memory = new HostMapping((words * sizeof(ulong)) + Granules);
        var at = (ulong*)_memory.Base;
        for (var order = 0; order <= Bits; order++)
            at = _free[order].Place(at, Granules >> order);
        _cells = (byte*)at;
        GiveBlocks(first, end - first);
        Free = end - first;
    }

    /// <summary>Granules that no range has.</summary>
    public uint Free { get; private set; }

    /// <summary>Takes a range; false where no block is large enough and ends in front of <paramref name="limit"/>.</summary>
    /// <param name="count">Granules, 1 to 2^20.</param>
    /// <param name="limit">The first granule that may not be in the range.</param>
    /// <param name="first">The range's first granule.</param>
    public bool TryTake(uint count, uint limit, out uint first)
    {
        var least = BitOperations.Log2(count) + (BitOperations.IsPow2(count) ? 0 : 1);
        first = 0;
        // Least order first, so that large blocks stay whole; where an order's lowest block reaches beyond the limit, so do all of that order.
        for (var orders = _orders >> least << least; orders != 0; orders &= orders - 1)
        {
            var order = BitOperations.TrailingZeroCount(orders);
            _free[order].TryFirst(out var member);
            first = member << order;
            if (first + count > limit)
                continue;
            Remove(order, member);
            GiveBlocks(first + count, (1u << order) - count);
            IovaCell.Mark(_cells + first, count);
            Free -= count;
            return true;
        }
        return false;
    }

    /// <summary>A cell a granule; good until the window is disposed.</summary>
    public byte* Cells => _cells;

    /// <summary>Gives a range back.</summary>
    public void Give(uint first)
    {
        var count = IovaCell.LengthOf(_cells + first);
        IovaCell.Clear(_cells + first);
        GiveBlocks(first, count);
        Free += count;
    }

    /// <summary>Whether all of the granules are free.</summary>
    public bool IsFree(uint first, uint count)
    {
        for (var at = first; at < first + count;)
        {
            var order = OrderOfFreeBlockAt(at);
            if (order < 0)
                return false;
            at = ((at >> order) + 1) << order;
        }
        return true;
    }

    /// <summary>Sets free granules apart: no range will have them.</summary>
    public void Reserve(uint first, uint count)
    {
        var end = first + count;
        for (var at = first; at < end;)
        {
            var order = OrderOfFreeBlockAt(at);
            var block = at >> order << order;
            var blockEnd = block + (1u << order);
            Remove(order, at >> order);
            GiveBlocks(block, at - block);
            var stop = Math.Min(end, blockEnd);
            GiveBlocks(stop, blockEnd - stop);
            Free -= stop - at;
            at = stop;
        }
    }

    public void Dispose() => _memory.Dispose();

    /// <summary>The rules of the class, at every granule. For tests.</summary>
    public void Verify()
    {
        var free = 0u;
        for (var at = 0u; at < Granules;)
        {
            var order = OrderOfFreeBlockAt(at);
            if (order >= 0)
            {
                Check(at == at >> order << order, at, "is inside a free block that the walk did not start");
                for (var other = 0; other <= Bits; other++)
                    Check(other == order || !_free[other].Contains(at >> other), at, "is in two free blocks");
                Check(order == Bits || !_free[order].Contains((at >> order) ^ 1), at, "has a free buddy");
                for (var i = at; i < at + (1u << order); i++)
                    Check(_cells[i] == 0, i, "is free and is told to be of a range");
                free += 1u << order;
                at += 1u << order;
            }
            else
            {
                at += Math.Max(1, IovaCell.LengthOf(_cells + at));
            }
        }
        Check(free == Free, free, $"granules are free and {Free} are counted");
        for (var order = 0; order <= Bits; order++)
            Check(((_orders >> order) & 1) != 0 == _free[order].TryFirst(out _), (uint)order, "has a wrong summary");

        static void Check(bool holds, uint at, string what)
        {
            if (!holds)
                throw new InvalidOperationException($"granule 0x{at:x} {what}");
        }
    }

    private int OrderOfFreeBlockAt(uint granule)
    {
        for (var order = 0; order <= Bits; order++)
        {
            if (_free[order].Contains(granule >> order))
                return order;
        }
        return -1;
    }

    // Free granules as the largest aligned blocks there are, each merged upwards.
    private void GiveBlocks(uint first, uint count)
    {
        while (count != 0)
        {
            var order = Math.Min(first == 0 ? Bits : BitOperations.TrailingZeroCount(first), BitOperations.Log2(count));
            GiveBlock(first, order);
            first += 1u << order;
            count -= 1u << order;
        }
    }

    private void GiveBlock(uint first, int order)
    {
        var member = first >> order;
        while (order < Bits && _free[order].Contains(member ^ 1))
        {
            Remove(order, member ^ 1);
            member >>= 1;
            order++;
        }
        _free[order].Add(member);
        _orders |= 1u << order;
    }

    private void Remove(int order, uint member)
    {
        _free[order].Remove(member);
        if (!_free[order].TryFirst(out _))
            _orders &= ~(1u << order);
    }
}
