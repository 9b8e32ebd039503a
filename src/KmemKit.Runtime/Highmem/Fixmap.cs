using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Mmu;

namespace KmemKit.Runtime.Highmem;

/// <summary>Addresses fixed when the kernel is built, for what is mapped there later (<c>enum fixed_addresses</c>).</summary>
/// <remarks>Slot 0 is the highest page of the range, as <c>__fix_to_virt</c> has it. Source: include/asm-generic/fixmap.h.</remarks>
public sealed class Fixmap
{
    private readonly IPageTables _tables;
    private readonly ulong _page;
    private readonly Lock _sync = new();
    private readonly bool[] _used;

    /// <param name="tables">The kernel's tables.</param>
    /// <param name="range">Its range, whole pages.</param>
    /// <param name="pages">The page size.</param>
    public Fixmap(IPageTables tables, VirtRange range, PageGeometry pages)
    {
        ArgumentNullException.ThrowIfNull(tables);
        _tables = tables;
        _page = pages.PageSize;
        Range = range;
        _used = new bool[(int)Math.Min(range.Size.Value >> pages.PageShift, 1 << 20)];
    }

    /// <summary>The range.</summary>
    public VirtRange Range { get; }

    /// <summary>Slots there are.</summary>
    public int Count => _used.Length;

    /// <summary>The address of a slot (<c>fix_to_virt</c>).</summary>
    /// <exception cref="KmapException">There is no such slot.</exception>
    public VirtAddr ToVirt(int slot)
    {
        if ((uint)slot >= (uint)_used.Length)
            throw new KmapException($"Fixmap slot {slot}: there are {_used.Length}.");
        return new VirtAddr(Range.Last.Value - (((ulong)slot + 1) * _page) + 1);
    }

    /// <summary>The slot of an address (<c>virt_to_fix</c>).</summary>
    /// <exception cref="KmapException">The address is in none.</exception>
    public int ToSlot(VirtAddr address)
    {
        if (!Range.Contains(address) || (Range.Last.Value - address.Value) / _page >= (ulong)_used.Length)
            throw new KmapException($"{address} is in no fixmap slot: the range is {Range}.");
        return (int)((Range.Last.Value - address.Value) / _page);
    }

    /// <summary>Maps a page at a slot (<c>set_fixmap</c>).</summary>
    /// <returns>Its address; null where there is no memory for a table.</returns>
    /// <exception cref="KmapException">There is no such slot, or it is in use.</exception>
    public VirtAddr? Set(Cpu cpu, int slot, PhysAddr phys, PageProt prot)
    {
        var at = ToVirt(slot);
        lock (_sync)
        {
            if (_used[slot])
                throw new KmapException($"Fixmap slot {slot} at {at} is in use: clear it first.");
            var result = _tables.Map(cpu, at, phys, _page, prot);
            if (result.Error == PageTableError.NoMemory)
                return null;
            if (!result.IsOk)
                throw new KmapException($"Fixmap slot {slot}: {result}.");
            _used[slot] = true;
            return at;
        }
    }

    /// <summary>Takes the mapping of a slot away (<c>clear_fixmap</c>).</summary>
    /// <exception cref="KmapException">There is no such slot, or nothing is mapped there.</exception>
    public void Clear(Cpu cpu, int slot)
    {
        var at = ToVirt(slot);
        lock (_sync)
        {
            if (!_used[slot])
                throw new KmapException($"Fixmap slot {slot} at {at} is not in use.");
            _tables.Unmap(cpu, at, _page);
            _used[slot] = false;
        }
    }
}
