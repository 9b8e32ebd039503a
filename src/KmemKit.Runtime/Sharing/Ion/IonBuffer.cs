using System.Collections.Generic;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Dma;

namespace KmemKit.Runtime.Sharing.Ion;

/// <summary>Memory of a heap that handles and files stand for (struct ion_buffer).</summary>
public sealed class IonBuffer
{
    private readonly IonDevice _device;
    private readonly IonHeapMemory _memory;
    private readonly Dictionary<DmaDevice, (DeviceMapping Mapping, int Count)> _mappings = [];
    private CpuMapping? _kernel;

    internal IonBuffer(IonDevice device, IonHeap heap, IonHeapMemory memory, IonFlags flags)
    {
        (_device, Heap, _memory, Flags) = (device, heap, memory, flags);
    }

    /// <summary>Where it came from.</summary>
    public IonHeap Heap { get; }

    /// <summary>Its memory.</summary>
    public BufferMemory Memory => _memory.Memory;

    /// <summary>How it is used.</summary>
    public IonFlags Flags { get; }

    /// <summary>Handles and files that stand for it.</summary>
    public int References { get; private set; }

    /// <summary>Kernel mappings that are held (kmap_cnt).</summary>
    public int KernelMaps { get; private set; }

    /// <summary>Devices that it is mapped for.</summary>
    public int DeviceMaps => _mappings.Count;

    internal void Get() => References++;

    internal void Put(string client)
    {
        if (References == 1 && (KernelMaps != 0 || _mappings.Count != 0))
        {
            throw new SharingException(
                SharingError.Busy, client, $"the last handle of a buffer of {Memory.Size} bytes goes while {KernelMaps} kernel and {_mappings.Count} device mappings are held.");
        }
        if (--References != 0)
            return;
        Heap.Free(_device.Host, _memory);
        _device.Released();
    }

    internal CpuMapping MapKernel(string owner)
    {
        var host = _device.Host;
        _kernel ??= host.CpuMapper.Map(host.Cpu, Memory, (Flags & IonFlags.Cached) != 0 ? MemoryUse.Cached : MemoryUse.WriteCombining, owner);
        KernelMaps++;
        return _kernel;
    }

    internal void UnmapKernel(string client)
    {
        if (KernelMaps == 0)
            throw new SharingException(SharingError.NotMapped, client, "the buffer is not mapped for the kernel.");
        if (--KernelMaps != 0)
            return;
        _device.Host.CpuMapper.Unmap(_device.Host.Cpu, _kernel!);
        _kernel = null;
    }

    internal DeviceMapping MapDevice(DmaDevice device, DmaDirection direction, string client)
    {
        if (_mappings.TryGetValue(device, out var known))
        {
            if (known.Mapping.Direction != direction && known.Mapping.Direction != DmaDirection.Bidirectional)
                throw new SharingException(SharingError.Busy, client, $"{device} has the buffer mapped as {known.Mapping.Direction}, and {direction} is asked for.");
            _mappings[device] = (known.Mapping, known.Count + 1);
            return known.Mapping;
        }
        var mapping = DeviceMapping.Map(_device.Host.Mapper, _device.Host.Cpu, device, Memory, direction, client);
        _mappings.Add(device, (mapping, 1));
        return mapping;
    }

    internal void UnmapDevice(DmaDevice device, string client)
    {
        if (!_mappings.TryGetValue(device, out var known))
            throw new SharingException(SharingError.NotMapped, client, $"the buffer is not mapped for {device}.");
        if (known.Count > 1)
        {
            _mappings[device] = (known.Mapping, known.Count - 1);
            return;
        }
        _mappings.Remove(device);
        known.Mapping.Unmap(_device.Host.Mapper, _device.Host.Cpu, Memory);
    }

    internal void Sync(bool forCpu)
    {
        foreach (var (mapping, _) in _mappings.Values)
            mapping.Sync(_device.Host.Mapper, forCpu);
    }
}
