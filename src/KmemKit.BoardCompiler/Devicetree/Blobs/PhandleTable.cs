using System;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// Phandle to node number. Compilers number phandles from 1 on, so an array of a few words a node holds them nearly always;
// where a blob uses large numbers, an open-addressed hash table does (Fibonacci hashing, linear probing, at most half full).
internal sealed class PhandleTable
{
    private readonly int[] _dense = [];
    private readonly (uint Phandle, int Node)[] _hashed = [];
    private readonly int _shift;

    /// <summary>Builds the table; of two nodes with one phandle the first stays, <paramref name="duplicate"/> gets the place of the second in the list.</summary>
    internal PhandleTable((uint Phandle, int Node)[] entries, int count, uint largest, int nodeCount, out int duplicate)
    {
        duplicate = -1;
        if (count == 0)
            return;
        if (largest <= (uint)nodeCount * 4L + 64)
        {
            _dense = new int[largest + 1];
            for (var i = 0; i < count; i++)
            {
                ref var slot = ref _dense[entries[i].Phandle];
                if (slot == 0)
                    slot = entries[i].Node + 1;
                else if (duplicate < 0)
                    duplicate = i;
            }
            return;
        }
        var bits = 2;
        while (1L << bits < count * 2L)
            bits++;
        _shift = 32 - bits;
        _hashed = new (uint, int)[1 << bits];
        for (var i = 0; i < count; i++)
        {
            var slot = Slot(entries[i].Phandle);
            while (_hashed[slot].Phandle != 0 && _hashed[slot].Phandle != entries[i].Phandle)
                slot = (slot + 1) & (_hashed.Length - 1);
            if (_hashed[slot].Phandle == 0)
                _hashed[slot] = entries[i];
            else if (duplicate < 0)
                duplicate = i;
        }
    }

    internal int Find(uint phandle)
    {
        var dense = _dense;
        if (phandle < (uint)dense.Length)
            return dense[phandle] - 1;
        return _hashed.Length == 0 || phandle == 0 ? -1 : FindHashed(phandle);
    }

    private int FindHashed(uint phandle)
    {
        for (var slot = Slot(phandle); _hashed[slot].Phandle != 0; slot = (slot + 1) & (_hashed.Length - 1))
        {
            if (_hashed[slot].Phandle == phandle)
                return _hashed[slot].Node;
        }
        return -1;
    }

    private int Slot(uint phandle) => (int)(unchecked(phandle * 0x9E3779B9u) >> _shift);
}
