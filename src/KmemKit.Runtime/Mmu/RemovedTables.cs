using System;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Mmu;

/// <summary>Tables that were taken out of a tree and go back to the allocator once no TLB and no walk can be in them.</summary>
/// <remarks>Until then their contents stay as they are, for a walk that has started reads them; so the list is kept apart, in host memory.</remarks>
internal unsafe struct RemovedTables
{
    private ulong* _tables;
    private int _room;

    /// <summary>How many.</summary>
    public int Count { get; private set; }

    /// <summary>Adds a table by its physical address.</summary>
    public void Add(ulong table)
    {
        if (Count == _room)
        {
            _room = Math.Max(64, 2 * _room);
            _tables = (ulong*)NativeMemory.Realloc(_tables, (nuint)_room * sizeof(ulong));
        }
        _tables[Count++] = table;
    }

    /// <summary>Moves all of another list here.</summary>
    public void TakeAll(ref RemovedTables other)
    {
        for (var i = 0; i < other.Count; i++)
            Add(other._tables[i]);
        NativeMemory.Free(other._tables);
        other = default;
    }

    /// <summary>Gives all back, after the invalidation.</summary>
    public void GiveAll(TableAllocator tables, Cpu cpu)
    {
        for (var i = 0; i < Count; i++)
            tables.Give(cpu, _tables[i]);
        NativeMemory.Free(_tables);
        this = default;
    }
}
