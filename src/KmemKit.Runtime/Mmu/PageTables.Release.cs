using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>The end of a tree.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    private bool _released;

    /// <summary>Invalidates what came from the tree, and gives it back (<see cref="Release"/>).</summary>
    /// <param name="cpu">Where the tables go.</param>
    /// <remarks>Nothing may use the tree afterwards, no CPU may have it as its own, no thread may be in it.</remarks>
    /// <exception cref="InvalidOperationException">The tree was given back already.</exception>
    public void Free(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        Domain.Invalidate(IsShared ? TlbScope.All : TlbScope.AddressSpace(Asid, globals: false));
        Release(cpu);
    }

    /// <summary>Gives all tables back, the root last, whatever they still map (pgd_free, and free_pgtables before it). Another tree's that it shares stay.</summary>
    /// <param name="cpu">Where they go.</param>
    /// <remarks>Nothing may walk the tree any longer: software took it out of the hardware's registers, and invalidated what came from it, before.</remarks>
    /// <exception cref="InvalidOperationException">The tree was given back already.</exception>
    public void Release(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (_released)
            throw new InvalidOperationException($"The tables at {Root} were given back already.");
        _released = true;
        StopSharing();
        GiveBelow(cpu, RootTable, _format.RootLevel, _sharedFrom);
        if (_rootOrder != NotOfTheAllocator)
            _tables.GiveBlock(cpu, Root.Value, _rootOrder);
    }

    // Up to the first descriptor that is another tree's; null where there is none in this table.
    private void GiveBelow(Cpu cpu, byte* table, int level, ulong? shared)
    {
        if (level == _format.LastLevel)
            return;
        var end = shared is { } from ? _format.Index(from, level) : _format.TableEntries(level);
        var isCut = shared is { } at && (at & ((1UL << _format.LevelShift(level)) - 1)) != 0;
        for (var i = 0; i < end + (isCut ? 1 : 0); i++)
        {
            var descriptor = Read(table, i);
            if (!_format.IsTable(descriptor, level))
                continue;
            var next = _format.TableAddress(descriptor, level);
            GiveBelow(cpu, Host(next), _format.NextLevel(level), i == end ? shared : null);
            _tables.Give(cpu, next);
        }
    }
}
