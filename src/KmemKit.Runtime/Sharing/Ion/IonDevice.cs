using System;
using System.Collections.Generic;
using System.Globalization;
using System.Numerics;
using KmemKit.Runtime.Sharing.Files;

namespace KmemKit.Runtime.Sharing.Ion;

/// <summary>How a buffer is to be used (ION_FLAG_*).</summary>
[Flags]
public enum IonFlags
{
    /// <summary>Mappings of the processor are not cached.</summary>
    None = 0,

    /// <summary>ION_FLAG_CACHED: they are, and the owner keeps caches in step.</summary>
    Cached = 1,
}

/// <summary>ION (drivers/staging/android/ion): heaps, clients with handles, buffers that live as long as a handle or a file.</summary>
/// <remarks>
/// Allocator: the heaps. Exporter: a file by ioctl (ION_IOC_SHARE), imported by ION_IOC_IMPORT. CPU mapper: ioremap of set-aside memory, vmap of pages. IOMMU mapper: the DMA API
/// over the driver of the SMMU, once a buffer and device however often asked for. Handle: <see cref="IonHandle"/>. Reference counts: the handle's of its
/// client, the buffer's of handles and files.
/// </remarks>
public sealed class IonDevice
{
    private readonly List<IonHeap> _heaps = [];

    /// <summary>A device without heaps.</summary>
    public IonDevice(SharingHost host)
    {
        ArgumentNullException.ThrowIfNull(host);
        Host = host;
    }

    /// <summary>The board.</summary>
    public SharingHost Host { get; }

    /// <summary>Heaps in the order in which they are tried.</summary>
    public IReadOnlyList<IonHeap> Heaps => _heaps;

    /// <summary>Buffers that live.</summary>
    public int BufferCount { get; private set; }

    /// <summary>Adds a heap (ion_device_add_heap).</summary>
    /// <exception cref="SharingException">Another has its number.</exception>
    public void AddHeap(IonHeap heap)
    {
        ArgumentNullException.ThrowIfNull(heap);
        var place = _heaps.FindIndex(other => other.Id <= heap.Id);
        if (place >= 0 && _heaps[place].Id == heap.Id)
            throw new SharingException(SharingError.Busy, heap.Name, $"heap {_heaps[place].Name} has the number {heap.Id}.");
        _heaps.Insert(place < 0 ? _heaps.Count : place, heap);
    }

    /// <summary>A client (ion_client_create).</summary>
    /// <param name="name">Whose.</param>
    /// <param name="heapMask">Heaps that it may use at all.</param>
    public IonClient CreateClient(string name, uint heapMask = uint.MaxValue) => new(this, name, heapMask);

    internal IonBuffer Allocate(string client, ulong size, ulong alignment, uint mask, IonFlags flags)
    {
        var bytes = Host.RoundUp(size, client);
        if (alignment != 0 && !BitOperations.IsPow2(alignment))
            throw new SharingException(SharingError.BadAlignment, client, $"{alignment} is no power of two.");
        var tried = new List<string>();
        foreach (var heap in _heaps)
        {
            if ((mask & (1u << heap.Id)) == 0)
                continue;
            tried.Add(heap.Name);
            if (heap.Allocate(Host, bytes, Math.Max(alignment, 1)) is not { } memory)
                continue;
            memory.Memory.Clear(Host.Memory);
            BufferCount++;
            return new IonBuffer(this, heap, memory, flags);
        }
        throw tried.Count == 0
            ? new SharingException(SharingError.NoHeap, client, $"no heap is in the mask 0x{mask.ToString("x", CultureInfo.InvariantCulture)}; there are {string.Join(", ", _heaps.ConvertAll(heap => $"{heap.Name} ({1u << heap.Id:x})"))}.")
            : new SharingException(SharingError.NoMemory, client, $"{bytes} bytes aligned to {Math.Max(alignment, 1)} are in none of the heaps {string.Join(", ", tried)}.");
    }

    internal void Released() => BufferCount--;
}
