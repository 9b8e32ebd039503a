using System;
using System.Collections.Generic;

namespace KmemKit.Conformance.Allocators;

/// <summary>What the rules of allocators look at.</summary>
/// <param name="Create">Makes a fresh one.</param>
public sealed record AllocatorContext(Func<IAllocatorSubject> Create);

/// <summary>A block that is taken.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Bytes asked for.</param>
/// <param name="Mark">What it is filled with.</param>
internal readonly record struct TakenBlock(ulong Address, ulong Bytes, ulong Mark)
{
    public ulong Last => Address + (Bytes - 1);
}

/// <summary>Who has which bytes, by a sorted list: the model that an allocator is held against.</summary>
internal sealed class BlockMap
{
    private readonly SortedSet<TakenBlock> _blocks = new(Comparer<TakenBlock>.Create(static (a, b) => a.Address.CompareTo(b.Address)));

    public int Count => _blocks.Count;

    /// <summary>A block that shares a byte; null for none.</summary>
    public TakenBlock? Overlapping(ulong address, ulong bytes)
    {
        // Blocks are disjoint, so that the last one which starts at or below the last byte reaches highest.
        // A view's count is found by walking it; its maximum is not, and no block starts at 0 with 0 bytes.
        var nearest = _blocks.GetViewBetween(default, new TakenBlock(address + (bytes - 1), 1, 0)).Max;
        return nearest.Bytes > 0 && nearest.Last >= address ? nearest : null;
    }

    public void Add(TakenBlock block) => _blocks.Add(block);

    public void Remove(TakenBlock block) => _blocks.Remove(block);
}
