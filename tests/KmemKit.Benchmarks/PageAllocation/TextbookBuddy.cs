using System;
using System.Collections.Generic;

namespace KmemKit.Benchmarks.PageAllocation;

/// <summary>The buddy system as the textbook has it (Knuth, The Art of Computer Programming 1, 2.5): merges at once, keeps nothing back, has no zones and no marks.</summary>
/// <remarks>How many requests of a trace it fails is what an allocator with CPU lists and reserves is held against. It is not meant to be fast.</remarks>
internal sealed class TextbookBuddy
{
    private readonly int _maxOrder;
    private readonly LinkedList<uint>[] _lists;
    private readonly LinkedListNode<uint>?[] _nodes;
    private readonly sbyte[] _orders;

    /// <param name="frames">Pages, none of which is free yet; a multiple of the largest block.</param>
    /// <param name="maxOrder">Of the largest block.</param>
    public TextbookBuddy(uint frames, int maxOrder)
    {
        _maxOrder = maxOrder;
        _lists = new LinkedList<uint>[maxOrder + 1];
        _nodes = new LinkedListNode<uint>?[frames];
        _orders = new sbyte[frames];
        Array.Fill(_orders, (sbyte)-1);
        for (var order = 0; order <= maxOrder; order++)
            _lists[order] = new LinkedList<uint>();
    }

    /// <summary>The first page of a block, or null.</summary>
    public uint? Take(int order)
    {
        var from = order;
        while (from <= _maxOrder && _lists[from].Count == 0)
            from++;
        if (from > _maxOrder)
            return null;
        var at = _lists[from].First!.Value;
        Remove(at, from);
        while (from > order)
            Add(at + (1u << --from), from);
        return at;
    }

    /// <summary>Gives a block back.</summary>
    public void Put(uint at, int order)
    {
        while (order < _maxOrder && _orders[at ^ (1u << order)] == order)
        {
            Remove(at ^ (1u << order), order);
            at &= ~(1u << order++);
        }
        Add(at, order);
    }

    private void Add(uint at, int order)
    {
        _orders[at] = (sbyte)order;
        _nodes[at] = _lists[order].AddFirst(at);
    }

    private void Remove(uint at, int order)
    {
        _orders[at] = -1;
        _lists[order].Remove(_nodes[at]!);
        _nodes[at] = null;
    }
}
