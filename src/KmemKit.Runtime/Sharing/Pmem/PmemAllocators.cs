using System;
using System.Collections.Generic;
using System.Numerics;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Sharing.Pmem;

/// <summary>How a pmem device gives its carve-out away (enum pmem_allocator_type of msm's android_pmem.h).</summary>
public enum PmemAllocatorType
{
    /// <summary>PMEM_ALLOCATORTYPE_BITMAP: quanta of a page, first fit.</summary>
    Bitmap,

    /// <summary>PMEM_ALLOCATORTYPE_BUDDYBESTFIT: powers of two, the smallest free block that holds it; the rest of the block is lost while it is given.</summary>
    BuddyBestFit,

    /// <summary>PMEM_ALLOCATORTYPE_ALLORNOTHING: all of it to the first who asks.</summary>
    AllOrNothing,
}

/// <summary>A piece of a pmem device's memory.</summary>
internal interface IPmemAllocator
{
    /// <summary>Bytes that nobody has.</summary>
    ulong Available { get; }

    /// <summary>Takes a piece of at least <paramref name="bytes"/>, whole pages.</summary>
    bool TryAllocate(ulong bytes, out PhysRange piece);

    void Free(PhysRange piece);
}

/// <inheritdoc cref="PmemAllocatorType.Bitmap"/>
internal sealed class BitmapPmemAllocator(GenPool pool) : IPmemAllocator
{
    public ulong Available => pool.Available;

    public bool TryAllocate(ulong bytes, out PhysRange piece)
    {
        piece = default;
        if (!pool.TryAllocate(bytes, 1, out var address))
            return false;
        piece = new PhysRange(address, bytes);
        return true;
    }

    public void Free(PhysRange piece) => pool.Free(piece.Start, piece.Size.Value);
}

/// <inheritdoc cref="PmemAllocatorType.AllOrNothing"/>
internal sealed class WholePmemAllocator(PhysRange carveout) : IPmemAllocator
{
    private bool _given;

    public ulong Available => _given ? 0 : carveout.Size.Value;

    public bool TryAllocate(ulong bytes, out PhysRange piece)
    {
        piece = carveout;
        if (_given || bytes > carveout.Size.Value)
            return false;
        _given = true;
        return true;
    }

    public void Free(PhysRange piece) => _given = false;
}

/// <inheritdoc cref="PmemAllocatorType.BuddyBestFit"/>
/// <remarks>
/// The carve-out is cut into blocks of powers of two, largest first, each aligned to its size from the carve-out's start. A request takes the lowest block of the least order
/// that has one; a free block merges with its buddy.
/// </remarks>
internal sealed class BuddyPmemAllocator : IPmemAllocator
{
    private readonly PhysRange _carveout;
    private readonly int _pageBits;
    private readonly uint _pages;
    private readonly SortedSet<uint>[] _free;

    public BuddyPmemAllocator(PhysRange carveout, int pageBits)
    {
        _carveout = carveout;
        _pageBits = pageBits;
        _pages = (uint)(carveout.Size.Value >> pageBits);
        _free = new SortedSet<uint>[BitOperations.Log2(_pages) + 1];
        for (var i = 0; i < _free.Length; i++)
            _free[i] = [];
        for (var at = 0u; at < _pages;)
        {
            var order = Math.Min(at == 0 ? 31 : BitOperations.TrailingZeroCount(at), BitOperations.Log2(_pages - at));
            _free[order].Add(at);
            at += 1u << order;
        }
        Available = carveout.Size.Value;
    }

    public ulong Available { get; private set; }

    public bool TryAllocate(ulong bytes, out PhysRange piece)
    {
        piece = default;
        var order = bytes >> _pageBits <= 1 ? 0 : BitOperations.Log2((bytes >> _pageBits) - 1) + 1;
        var from = order;
        while (from < _free.Length && _free[from].Count == 0)
            from++;
        if (from >= _free.Length)
            return false;
        var at = _free[from].Min;
        _free[from].Remove(at);
        while (from > order)
        {
            from--;
            _free[from].Add(at + (1u << from));
        }
        Available -= 1UL << (order + _pageBits);
        piece = new PhysRange(_carveout.Start + ((ulong)at << _pageBits), 1UL << (order + _pageBits));
        return true;
    }

    public void Free(PhysRange piece)
    {
        var at = (uint)((piece.Start.Value - _carveout.Start.Value) >> _pageBits);
        var order = BitOperations.Log2(piece.Size.Value >> _pageBits);
        Available += piece.Size.Value;
        while (order < _free.Length - 1 && _free[order].Remove(at ^ (1u << order)))
        {
            at &= ~(1u << order);
            order++;
        }
        _free[order].Add(at);
    }
}
