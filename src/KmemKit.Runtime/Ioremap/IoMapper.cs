using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Ioremap;

/// <summary>ioremap: device registers and memory in the vmalloc range.</summary>
/// <remarks>
/// <para>It allocates no memory, only addresses and tables. RAM that the kernel manages is refused, and so is whatever is mapped already with another memory type
/// (<see cref="MemoryTypeMap"/>); both mappings are named.</para>
/// <para>Source: arch/arm/mm/ioremap.c, arch/x86/mm/ioremap.c, mm/ioremap.c. Thread-safe.</para>
/// </remarks>
public sealed class IoMapper
{
    private readonly VmallocSpace _space;
    private readonly IPageTables _tables;
    private readonly PhysicalMemory _memory;
    private readonly MemoryTypeMap _types;
    private readonly ulong _page;
    private readonly Lock _sync = new();
    private readonly Dictionary<VirtAddr, TypedMapping> _mapped = [];

    /// <param name="space">Where addresses come from.</param>
    /// <param name="tables">The kernel's tables.</param>
    /// <param name="memory">The bus.</param>
    /// <param name="types">What is mapped how.</param>
    public IoMapper(VmallocSpace space, IPageTables tables, PhysicalMemory memory, MemoryTypeMap types)
    {
        ArgumentNullException.ThrowIfNull(space);
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(types);
        (_space, _tables, _memory, _types) = (space, tables, memory, types);
        _page = space.Allocator.Map.Pages.PageSize;
    }

    /// <summary>Maps registers, not cached (<c>ioremap</c>, <c>ioremap_nocache</c>).</summary>
    /// <inheritdoc cref="Map"/>
    public VirtAddr? Ioremap(Cpu cpu, PhysAddr phys, ulong size, string caller = "ioremap") => Map(cpu, phys, size, MemoryUse.Device, caller);

    /// <summary>Maps memory whose writes may be merged, such as a frame buffer (<c>ioremap_wc</c>).</summary>
    /// <inheritdoc cref="Map"/>
    public VirtAddr? IoremapWc(Cpu cpu, PhysAddr phys, ulong size, string caller = "ioremap_wc") => Map(cpu, phys, size, MemoryUse.WriteCombining, caller);

    /// <summary>Maps device memory with the caches in use (<c>ioremap_cache</c>).</summary>
    /// <inheritdoc cref="Map"/>
    public VirtAddr? IoremapCache(Cpu cpu, PhysAddr phys, ulong size, string caller = "ioremap_cache") => Map(cpu, phys, size, MemoryUse.Cached, caller);

    /// <summary>Maps device addresses.</summary>
    /// <param name="cpu">The CPU that asks.</param>
    /// <param name="phys">The first byte; need not be aligned.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="use">What for: it gives the memory type.</param>
    /// <param name="caller">Who asks, for <c>/proc/vmallocinfo</c> and for who is refused because of it.</param>
    /// <returns>The address of that byte; null where there is no stretch of addresses or no memory for tables.</returns>
    /// <exception cref="IoremapException">The range is RAM, mapped with another type, or none.</exception>
    public VirtAddr? Map(Cpu cpu, PhysAddr phys, ulong size, MemoryUse use, string caller)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (size == 0 || size - 1 > ulong.MaxValue - phys.Value)
            throw new IoremapException(IoremapErrorKind.BadRange, default, $"{caller} of {size} bytes at {phys}: there is no such range.");
        var asked = new PhysRange(phys, size);
        var first = phys.Value & ~(_page - 1);
        var last = asked.Last.Value | (_page - 1);
        // 0 for all of the address space, as below.
        var bytes = unchecked(last - first + 1);
        if (bytes == 0)
            throw new IoremapException(IoremapErrorKind.BadRange, asked, $"{caller} of {asked}: the whole address space cannot be mapped.");
        var pages = new PhysRange(new PhysAddr(first), bytes);
        RefuseRam(asked, pages, caller);
        var area = _space.TakeArea(cpu, bytes, _page, VmAreaFlags.Ioremap, caller);
        if (area is null)
            return null;
        var prot = _space.ProtOf(use, _page);
        var mapping = new TypedMapping(pages, prot.Attributes.Memory, area.Start, caller);
        if (_types.TryAdd(mapping) is { } other)
        {
            _space.Drop(area);
            throw new IoremapException(
                IoremapErrorKind.Alias, asked, $"{mapping} would be a second mapping of another type than that of {other}: use the same type, or unmap the other one.");
        }
        var result = _tables.Map(cpu, area.Start, pages.Start, bytes, prot);
        if (!result.IsOk)
        {
            _types.Remove(mapping);
            _space.Drop(area);
            return result.Error == PageTableError.OutputOutOfRange
                ? throw new IoremapException(IoremapErrorKind.BadRange, asked, $"{caller} of {asked}: the tables cannot put out such addresses.")
                : null;
        }
        (area.Mapped, area.Phys, area.MemoryType) = (bytes, pages.Start, mapping.Type);
        lock (_sync)
            _mapped.Add(area.Start, mapping);
        return area.Start + (phys.Value - first);
    }

    /// <summary>Takes a mapping away (<c>iounmap</c>). Its translations are invalidated at once: the addresses may be mapped with another type next.</summary>
    /// <param name="cpu">The CPU that asks.</param>
    /// <param name="address">What ioremap gave; any byte of its page.</param>
    /// <exception cref="IoremapException">ioremap did not give it, or it was unmapped already.</exception>
    public void Iounmap(Cpu cpu, VirtAddr address)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        TypedMapping? mapping;
        var start = new VirtAddr(address.Value & ~(_page - 1));
        lock (_sync)
        {
            if (!_mapped.Remove(start, out mapping))
                throw new IoremapException(IoremapErrorKind.NotMapped, default, $"iounmap of {address}: ioremap did not give it, or it was unmapped already.");
        }
        _space.UnmapLazily(cpu, _space.Withdraw(start, VmAreaFlags.Ioremap, "iounmap"));
        _space.Purge(cpu);
        _types.Remove(mapping);
    }

    private void RefuseRam(PhysRange asked, PhysRange pages, string caller)
    {
        foreach (var resource in _memory.Iomem.Root.Children)
        {
            if (resource.Name == IomemMap.SystemRam && resource.Range.Overlaps(pages))
            {
                throw new IoremapException(
                    IoremapErrorKind.SystemRam, asked,
                    $"{caller} of {asked}: it is System RAM {resource.Range}, which the kernel has mapped as cached memory. Reserve it with no-map, or use memory of the DMA API.");
            }
        }
    }
}
