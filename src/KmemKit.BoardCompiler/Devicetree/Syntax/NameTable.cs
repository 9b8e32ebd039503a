using System;
using System.Runtime.InteropServices;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>Gives each name a small number and one string: names repeat hundreds of times in a tree, and numbers compare in one instruction.</summary>
/// <remarks>Open hashing over stretches of the source; a name seen before costs its hash (four characters a step) and one comparison.</remarks>
internal sealed class NameTable
{
    private int[] _buckets = new int[1024];
    private Entry[] _entries = new Entry[512];

    private struct Entry
    {
        public uint Hash;
        public int Next;
        public string Text;
    }

    /// <summary>How many names there are; their numbers are below.</summary>
    public int Count { get; private set; }

    public string this[int id] => _entries[id].Text;

    public int Add(string name) => Add(name.AsSpan());

    /// <summary>The number of the name, a new one where it was never seen.</summary>
    public int Add(ReadOnlySpan<char> name)
    {
        var hash = Hash(name);
        var bucket = (int)(hash & (uint)(_buckets.Length - 1));
        // Buckets hold the number plus one: 0 is an empty one.
        for (var i = _buckets[bucket] - 1; i >= 0; i = _entries[i].Next)
        {
            if (_entries[i].Hash == hash && name.SequenceEqual(_entries[i].Text.AsSpan()))
                return i;
        }
        if (Count == _entries.Length)
        {
            Grow();
            bucket = (int)(hash & (uint)(_buckets.Length - 1));
        }
        _entries[Count] = new Entry { Hash = hash, Next = _buckets[bucket] - 1, Text = name.ToString() };
        _buckets[bucket] = Count + 1;
        return Count++;
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _buckets = new int[_entries.Length * 2];
        for (var i = 0; i < Count; i++)
        {
            ref var bucket = ref _buckets[(int)(_entries[i].Hash & (uint)(_buckets.Length - 1))];
            _entries[i].Next = bucket - 1;
            bucket = i + 1;
        }
    }

    private static uint Hash(ReadOnlySpan<char> name)
    {
        unchecked
        {
            const ulong Multiplier = 0x9E3779B97F4A7C15ul;
            var hash = (ulong)name.Length * Multiplier;
            var words = MemoryMarshal.Cast<char, ulong>(name);
            foreach (var word in words)
                hash = ((hash ^ word) * Multiplier) ^ (hash >> 29);
            for (var i = words.Length * 4; i < name.Length; i++)
                hash = ((hash ^ name[i]) * Multiplier) ^ (hash >> 29);
            return (uint)(hash >> 32) ^ (uint)hash;
        }
    }
}
