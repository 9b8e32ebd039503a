using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Highmem;

/// <summary>Mappings for a moment, on one CPU, where nobody may sleep (<c>kmap_atomic</c>): a stack of fixmap slots for each CPU.</summary>
/// <remarks>They are taken away in the opposite order. Between map and unmap the CPU is atomic. Source: mm/highmem.c, arch/arm/mm/highmem.c.</remarks>
public sealed class KmapAtomic
{
    /// <summary>Nested mappings of a CPU (KM_MAX_IDX, KM_TYPE_NR).</summary>
    public const int Depth = 16;

    private readonly Fixmap _fixmap;
    private readonly PageMap _map;
    private readonly PageProt _prot;
    private readonly int _firstSlot;
    private readonly int[] _depth;
    private readonly VirtAddr[] _stack;
    private readonly bool[] _isMapped;

    /// <param name="fixmap">The slots, <see cref="Depth"/> for each CPU from <paramref name="firstSlot"/> on (FIX_KMAP_BEGIN).</param>
    /// <param name="allocator">Its CPUs and pages.</param>
    /// <param name="prot">Attributes of kernel memory.</param>
    /// <param name="firstSlot">The first slot.</param>
    /// <exception cref="ArgumentException">The fixmap has too few slots.</exception>
    public KmapAtomic(Fixmap fixmap, PageAllocator allocator, PageProt prot, int firstSlot = 0)
    {
        ArgumentNullException.ThrowIfNull(fixmap);
        ArgumentNullException.ThrowIfNull(allocator);
        var slots = Depth * allocator.Cpus.Count;
        if (fixmap.Count - firstSlot < slots)
            throw new ArgumentException($"{allocator.Cpus.Count} CPUs need {slots} slots, the fixmap has {fixmap.Count}.", nameof(fixmap));
        (_fixmap, _map, _prot, _firstSlot) = (fixmap, allocator.Map, prot, firstSlot);
        _depth = new int[allocator.Cpus.Count];
        _stack = new VirtAddr[slots];
        _isMapped = new bool[slots];
    }

    /// <summary>Maps a page on a CPU, which is atomic from then on. A page of lowmem has its address already.</summary>
    /// <exception cref="KmapException">Too many are nested, or no table could be had.</exception>
    public VirtAddr Map(Cpu cpu, Page page)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var depth = _depth[cpu.Number];
        if (depth == Depth)
            throw new KmapException($"CPU {cpu.Number} has {Depth} atomic mappings already.");
        var at = (cpu.Number * Depth) + depth;
        cpu.EnterAtomic();
        var low = _map.PageAddress(page);
        var address = low ?? _fixmap.Set(cpu, _firstSlot + at, _map.PageToPhys(page), _prot);
        if (address is not { } found)
        {
            cpu.LeaveAtomic();
            throw new KmapException("No memory for the fixmap's table, which a kernel has from boot on.");
        }
        (_stack[at], _isMapped[at]) = (found, low is null);
        _depth[cpu.Number]++;
        return found;
    }

    /// <summary>Takes the last mapping of a CPU away (<c>kunmap_atomic</c>).</summary>
    /// <param name="cpu">The CPU that mapped it.</param>
    /// <param name="address">What <see cref="Map"/> gave, or an address in that page.</param>
    /// <exception cref="KmapException">It is not the last one of that CPU.</exception>
    public void Unmap(Cpu cpu, VirtAddr address)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var depth = _depth[cpu.Number];
        var at = (cpu.Number * Depth) + depth - 1;
        var page = address.Value & _map.Pages.PageMask;
        if (depth == 0 || _stack[at].Value != page)
        {
            throw new KmapException(
                depth == 0 ? $"CPU {cpu.Number} has no atomic mapping." : $"{address} is not the last atomic mapping of CPU {cpu.Number}, which is {_stack[at]}: they go in the opposite order.");
        }
        if (_isMapped[at])
            _fixmap.Clear(cpu, _firstSlot + at);
        _depth[cpu.Number]--;
        cpu.LeaveAtomic();
    }
}
