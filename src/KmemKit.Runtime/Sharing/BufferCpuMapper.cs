using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Kernel;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Sharing;

/// <summary>A buffer in the kernel's addresses.</summary>
/// <param name="Address">Its first byte.</param>
/// <param name="Use">How the processor's caches are used.</param>
/// <param name="Owner">Whose it is.</param>
public sealed record CpuMapping(VirtAddr Address, MemoryUse Use, string Owner)
{
    internal bool IsIo { get; init; }

    internal IReadOnlyList<TypedMapping> Types { get; init; } = [];
}

/// <summary>Maps buffers for the processor, by ioremap where the memory was set aside from the kernel's and by vmap where it is pages of the kernel.</summary>
/// <remarks>
/// The rule against aliases is the one of ioremap (<see cref="MemoryTypeMap"/>): memory has one type in all mappings, the linear map's included. So set-aside memory can be mapped
/// either way, but not both at once; pages that the linear map has can be mapped cached only.
/// </remarks>
public sealed class BufferCpuMapper
{
    private readonly IoMapper _io;
    private readonly VmallocSpace _space;
    private readonly MemoryTypeMap _types;
    private readonly PhysicalMemory _memory;
    private readonly PageMap _map;

    /// <summary>A kernel's mapper.</summary>
    public BufferCpuMapper(MmuKernel kernel)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        (_io, _space, _types, _memory, _map) = (kernel.Io, kernel.Vmalloc, kernel.Types, kernel.Memory, kernel.Booted.Map);
    }

    /// <summary>Mappings made so far.</summary>
    public ulong Maps { get; private set; }

    /// <summary>Maps a buffer.</summary>
    /// <param name="cpu">The CPU that asks.</param>
    /// <param name="buffer">Its memory.</param>
    /// <param name="use"><see cref="MemoryUse.Cached"/>, or uncached as <see cref="MemoryUse.WriteCombining"/>.</param>
    /// <param name="owner">Whose mapping it is, for who is refused because of it.</param>
    /// <exception cref="IoremapException">It is mapped with another type: both mappings are named.</exception>
    /// <exception cref="SharingException">There are no addresses or no memory for tables.</exception>
    public CpuMapping Map(Cpu cpu, BufferMemory buffer, MemoryUse use, string owner)
    {
        ArgumentNullException.ThrowIfNull(buffer);
        var mapping = IsSystemRam(buffer) ? MapPages(cpu, buffer, use, owner) : MapRow(cpu, buffer, use, owner);
        Maps++;
        return mapping;
    }

    /// <summary>Takes a mapping away.</summary>
    public void Unmap(Cpu cpu, CpuMapping mapping)
    {
        ArgumentNullException.ThrowIfNull(mapping);
        if (mapping.IsIo)
        {
            _io.Iounmap(cpu, mapping.Address);
            return;
        }
        _space.Vunmap(cpu, mapping.Address);
        // The next mapping may have another type: translations go now.
        _space.Purge(cpu);
        foreach (var type in mapping.Types)
            _types.Remove(type);
    }

    private CpuMapping MapRow(Cpu cpu, BufferMemory buffer, MemoryUse use, string owner)
    {
        var row = buffer.Row(owner);
        var at = _io.Map(cpu, row.Start, row.Size.Value, use, owner) ?? throw NoAddresses(owner);
        return new CpuMapping(at, use, owner) { IsIo = true };
    }

    private CpuMapping MapPages(Cpu cpu, BufferMemory buffer, MemoryUse use, string owner)
    {
        var page = _map.Pages.PageSize;
        var pages = new List<Page>();
        foreach (var piece in buffer.Pieces)
        {
            for (var at = 0UL; at < piece.Size; at += page)
            {
                pages.Add(_map.TryPfnToPage(_map.Pages.ToFrame(piece.Address + at), out var found)
                    ? found
                    : throw new SharingException(SharingError.MapFailed, owner, $"{piece.Address + at} has no page descriptor."));
            }
        }
        // The address is not known before it is mapped; what is refused would be mapped nowhere.
        var type = _space.ProtOf(use, page).Attributes.Memory;
        var added = new List<TypedMapping>();
        foreach (var piece in buffer.Pieces)
        {
            var mapping = new TypedMapping(new PhysRange(piece.Address, piece.Size), type, default, owner);
            if (_types.TryAdd(mapping) is { } other)
            {
                added.ForEach(done => _types.Remove(done));
                throw new IoremapException(
                    IoremapErrorKind.Alias, mapping.Phys,
                    $"{mapping} would be a second mapping of another type than that of {other}: use the same type, or unmap the other one.");
            }
            added.Add(mapping);
        }
        if (_space.Vmap(cpu, pages.ToArray(), use, owner) is { } virt)
            return new CpuMapping(virt, use, owner) { Types = added };
        added.ForEach(done => _types.Remove(done));
        throw NoAddresses(owner);
    }

    private bool IsSystemRam(BufferMemory buffer)
    {
        foreach (var resource in _memory.Iomem.Root.Children)
        {
            if (resource.Name == IomemMap.SystemRam && resource.Range.Contains(buffer.Pieces[0].Address))
                return true;
        }
        return false;
    }

    private static SharingException NoAddresses(string owner) =>
        new(SharingError.NoMemory, owner, "there is no stretch of kernel addresses, or no memory for its tables.");
}
