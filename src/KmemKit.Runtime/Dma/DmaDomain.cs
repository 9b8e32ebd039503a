using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Dma;

/// <summary>What a device may do with mapped memory.</summary>
[Flags]
public enum DmaAccess
{
    /// <summary>IOMMU_READ.</summary>
    Read = 1,

    /// <summary>IOMMU_WRITE.</summary>
    Write = 2,

    /// <summary>IOMMU_CACHE: through the processor's caches.</summary>
    Cacheable = 4,

    /// <summary>IOMMU_PRIV: privileged accesses only.</summary>
    Privileged = 32,
}

/// <summary>A piece of physical memory, as a scatter list has it.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Size">Bytes, at least 1.</param>
public readonly record struct DmaPiece(PhysAddr Address, ulong Size);

/// <summary>The address space of devices behind a translator (struct iommu_domain with its IOVA space): a range of device addresses over any physical pages.</summary>
public abstract class DmaDomain
{
    /// <summary>Smallest page in bytes.</summary>
    public abstract ulong Granule { get; }

    /// <summary>Maps pieces of memory behind each other into one range of device addresses.</summary>
    /// <param name="cpu">The CPU that maps.</param>
    /// <param name="pieces">
    /// Whole granules, but that the first may start and the last may end inside one: the range then starts with the first's offset. Others whose edges are no granules are
    /// <see cref="DmaError.Invalid"/>.
    /// </param>
    /// <param name="access">What the device may do.</param>
    /// <param name="mask">Its highest address.</param>
    /// <param name="address">The first device address.</param>
    /// <returns>On an error nothing is mapped.</returns>
    public abstract DmaError TryMap(Cpu cpu, ReadOnlySpan<DmaPiece> pieces, DmaAccess access, ulong mask, out BusAddr address);

    /// <summary><see cref="TryMap"/> of pieces that are known to be one whole granule each.</summary>
    internal virtual DmaError TryMapGranules(Cpu cpu, ReadOnlySpan<DmaPiece> pieces, DmaAccess access, ulong mask, out BusAddr address) =>
        TryMap(cpu, pieces, access, mask, out address);

    /// <summary><see cref="TryMap"/> of one piece of at least a byte.</summary>
    internal virtual DmaError TryMapOne(Cpu cpu, PhysAddr memory, ulong size, DmaAccess access, ulong mask, out BusAddr address) =>
        TryMap(cpu, [new DmaPiece(memory, size)], access, mask, out address);

    /// <summary>Takes a mapping away: when it returns, no access of the device reaches the memory, whatever its translation caches held.</summary>
    /// <param name="cpu">The CPU that unmaps.</param>
    /// <param name="address">As <see cref="TryMap"/> gave it.</param>
    /// <param name="size">Sum of the pieces.</param>
    /// <exception cref="InvalidOperationException">Nothing of that size is mapped there; nothing changed.</exception>
    public abstract void Unmap(Cpu cpu, BusAddr address, ulong size);

    /// <summary>Sets device addresses apart for an owner who gives them out himself.</summary>
    /// <param name="window">Edges are multiples of the granule.</param>
    /// <exception cref="Iova.IovaException">Part of it is in use.</exception>
    public abstract void ReserveWindow(PhysRange window);

    /// <summary>Maps pieces of whole granules behind each other at an address of a reserved window.</summary>
    /// <returns>On an error nothing is mapped; <see cref="DmaError.Busy"/> where something is mapped there already.</returns>
    public abstract DmaError TryMapAt(Cpu cpu, BusAddr address, ReadOnlySpan<DmaPiece> pieces, DmaAccess access);

    /// <summary>Takes away what <see cref="TryMapAt"/> mapped; the addresses stay reserved.</summary>
    /// <exception cref="InvalidOperationException">Not all of it is mapped; nothing changed.</exception>
    public abstract void UnmapAt(Cpu cpu, BusAddr address, ulong size);

    /// <summary>The physical memory that devices of the domain reach by the tables now, by rising address, each byte once.</summary>
    public abstract IReadOnlyList<PhysRange> ReachableMemory();

    /// <summary>What a device address is mapped to by the tables (iommu_iova_to_phys).</summary>
    public abstract bool TryToPhys(BusAddr address, out PhysAddr phys);
}
