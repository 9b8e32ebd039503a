using System;
using System.Collections.Generic;
using System.Numerics;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Sharing;

/// <summary>The general-purpose allocator over a range of addresses (lib/genalloc.c): a bitmap of chunks, first fit.</summary>
/// <remarks>It touches nothing of what it gives: the range may be memory set aside, or a device's addresses. A free of what was not given, or by another size, is refused.</remarks>
public sealed class GenPool
{
    private readonly ulong[] _used;
    private readonly Dictionary<ulong, ulong> _given = [];
    private readonly int _chunks;

    /// <summary>An empty pool.</summary>
    /// <param name="name">For errors.</param>
    /// <param name="range">What it gives; edges are multiples of the chunk.</param>
    /// <param name="chunkBits">log2 of the chunk's bytes (min_alloc_order).</param>
    public GenPool(string name, PhysRange range, int chunkBits = 12)
    {
        if (range.IsEmpty || !range.Start.IsAligned(1UL << chunkBits) || range.Size.Value % (1UL << chunkBits) != 0 || range.Size.Value >> chunkBits > int.MaxValue)
            throw new ArgumentException($"The edges of {range} are no multiples of {1UL << chunkBits} bytes, or it has too many of them.", nameof(range));
        (Name, Range, ChunkBits) = (name, range, chunkBits);
        _chunks = (int)(range.Size.Value >> chunkBits);
        _used = new ulong[(_chunks + 63) / 64];
        Available = range.Size.Value;
    }

    /// <summary>For errors.</summary>
    public string Name { get; }

    /// <summary>What it gives.</summary>
    public PhysRange Range { get; }

    /// <summary>log2 of the chunk's bytes.</summary>
    public int ChunkBits { get; }

    /// <summary>Bytes that nobody has (gen_pool_avail).</summary>
    public ulong Available { get; private set; }

    /// <summary>Pieces that are given.</summary>
    public int Count => _given.Count;

    /// <summary>Takes a piece (gen_pool_alloc).</summary>
    /// <param name="bytes">At least 1; rounded up to chunks.</param>
    /// <param name="alignment">A power of two; the piece's address is a multiple of it.</param>
    /// <param name="address">Its first address.</param>
    /// <returns>False where no free stretch of that size and alignment is left.</returns>
    public bool TryAllocate(ulong bytes, ulong alignment, out PhysAddr address)
    {
        address = default;
        if (bytes == 0)
            throw new SharingException(SharingError.BadSize, Name, "0 bytes are asked for.");
        if (!BitOperations.IsPow2(alignment))
            throw new SharingException(SharingError.BadAlignment, Name, $"{alignment} is no power of two.");
        if (bytes > Range.Size.Value)
            return false;
        var count = (int)((bytes - 1) >> ChunkBits) + 1;
        var step = Math.Max(alignment, 1UL << ChunkBits);
        for (var at = (Range.Start.Value + (step - 1)) & ~(step - 1); at >= Range.Start.Value;)
        {
            var first = (at - Range.Start.Value) >> ChunkBits;
            if (first + (uint)count > (uint)_chunks)
                return false;
            var taken = LastUsed((int)first, count);
            if (taken < 0)
            {
                Mark((int)first, count, true);
                address = new PhysAddr(at);
                _given.Add(at, (ulong)count << ChunkBits);
                Available -= (ulong)count << ChunkBits;
                return true;
            }
            at = (Range.Start.Value + (((ulong)taken + 1) << ChunkBits) + (step - 1)) & ~(step - 1);
        }
        return false;
    }

    /// <summary>Gives a piece back (gen_pool_free).</summary>
    /// <exception cref="SharingException">It was not given, or in another size; nothing changed.</exception>
    public void Free(PhysAddr address, ulong bytes)
    {
        if (!_given.TryGetValue(address.Value, out var size))
            throw new SharingException(SharingError.BadHandle, Name, $"{address} was not given, or was given back already.");
        if (bytes == 0 || (((bytes - 1) >> ChunkBits) + 1) << ChunkBits != size)
            throw new SharingException(SharingError.BadSize, Name, $"the piece at {address} has {size} bytes, and {bytes} are given back.");
        _given.Remove(address.Value);
        Mark((int)((address.Value - Range.Start.Value) >> ChunkBits), (int)(size >> ChunkBits), false);
        Available += size;
    }

    private int LastUsed(int first, int count)
    {
        for (var i = first + count - 1; i >= first; i--)
        {
            if ((_used[i >> 6] & (1UL << i)) != 0)
                return i;
        }
        return -1;
    }

    private void Mark(int first, int count, bool used)
    {
        for (var i = first; i < first + count; i++)
            _used[i >> 6] = used ? _used[i >> 6] | (1UL << i) : _used[i >> 6] & ~(1UL << i);
    }
}
