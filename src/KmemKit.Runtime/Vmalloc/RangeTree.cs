using System;
using System.Collections.Generic;
using System.Diagnostics.CodeAnalysis;

namespace KmemKit.Runtime.Vmalloc;

/// <summary>Disjoint ranges of virtual addresses by start, each with the largest size below it in the tree: the kernel's augmented tree of vmap areas.</summary>
/// <remarks>
/// <para>A treap (Seidel and Aragon, 1996): a search tree by start and a heap by random priority. Each node knows the largest range in its subtree, so the lowest
/// range that is large enough is found by one descent, as <c>find_vmap_lowest_match</c> of mm/vmalloc.c does:</para>
/// <code>
///   lowest(node):  largest below node too small?  none
///                  lowest(left), else node itself if it fits, else lowest(right)
/// </code>
/// <para>A range that is large enough but has no aligned place in it makes the search go on to the next one; where the kernel asks for size + align - 1 bytes
/// instead and passes over exact fits, this finds them. Nodes lie in arrays and are used again: nothing is allocated once those have grown.</para>
/// <para>Sizes are of bytes, below 2^64. Not thread-safe.</para>
/// </remarks>
/// <typeparam name="T">What is kept with a range.</typeparam>
internal sealed class RangeTree<T>
{
    private Node[] _nodes = new Node[16];
    private int _root = -1;
    private int _free = -1;
    private int _used;
    private uint _random = 0x9e3779b9;

    private struct Node
    {
        public ulong Start;
        public ulong Size;
        public ulong Largest;
        public uint Priority;
        public int Left;
        public int Right;
        public T Value;
    }

    /// <summary>Ranges in the tree.</summary>
    public int Count { get; private set; }

    /// <summary>The largest range in bytes.</summary>
    public ulong Largest => _root < 0 ? 0 : _nodes[_root].Largest;

    /// <summary>Adds a range, which must not overlap another one.</summary>
    public void Add(ulong start, ulong size, T value)
    {
        var at = NewNode(start, size, value);
        Split(_root, start, out var left, out var right);
        _root = Merge(Merge(left, at), right);
        Count++;
    }

    /// <summary>Takes the range out that starts at <paramref name="start"/>.</summary>
    /// <returns>False where none does.</returns>
    public bool Remove(ulong start)
    {
        var removed = false;
        _root = Remove(_root, start, ref removed);
        if (removed)
            Count--;
        return removed;
    }

    /// <summary>The range that <paramref name="address"/> lies in.</summary>
    public bool TryFind(ulong address, out ulong start, out ulong size, [MaybeNullWhen(false)] out T value)
    {
        if (TryFindAtOrBelow(address, out start, out size, out value) && address - start < size)
            return true;
        value = default;
        return false;
    }

    /// <summary>The last range that starts at or below <paramref name="address"/>.</summary>
    public bool TryFindAtOrBelow(ulong address, out ulong start, out ulong size, [MaybeNullWhen(false)] out T value)
    {
        var found = -1;
        for (var at = _root; at >= 0;)
        {
            ref var node = ref _nodes[at];
            if (node.Start <= address)
                found = at;
            at = node.Start <= address ? node.Right : node.Left;
        }
        return Give(found, out start, out size, out value);
    }

    /// <summary>The first range that starts above <paramref name="address"/>.</summary>
    public bool TryFindAbove(ulong address, out ulong start, out ulong size, [MaybeNullWhen(false)] out T value)
    {
        var found = -1;
        for (var at = _root; at >= 0;)
        {
            ref var node = ref _nodes[at];
            if (node.Start > address)
                found = at;
            at = node.Start > address ? node.Left : node.Right;
        }
        return Give(found, out start, out size, out value);
    }

    /// <summary>The lowest place of <paramref name="size"/> aligned bytes inside one range and inside the bounds.</summary>
    /// <param name="size">Bytes; not 0.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="low">No lower than this.</param>
    /// <param name="last">Its last byte is no higher than this.</param>
    /// <param name="place">The place.</param>
    public bool TryFindLowest(ulong size, ulong alignment, ulong low, ulong last, out ulong place) => Lowest(_root, size, alignment, low, last, out place);

    /// <summary>The highest such place.</summary>
    /// <inheritdoc cref="TryFindLowest"/>
    public bool TryFindHighest(ulong size, ulong alignment, ulong low, ulong last, out ulong place) => Highest(_root, size, alignment, low, last, out place);

    /// <summary>All ranges by rising start.</summary>
    public IEnumerable<(ulong Start, ulong Size, T Value)> InOrder()
    {
        var stack = new Stack<int>();
        for (var at = _root; at >= 0 || stack.Count > 0;)
        {
            for (; at >= 0; at = _nodes[at].Left)
                stack.Push(at);
            at = stack.Pop();
            yield return (_nodes[at].Start, _nodes[at].Size, _nodes[at].Value);
            at = _nodes[at].Right;
        }
    }

    private bool Give(int at, out ulong start, out ulong size, [MaybeNullWhen(false)] out T value)
    {
        if (at < 0)
        {
            (start, size, value) = (0, 0, default);
            return false;
        }
        (start, size, value) = (_nodes[at].Start, _nodes[at].Size, _nodes[at].Value);
        return true;
    }

    private bool Lowest(int at, ulong size, ulong alignment, ulong low, ulong last, out ulong place)
    {
        place = 0;
        if (at < 0 || _nodes[at].Largest < size)
            return false;
        ref var node = ref _nodes[at];
        if (node.Start > low && Lowest(node.Left, size, alignment, low, last, out place))
            return true;
        if (node.Start > last)
            return false;
        return Fits(node.Start, node.Size, size, alignment, low, last, out place) || Lowest(node.Right, size, alignment, low, last, out place);
    }

    private bool Highest(int at, ulong size, ulong alignment, ulong low, ulong last, out ulong place)
    {
        place = 0;
        if (at < 0 || _nodes[at].Largest < size)
            return false;
        ref var node = ref _nodes[at];
        if (node.Start <= last && Highest(node.Right, size, alignment, low, last, out place))
            return true;
        return FitsHigh(node.Start, node.Size, size, alignment, low, last, out place) || Highest(node.Left, size, alignment, low, last, out place);
    }

    private static bool FitsHigh(ulong start, ulong bytes, ulong size, ulong alignment, ulong low, ulong last, out ulong place)
    {
        var end = Math.Min(start + (bytes - 1), last);
        var from = Math.Max(start, low);
        place = 0;
        if (from > end || end - from < size - 1)
            return false;
        place = (end - (size - 1)) & ~(alignment - 1);
        return place >= from;
    }

    private static bool Fits(ulong start, ulong bytes, ulong size, ulong alignment, ulong low, ulong last, out ulong place)
    {
        // In last bytes instead of ends, which may be 2^64.
        var end = Math.Min(start + (bytes - 1), last);
        var from = Math.Max(start, low);
        place = 0;
        if (from > end || from > unchecked(0 - alignment))
            return false;
        place = (from + (alignment - 1)) & ~(alignment - 1);
        return place >= from && place <= end && end - place >= size - 1;
    }

    private int NewNode(ulong start, ulong size, T value)
    {
        var at = _free;
        if (at >= 0)
        {
            _free = _nodes[at].Left;
        }
        else
        {
            if (_used == _nodes.Length)
                Array.Resize(ref _nodes, 2 * _used);
            at = _used++;
        }
        _random ^= _random << 13;
        _random ^= _random >> 17;
        _random ^= _random << 5;
        _nodes[at] = new Node { Start = start, Size = size, Largest = size, Priority = _random, Left = -1, Right = -1, Value = value };
        return at;
    }

    private void Update(int at)
    {
        ref var node = ref _nodes[at];
        var largest = node.Size;
        if (node.Left >= 0)
            largest = Math.Max(largest, _nodes[node.Left].Largest);
        if (node.Right >= 0)
            largest = Math.Max(largest, _nodes[node.Right].Largest);
        node.Largest = largest;
    }

    // Ranges below start to the left, the others to the right.
    private void Split(int at, ulong start, out int left, out int right)
    {
        if (at < 0)
        {
            (left, right) = (-1, -1);
            return;
        }
        if (_nodes[at].Start < start)
        {
            Split(_nodes[at].Right, start, out var middle, out right);
            _nodes[at].Right = middle;
            left = at;
        }
        else
        {
            Split(_nodes[at].Left, start, out left, out var middle);
            _nodes[at].Left = middle;
            right = at;
        }
        Update(at);
    }

    private int Merge(int left, int right)
    {
        if (left < 0 || right < 0)
            return left < 0 ? right : left;
        if (_nodes[left].Priority > _nodes[right].Priority)
        {
            _nodes[left].Right = Merge(_nodes[left].Right, right);
            Update(left);
            return left;
        }
        _nodes[right].Left = Merge(left, _nodes[right].Left);
        Update(right);
        return right;
    }

    private int Remove(int at, ulong start, ref bool removed)
    {
        if (at < 0)
            return -1;
        if (_nodes[at].Start == start)
        {
            removed = true;
            var merged = Merge(_nodes[at].Left, _nodes[at].Right);
            _nodes[at] = new Node { Left = _free, Right = -1 };
            _free = at;
            return merged;
        }
        if (start < _nodes[at].Start)
            _nodes[at].Left = Remove(_nodes[at].Left, start, ref removed);
        else
            _nodes[at].Right = Remove(_nodes[at].Right, start, ref removed);
        Update(at);
        return at;
    }
}
