using System;
using System.Collections.Generic;

namespace KmemKit.Conformance.Allocators;

/// <summary>Who has which bytes: the model that an allocator is held against.</summary>
/// <remarks>Blocks are disjoint and rise, first bytes in one list and blocks in the other: some thousands of them, for which moving a list's end is cheaper than a tree.</remarks>
internal sealed class BlockMap
{
    private readonly List<ulong> _starts = [];
    private readonly List<TakenBlock> _blocks = [];

    public int Count => _blocks.Count;

    /// <summary>A block that shares a byte with some, at least one, that start at an address; null for none.</summary>
    public TakenBlock? Overlapping(ulong address, ulong bytes)
    {
        // The last block that starts at or below the last byte reaches highest.
        var at = _starts.BinarySearch(address + (bytes - 1));
        at = at < 0 ? ~at - 1 : at;
        return at >= 0 && _blocks[at].Last >= address ? _blocks[at] : null;
    }

    /// <summary>Takes a block that shares nothing with any.</summary>
    public void Add(in TakenBlock block)
    {
        var at = _starts.BinarySearch(block.Address);
        if (at >= 0)
            throw new InvalidOperationException($"There is a block at 0x{block.Address:x}.");
        _starts.Insert(~at, block.Address);
        _blocks.Insert(~at, block);
    }

    public void Remove(in TakenBlock block)
    {
        var at = _starts.BinarySearch(block.Address);
        _starts.RemoveAt(at);
        _blocks.RemoveAt(at);
    }
}
