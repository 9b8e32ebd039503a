using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Sharing.Files;
using KmemKit.Runtime.Sharing.Ion;

namespace KmemKit.Runtime.Sharing.Upstream;

/// <summary>A heap that gives dma-bufs to processes (drivers/dma-buf/dma-heap.c, <c>/dev/dma_heap</c>): <c>system</c> of pages, or one of a contiguous area.</summary>
public sealed class DmaHeap
{
    private readonly SharingHost _host;
    private readonly IonHeap _heap;

    private DmaHeap(SharingHost host, IonHeap heap)
    {
        ArgumentNullException.ThrowIfNull(host);
        (_host, _heap) = (host, heap);
    }

    /// <summary>Its name.</summary>
    public string Name => _heap.Name;

    /// <summary>Bytes of its buffers.</summary>
    public ulong Allocated => _heap.Allocated;

    /// <summary>The heap of pages (heaps/system_heap.c), whose way of taking them is that of ION's.</summary>
    public static DmaHeap System(SharingHost host) => new(host, new IonSystemHeap(0));

    /// <summary>A heap of a contiguous area (heaps/cma_heap.c).</summary>
    public static DmaHeap Cma(SharingHost host, CmaArea area)
    {
        ArgumentNullException.ThrowIfNull(area);
        return new DmaHeap(host, new IonCmaHeap(0, area, area.Name));
    }

    /// <summary>Allocates a buffer (DMA_HEAP_IOCTL_ALLOC). Its mappings of the processor are cached, as the linear map's.</summary>
    /// <param name="size">Bytes, rounded up to pages.</param>
    /// <exception cref="SharingException">There is no memory.</exception>
    public DmaBuf Allocate(ulong size)
    {
        var bytes = _host.RoundUp(size, Name);
        if (_heap.Allocate(_host, bytes, 1) is not { } memory)
            throw new SharingException(SharingError.NoMemory, Name, $"{bytes} bytes are asked for, and are not there.");
        memory.Memory.Clear(_host.Memory);
        return new DmaBuf(_host, Name, memory.Memory, MemoryUse.Cached, () => _heap.Free(_host, memory));
    }

    /// <summary>Allocates a buffer and gives a process its descriptor.</summary>
    public int Allocate(ulong size, FileTable process)
    {
        ArgumentNullException.ThrowIfNull(process);
        return process.Install(Allocate(size).File);
    }
}
