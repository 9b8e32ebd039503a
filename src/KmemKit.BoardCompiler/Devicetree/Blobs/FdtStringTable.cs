using System;
using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// The strings block as dtc lays it out: a name goes to the first offset at which the block already holds it up to its final 0, also where that is the
// end of a longer name ("reg" inside "foo-reg"), and to the end of the block otherwise.
//
// dtc scans the block from its start for every property. Here a name that was asked for before is found in a dictionary, and each ending of
// each stored string is entered in a hash table when the string is appended, first come first kept, so that a new name costs its own length. The hash is
// a polynomial over the characters from the last to the first, so that all endings of a string are hashed in one pass over it.
internal sealed class FdtStringTable
{
    private readonly Dictionary<string, int> _known = new(StringComparer.Ordinal);
    private byte[] _bytes = new byte[4096];
    private (uint Hash, int OffsetPlusOne)[] _endings = new (uint, int)[8192];
    private int _endingCount;

    internal int Length { get; private set; }

    internal ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, Length);

    internal int OffsetOf(string name)
    {
        if (_known.TryGetValue(name, out var offset))
            return offset;
        offset = FindEnding(name);
        if (offset < 0)
            offset = Append(name);
        _known.Add(name, offset);
        return offset;
    }

    private int FindEnding(string name)
    {
        var hash = 0u;
        for (var i = name.Length - 1; i >= 0; i--)
            hash = Extend(hash, (byte)name[i]);
        for (var slot = Slot(hash); _endings[slot].OffsetPlusOne != 0; slot = (slot + 1) & (_endings.Length - 1))
        {
            if (_endings[slot].Hash == hash && IsAt(_endings[slot].OffsetPlusOne - 1, name))
                return _endings[slot].OffsetPlusOne - 1;
        }
        return -1;
    }

    private bool IsAt(int offset, string name)
    {
        if (Length - offset <= name.Length || _bytes[offset + name.Length] != 0)
            return false;
        for (var i = 0; i < name.Length; i++)
        {
            if (_bytes[offset + i] != (byte)name[i])
                return false;
        }
        return true;
    }

    private int Append(string name)
    {
        var start = Length;
        if (_bytes.Length - start <= name.Length)
            Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, start + name.Length + 1));
        FdtWriter.CopyName(name, _bytes.AsSpan(start));
        _bytes[start + name.Length] = 0;
        Length = start + name.Length + 1;

        while (_endings.Length < (_endingCount + name.Length + 1) * 2L)
            GrowEndings();
        var hash = 0u;
        AddEnding(hash, start + name.Length, name, name.Length);
        for (var i = name.Length - 1; i >= 0; i--)
        {
            hash = Extend(hash, (byte)name[i]);
            AddEnding(hash, start + i, name, i);
        }
        return start;
    }

    // Endings are equal where hash and text are; the one that stands first in the block is kept. Endings that share hash but not text get slots of
    // their own, and those that share both are recognised by the hash and the length of the text to its final 0.
    private void AddEnding(uint hash, int offset, string name, int first)
    {
        var slot = Slot(hash);
        for (; _endings[slot].OffsetPlusOne != 0; slot = (slot + 1) & (_endings.Length - 1))
        {
            if (_endings[slot].Hash == hash && SameEnding(_endings[slot].OffsetPlusOne - 1, name, first))
                return;
        }
        _endings[slot] = (hash, offset + 1);
        _endingCount++;
    }

    private bool SameEnding(int offset, string name, int first)
    {
        var length = name.Length - first;
        return Length - offset > length && _bytes[offset + length] == 0
            && _bytes.AsSpan(offset, length).SequenceEqual(_bytes.AsSpan(Length - 1 - length, length));
    }

    private void GrowEndings()
    {
        var old = _endings;
        _endings = new (uint, int)[old.Length * 2];
        foreach (var entry in old)
        {
            if (entry.OffsetPlusOne == 0)
                continue;
            var slot = Slot(entry.Hash);
            while (_endings[slot].OffsetPlusOne != 0)
                slot = (slot + 1) & (_endings.Length - 1);
            _endings[slot] = entry;
        }
    }

    private int Slot(uint hash) => (int)(unchecked(hash * 0x9E3779B9u) >> 7) & (_endings.Length - 1);

    private static uint Extend(uint hash, byte character) => unchecked((hash + character + 1) * 0x01000193u);
}
