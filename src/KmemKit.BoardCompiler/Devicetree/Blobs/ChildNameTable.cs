using System;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// (parent, name) to node number: an open-addressed hash table, at most half full, so that a path costs a probe a level however many subnodes
// a bus has. The hash runs over every byte of the name, and slots keep the hash, so that names are compared only where it agrees.
// A blob made to collide costs time quadratic in its nodes at worst; the multiplier is drawn once per process against that.
internal sealed class ChildNameTable
{
    private static readonly uint Seed = unchecked((uint)Guid.NewGuid().GetHashCode()) | 1;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly FdtNodeEntry[] _nodes;
    private readonly (uint Hash, int Node)[] _slots;

    internal ChildNameTable(ReadOnlyMemory<byte> bytes, FdtNodeEntry[] nodes, int nodeCount)
    {
        _bytes = bytes;
        _nodes = nodes;
        var size = 4;
        while (size < nodeCount * 2L)
            size *= 2;
        _slots = new (uint, int)[size];
        var span = bytes.Span;
        for (var node = 1; node < nodeCount; node++)
        {
            var name = span.Slice(nodes[node].NameOffset, nodes[node].NameLength);
            var hash = Hash(nodes[node].Parent, name);
            var slot = (int)(hash & (uint)(size - 1));
            var twin = -1;
            for (; _slots[slot].Node != 0; slot = (slot + 1) & (size - 1))
            {
                if (_slots[slot].Hash == hash && IsAt(_slots[slot].Node, nodes[node].Parent, name))
                {
                    twin = _slots[slot].Node;
                    break;
                }
            }
            if (twin < 0)
                _slots[slot] = (hash, node);
            else if (FirstTwin < 0)
                (FirstTwin, SecondTwin) = (twin, node);
        }
    }

    /// <summary>The first of the first pair of subnodes with one name, or -1.</summary>
    internal int FirstTwin { get; } = -1;

    /// <summary>The second of that pair.</summary>
    internal int SecondTwin { get; } = -1;

    internal int Find(int parent, ReadOnlySpan<byte> name)
    {
        var hash = Hash(parent, name);
        for (var slot = (int)(hash & (uint)(_slots.Length - 1)); _slots[slot].Node != 0; slot = (slot + 1) & (_slots.Length - 1))
        {
            if (_slots[slot].Hash == hash && IsAt(_slots[slot].Node, parent, name))
                return _slots[slot].Node;
        }
        return -1;
    }

    private bool IsAt(int node, int parent, ReadOnlySpan<byte> name)
    {
        ref readonly var entry = ref _nodes[node];
        return entry.Parent == parent && _bytes.Span.Slice(entry.NameOffset, entry.NameLength).SequenceEqual(name);
    }

    private static uint Hash(int parent, ReadOnlySpan<byte> name)
    {
        unchecked
        {
            var hash = ((uint)parent + 1) * 0x9E3779B9u ^ Seed;
            foreach (var value in name)
                hash = (hash ^ value) * 0x01000193u;
            hash ^= hash >> 15;
            hash *= 0x85EBCA6Bu;
            return hash ^ (hash >> 13);
        }
    }
}
