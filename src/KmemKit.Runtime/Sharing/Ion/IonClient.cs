using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Sharing.Files;

namespace KmemKit.Runtime.Sharing.Ion;

/// <summary>A client's name for a buffer (struct ion_handle): one a buffer and client, counted.</summary>
public sealed class IonHandle
{
    internal IonHandle(IonClient client, IonBuffer buffer, int id) => (Client, Buffer, Id, References) = (client, buffer, id, 1);

    /// <summary>Whose.</summary>
    public IonClient Client { get; }

    /// <summary>What it stands for.</summary>
    public IonBuffer Buffer { get; }

    /// <summary>Its number in the client.</summary>
    public int Id { get; }

    /// <summary>How often it was allocated or imported and not freed.</summary>
    public int References { get; internal set; }

    /// <summary>Kernel mappings by it (kmap_cnt).</summary>
    public int KernelMaps { get; internal set; }

    internal List<DmaDevice> Devices { get; } = [];
}

/// <summary>A process or driver that uses ION (struct ion_client).</summary>
public sealed class IonClient : IDisposable
{
    private readonly IonDevice _device;
    private readonly uint _mask;
    private readonly List<IonHandle> _handles = [];
    private int _nextId = 1;

    internal IonClient(IonDevice device, string name, uint mask) => (_device, Name, _mask) = (device, name, mask);

    /// <summary>Whose.</summary>
    public string Name { get; }

    /// <summary>Handles that it holds.</summary>
    public int Count => _handles.Count;

    /// <summary>Allocates a buffer (ION_IOC_ALLOC): from the first heap of the mask, in the device's order, that has room.</summary>
    /// <param name="size">Bytes, rounded up to pages.</param>
    /// <param name="alignment">A power of two; 0 for none.</param>
    /// <param name="heapMask">Bits of heaps.</param>
    /// <param name="flags">Caching.</param>
    /// <exception cref="SharingException">No heap of the client's is in the mask, none has room, or an argument is none.</exception>
    public IonHandle Allocate(ulong size, ulong alignment, uint heapMask, IonFlags flags = IonFlags.None) =>
        Add(_device.Allocate(Name, size, alignment, heapMask & _mask, flags));

    /// <summary>Frees a handle, once a reference (ION_IOC_FREE). The buffer stays while others have it.</summary>
    /// <exception cref="SharingException">It is not this client's, was freed, or still has mappings of its own.</exception>
    public void Free(IonHandle handle)
    {
        Check(handle);
        if (handle.References > 1)
        {
            handle.References--;
            return;
        }
        if (handle.KernelMaps != 0 || handle.Devices.Count != 0)
            throw new SharingException(SharingError.Busy, Name, $"handle {handle.Id} has {handle.KernelMaps} kernel and {handle.Devices.Count} device mappings.");
        handle.Buffer.Put(Name);
        handle.References = 0;
        _handles.Remove(handle);
    }

    /// <summary>A file that stands for the buffer, put into the client's process (ION_IOC_SHARE).</summary>
    public int Share(IonHandle handle, FileTable process)
    {
        ArgumentNullException.ThrowIfNull(process);
        Check(handle);
        var buffer = handle.Buffer;
        buffer.Get();
        return process.Install(new SharedFile("ion buffer", buffer, () => buffer.Put("ion buffer")));
    }

    /// <summary>A handle for another's buffer (ION_IOC_IMPORT); the same one where the client has it already.</summary>
    public IonHandle Import(FileTable process, int descriptor)
    {
        ArgumentNullException.ThrowIfNull(process);
        var file = process[descriptor];
        if (file.Subject is not IonBuffer buffer)
            throw new SharingException(SharingError.BadFile, process.Process, $"descriptor {descriptor} is {file.Name}, no buffer of ION.");
        if (_handles.Find(handle => handle.Buffer == buffer) is not { } known)
            return Add(buffer);
        known.References++;
        return known;
    }

    /// <summary>The one physical address of a buffer (ion_phys).</summary>
    /// <exception cref="SharingException">Its memory is not in a row.</exception>
    public PhysRange Phys(IonHandle handle)
    {
        Check(handle);
        return handle.Buffer.Memory.Row($"handle {handle.Id} of {Name}");
    }

    /// <summary>Maps a buffer for the kernel (ion_map_kernel): once, however often asked for.</summary>
    public CpuMapping MapKernel(IonHandle handle)
    {
        Check(handle);
        var mapping = handle.Buffer.MapKernel(Name);
        handle.KernelMaps++;
        return mapping;
    }

    /// <summary>One mapping less (ion_unmap_kernel).</summary>
    public void UnmapKernel(IonHandle handle)
    {
        Check(handle);
        if (handle.KernelMaps == 0)
            throw new SharingException(SharingError.NotMapped, Name, $"handle {handle.Id} is not mapped for the kernel.");
        handle.Buffer.UnmapKernel(Name);
        handle.KernelMaps--;
    }

    /// <summary>Maps a buffer for a device (ion_map_iommu).</summary>
    public DeviceMapping MapDevice(IonHandle handle, DmaDevice device, DmaDirection direction)
    {
        Check(handle);
        var mapping = handle.Buffer.MapDevice(device, direction, Name);
        handle.Devices.Add(device);
        return mapping;
    }

    /// <summary>Takes it away (ion_unmap_iommu).</summary>
    public void UnmapDevice(IonHandle handle, DmaDevice device)
    {
        Check(handle);
        if (!handle.Devices.Remove(device))
            throw new SharingException(SharingError.NotMapped, Name, $"handle {handle.Id} is not mapped for {device}.");
        handle.Buffer.UnmapDevice(device, Name);
    }

    /// <summary>Keeps caches in step for all devices that have the buffer (ION_IOC_SYNC).</summary>
    public void Sync(IonHandle handle, bool forCpu)
    {
        Check(handle);
        handle.Buffer.Sync(forCpu);
    }

    /// <summary>The client goes (ion_client_destroy): its mappings and handles too.</summary>
    public void Dispose()
    {
        foreach (var handle in _handles.ToArray())
        {
            foreach (var device in handle.Devices.ToArray())
                UnmapDevice(handle, device);
            while (handle.KernelMaps > 0)
                UnmapKernel(handle);
            handle.References = 1;
            Free(handle);
        }
    }

    private IonHandle Add(IonBuffer buffer)
    {
        buffer.Get();
        var handle = new IonHandle(this, buffer, _nextId++);
        _handles.Add(handle);
        return handle;
    }

    private void Check(IonHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        if (handle.Client != this)
            throw new SharingException(SharingError.BadHandle, Name, $"handle {handle.Id} is {handle.Client.Name}'s.");
        if (handle.References == 0)
            throw new SharingException(SharingError.BadHandle, Name, $"handle {handle.Id} was freed.");
    }
}
