using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Mmu;

/// <summary>The end of a tree.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    private bool _released;

    /// <summary>Gives all tables back, the root last, whatever they still map (pgd_free, and free_pgtables before it).</summary>
    /// <param name="cpu">Where they go.</param>
    /// <remarks>Nothing may walk the tree any longer: software took it out of the hardware's registers, and invalidated what came from it, before.</remarks>
    /// <exception cref="InvalidOperationException">The tree was given back already.</exception>
    public void Release(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (_released)
            throw new InvalidOperationException($"The tables at {Root} were given back already.");
        _released = true;
        ReleaseBelow(cpu, RootTable, _format.RootLevel);
        _tables.GiveBlock(cpu, Root.Value, _rootOrder);
    }

    private void ReleaseBelow(Cpu cpu, byte* table, int level)
    {
        if (level == _format.LastLevel)
            return;
        for (var i = 0; i < _format.TableEntries(level); i++)
        {
            var descriptor = Read(table, i);
            if (!_format.IsTable(descriptor, level))
                continue;
            var below = _format.TableAddress(descriptor, level);
            ReleaseBelow(cpu, Host(below), _format.NextLevel(level));
            _tables.Give(cpu, below);
        }
    }
}
