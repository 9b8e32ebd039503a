using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Kernel;

/// <summary>What is known of an address at the moment.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Output">Where the tables map it; null where they do not.</param>
/// <param name="Attributes">What the tables say of it.</param>
/// <param name="Area">Its area of the vmalloc range.</param>
/// <param name="Board">What the board's layout says.</param>
public sealed record KernelAddress(KernelAddressKind Kind, PhysAddr? Output, PageAttributes? Attributes, VmArea? Area, AddressMeaning Board)
{
    /// <inheritdoc/>
    public override string ToString()
    {
        var whose = Area is { } area ? $" of {area.Caller} [{area.Start}, {area.Start + area.Size})" : Board.Name.Length != 0 ? $" ({Board.Name})" : "";
        return Output is { } output ? $"{Kind}{whose}, mapped to {output}: {Attributes}" : $"{Kind}{whose}, not mapped";
    }
}

/// <summary>Says of any virtual address what it is under a running kernel, and translates lowmem, which alone has a fixed difference.</summary>
public sealed class KernelAddresses
{
    private readonly MemoryLayout _layout;
    private readonly IPageTables _tables;
    private readonly VmallocSpace _space;

    /// <param name="layout">The board's layout.</param>
    /// <param name="tables">The kernel's tables.</param>
    /// <param name="space">The vmalloc range.</param>
    public KernelAddresses(MemoryLayout layout, IPageTables tables, VmallocSpace space)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(space);
        (_layout, _tables, _space) = (layout, tables, space);
    }

    /// <summary>The logical address of lowmem (<c>phys_to_virt</c>, <c>__va</c>).</summary>
    /// <exception cref="PageErrorException">The address is highmem, a device's, or in a hole: it has no logical address, and the kernel's macro would make one up.</exception>
    public VirtAddr PhysToVirt(PhysAddr address)
    {
        if (_layout.Linear.PhysToVirt(address, out var virt) == TranslationStatus.Ok)
            return virt;
        var meaning = AddressClassifier.ClassifyPhysical(_layout, address);
        throw new PageErrorException(
            meaning.Kind == AddressKind.Highmem ? PageErrorKind.NoKernelAddress : PageErrorKind.Hole, _layout.Pages.ToFrame(address),
            $"phys_to_virt of {address}: it is {meaning.KindName}, not lowmem. {(meaning.Kind == AddressKind.Highmem ? "Map it with kmap." : "Registers are mapped with ioremap.")}");
    }

    /// <summary>The physical address of lowmem (<c>virt_to_phys</c>, <c>__pa</c>).</summary>
    /// <exception cref="PageErrorException">The address is not of the linear map: its physical address is in the tables.</exception>
    public PhysAddr VirtToPhys(VirtAddr address)
    {
        if (_layout.Linear.VirtToPhys(address, out var phys) == TranslationStatus.Ok)
            return phys;
        throw new PageErrorException(PageErrorKind.Hole, null, $"virt_to_phys of {address}: {Describe(address)}. The macro is for kernel logical addresses; use vmalloc_to_page.");
    }

    /// <summary>What an address is, and where it is mapped now.</summary>
    public KernelAddress Describe(VirtAddr address)
    {
        var board = AddressClassifier.ClassifyVirtual(_layout, address);
        var isMapped = _tables.TryTranslate(address, out var output);
        var area = _space.Contains(address) ? _space.FindArea(address) : null;
        return new KernelAddress(
            KindOf(address, board, area), isMapped ? output : null, isMapped ? _tables.AttributesAt(address) : null, area, board);
    }

    private KernelAddressKind KindOf(VirtAddr address, AddressMeaning board, VmArea? area)
    {
        if (area is not null)
        {
            if (address - area.Start >= area.Mapped)
                return KernelAddressKind.VmallocGuard;
            return (area.Flags & VmAreaFlags.Ioremap) != 0 ? KernelAddressKind.Ioremap
                : (area.Flags & VmAreaFlags.Map) != 0 ? KernelAddressKind.Vmap : KernelAddressKind.Vmalloc;
        }
        if (_space.Contains(address))
            return KernelAddressKind.VmallocFree;
        return board.Kind switch
        {
            AddressKind.Logical => KernelAddressKind.Logical,
            AddressKind.Hole => KernelAddressKind.Hole,
            AddressKind.User => KernelAddressKind.User,
            AddressKind.Vmalloc => KernelAddressKind.VmallocFree,
            AddressKind.Pkmap => KernelAddressKind.Pkmap,
            AddressKind.Fixmap => KernelAddressKind.Fixmap,
            AddressKind.Vectors => KernelAddressKind.Vectors,
            AddressKind.Modules => KernelAddressKind.Modules,
            AddressKind.Kernel => KernelAddressKind.Kernel,
            AddressKind.Guard => KernelAddressKind.Guard,
            _ => KernelAddressKind.Nothing,
        };
    }
}
