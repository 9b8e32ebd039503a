using System;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Dma.Debug;
using KmemKit.Runtime.Dma.Swiotlb;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Dma;

/// <summary>Memory for devices: the DMA API (Documentation/core-api/dma-api.rst), over SMMU address spaces, bus windows and bounce buffers.</summary>
/// <remarks>
/// <para>A device with a <see cref="DmaDevice.Domain"/> sees what that maps. Without one it sees its bus: memory that a window holds and the mask reaches is given to it as it
/// is, other memory through <see cref="Swiotlb"/>. Caches are kept in step for devices that are not coherent; what that costs is counted.</para>
/// <para>Between map and unmap the memory is the device's. The processor may look at it between <see cref="SyncForCpu"/> and <see cref="SyncForDevice"/>. With
/// <see cref="Debug"/> on, breaking these rules is reported.</para>
/// </remarks>
public sealed unsafe partial class DmaMapper
{
    private readonly PhysicalMemory _memory;

    /// <summary>The DMA API of a board.</summary>
    /// <param name="memory">Its RAM.</param>
    /// <param name="swiotlb">Bounce buffers; null for none.</param>
    public DmaMapper(PhysicalMemory memory, SwiotlbPool? swiotlb = null)
    {
        ArgumentNullException.ThrowIfNull(memory);
        _memory = memory;
        Swiotlb = swiotlb;
    }

    /// <summary>Bounce buffers; null for none.</summary>
    public SwiotlbPool? Swiotlb { get; }

    /// <summary>Checks every call and access (CONFIG_DMA_API_DEBUG); null for off, which costs nothing.</summary>
    public DmaDebug? Debug { get; set; }

    /// <summary>Gives memory to a device (dma_map_page, dma_map_single).</summary>
    /// <param name="cpu">The CPU that maps.</param>
    /// <param name="device">The device.</param>
    /// <param name="address">First byte, in RAM.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="direction">Which way data goes.</param>
    /// <param name="bus">The address to give to the device.</param>
    /// <param name="attributes">Attributes.</param>
    /// <returns>On an error the memory is not the device's.</returns>
    public DmaError TryMap(
        Cpu cpu, DmaDevice device, PhysAddr address, ulong size, DmaDirection direction, out BusAddr bus, DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(device);
        bus = default;
        if (size == 0 || !_memory.HasRam(address, size))
            return DmaError.Invalid;
        // A coherent device behind an SMMU has it from there; nothing is left to do here.
        return device.Domain is { } translated && device.IsCoherent && Debug is null
            ? translated.TryMapOne(cpu, address, size, AccessOf(device, direction, attributes), device.DmaMask, out bus)
            : TryMapAny(cpu, device, address, size, direction, attributes, out bus);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private DmaError TryMapAny(Cpu cpu, DmaDevice device, PhysAddr address, ulong size, DmaDirection direction, DmaAttributes attributes, out BusAddr bus)
    {
        var error = device.Domain is { } domain
            ? domain.TryMapOne(cpu, address, size, AccessOf(device, direction, attributes), device.DmaMask, out bus)
            : TryMapDirect(device, address, size, direction, attributes, out bus);
        if (error != DmaError.None)
            return error;
        if (!device.IsCoherent && (attributes & DmaAttributes.SkipCpuSync) == 0)
            device.Caches.ForDevice(device.Domain is null && device.TryToPhys(bus, size, out var given) ? given : address, size, direction);
        Debug?.Mapped(device, bus, address, size, direction, DmaDebugType.Single);
        return DmaError.None;
    }

    /// <summary>Takes memory back from a device (dma_unmap_page, dma_unmap_single).</summary>
    /// <param name="cpu">The CPU that unmaps.</param>
    /// <param name="device">The device.</param>
    /// <param name="bus">As <see cref="TryMap"/> gave it.</param>
    /// <param name="size">As it was mapped.</param>
    /// <param name="direction">As it was mapped.</param>
    /// <param name="attributes">As it was mapped.</param>
    /// <exception cref="InvalidOperationException">Nothing of that size is mapped there, and the device's addresses are translated or bounced.</exception>
    public void Unmap(
        Cpu cpu, DmaDevice device, BusAddr bus, ulong size, DmaDirection direction, DmaAttributes attributes = DmaAttributes.None)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (device.Domain is { } translated && device.IsCoherent && Debug is null)
            translated.Unmap(cpu, bus, size);
        else
            UnmapAny(cpu, device, bus, size, direction, attributes);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void UnmapAny(Cpu cpu, DmaDevice device, BusAddr bus, ulong size, DmaDirection direction, DmaAttributes attributes)
    {
        if (Debug is { } debug && !debug.Unmapping(device, bus, size, direction, DmaDebugType.Single))
            return;
        if ((attributes & DmaAttributes.SkipCpuSync) == 0 && NeedsSync(device))
            Sync(device, bus, 0, size, direction, forCpu: true);
        if (device.Domain is { } domain)
            domain.Unmap(cpu, bus, size);
        else if (Swiotlb is { } pool && device.TryToPhys(bus, size, out var phys) && pool.Contains(phys))
            pool.Give(phys, size);
    }

    /// <summary>The processor may look at what the device wrote, and change it (dma_sync_single_range_for_cpu).</summary>
    /// <param name="device">The device.</param>
    /// <param name="bus">As <see cref="TryMap"/> gave it.</param>
    /// <param name="offset">Where in the mapping to begin.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="direction">As it was mapped.</param>
    public void SyncForCpu(DmaDevice device, BusAddr bus, ulong offset, ulong size, DmaDirection direction)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (Debug is { } debug && !debug.Syncing(device, bus, offset, size, direction, forCpu: true))
            return;
        Sync(device, bus, offset, size, direction, forCpu: true);
    }

    /// <summary>The memory is the device's again (dma_sync_single_range_for_device).</summary>
    /// <inheritdoc cref="SyncForCpu"/>
    public void SyncForDevice(DmaDevice device, BusAddr bus, ulong offset, ulong size, DmaDirection direction)
    {
        ArgumentNullException.ThrowIfNull(device);
        if (Debug is { } debug && !debug.Syncing(device, bus, offset, size, direction, forCpu: false))
            return;
        Sync(device, bus, offset, size, direction, forCpu: false);
    }

    /// <summary>The physical memory behind a device's address; false where nothing is mapped.</summary>
    public static bool TryToPhys(DmaDevice device, BusAddr bus, out PhysAddr address)
    {
        ArgumentNullException.ThrowIfNull(device);
        return device.Domain is { } domain ? domain.TryToPhys(bus, out address) : device.TryToPhys(bus, 1, out address);
    }

    private DmaError TryMapDirect(DmaDevice device, PhysAddr address, ulong size, DmaDirection direction, DmaAttributes attributes, out BusAddr bus)
    {
        if (device.TryToBus(address, size, device.DmaMask, out bus))
            return DmaError.None;
        if (Swiotlb is not { } pool)
            return DmaError.NotReachable;
        if (!pool.TryTake(address, size, SwiotlbPool.SlotBytes, out var bounce))
            return DmaError.NoBounceBuffer;
        if (!device.TryToBus(bounce, size, device.DmaMask, out bus))
        {
            pool.Give(bounce, size);
            return DmaError.NotReachable;
        }
        // From the device as well: what it does not write must still be the old data when it comes back (swiotlb_tbl_map_single).
        if ((attributes & DmaAttributes.SkipCpuSync) == 0)
            pool.Copy(bounce, 0, size, toPool: true);
        return DmaError.None;
    }

    // Neither caches nor copies are between a coherent device and its memory, as a rule.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool NeedsSync(DmaDevice device) => !device.IsCoherent || (Swiotlb is not null && device.Domain is null);

    // Caches first towards the processor, copies first towards the device: the copy is made by the processor.
    private void Sync(DmaDevice device, BusAddr bus, ulong offset, ulong size, DmaDirection direction, bool forCpu)
    {
        if (!NeedsSync(device))
            return;
        if (!TryToPhys(device, bus, out var start) || !TryToPhys(device, bus + offset, out var at))
            return;
        if (forCpu && !device.IsCoherent)
            device.Caches.ForCpu(at, size, direction);
        if (device.Domain is null && Swiotlb is { } pool && pool.Contains(start) && direction != (forCpu ? DmaDirection.ToDevice : DmaDirection.FromDevice))
            pool.Copy(start, offset, size, toPool: !forCpu);
        if (!forCpu && !device.IsCoherent)
            device.Caches.ForDevice(at, size, direction);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static DmaAccess AccessOf(DmaDevice device, DmaDirection direction, DmaAttributes attributes) => (direction switch
    {
        DmaDirection.ToDevice => DmaAccess.Read,
        DmaDirection.FromDevice => DmaAccess.Write,
        _ => DmaAccess.Read | DmaAccess.Write,
    }) | (device.IsCoherent ? DmaAccess.Cacheable : 0) | ((attributes & DmaAttributes.Privileged) != 0 ? DmaAccess.Privileged : 0);
}
