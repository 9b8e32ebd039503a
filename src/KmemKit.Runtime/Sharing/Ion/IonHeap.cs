using System;
using System.Collections.Generic;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Cma;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Sharing.Ion;

/// <summary>What a heap gives (enum ion_heap_type).</summary>
public enum IonHeapType
{
    /// <summary>ION_HEAP_TYPE_SYSTEM: pages, wherever they are.</summary>
    System = 0,

    /// <summary>ION_HEAP_TYPE_SYSTEM_CONTIG: a block of the page allocator.</summary>
    SystemContig = 1,

    /// <summary>ION_HEAP_TYPE_CARVEOUT: a piece of set-aside memory.</summary>
    Carveout = 2,

    /// <summary>ION_HEAP_TYPE_DMA: a row of a contiguous area.</summary>
    Cma = 4,
}

/// <summary>Memory for ION's buffers (struct ion_heap).</summary>
public abstract class IonHeap
{
    private protected IonHeap(IonHeapType type, int id, string name)
    {
        if (id is < 0 or > 31)
            throw new ArgumentOutOfRangeException(nameof(id), id, "A heap's number is a bit of the mask: 0 to 31.");
        (Type, Id, Name) = (type, id, name);
    }

    /// <summary>Its kind.</summary>
    public IonHeapType Type { get; }

    /// <summary>Its bit in heap masks, 0 to 31; of several heaps in a mask the one with the highest number comes first, as in ion_device_add_heap.</summary>
    public int Id { get; }

    /// <summary>For errors.</summary>
    public string Name { get; }

    /// <summary>Bytes of its buffers.</summary>
    public ulong Allocated { get; private set; }

    internal IonHeapMemory? Allocate(SharingHost host, ulong bytes, ulong alignment)
    {
        var memory = TryAllocate(host, bytes, alignment);
        Allocated += memory is null ? 0 : bytes;
        return memory;
    }

    internal void Free(SharingHost host, IonHeapMemory memory)
    {
        Release(host, memory);
        Allocated -= memory.Memory.Size;
    }

    private protected abstract IonHeapMemory? TryAllocate(SharingHost host, ulong bytes, ulong alignment);

    private protected abstract void Release(SharingHost host, IonHeapMemory memory);
}

/// <summary>What a heap gave, and what it needs to take it back.</summary>
/// <param name="Memory">The memory.</param>
/// <param name="Token">The heap's own.</param>
internal sealed record IonHeapMemory(BufferMemory Memory, object? Token);

/// <inheritdoc cref="IonHeapType.System"/>
/// <remarks>Large blocks first, for fewer stretches: orders 8, 4 and 0, never a larger one than before (ion_system_heap.c). An alignment above a page is refused by it.</remarks>
public sealed class IonSystemHeap(int id, string name = "system") : IonHeap(IonHeapType.System, id, name)
{
    private static readonly int[] s_orders = [8, 4, 0];

    private protected override IonHeapMemory? TryAllocate(SharingHost host, ulong bytes, ulong alignment)
    {
        if (alignment > host.PageSize)
            return null;
        var (cpu, map) = (host.Cpu, host.Cpu.Allocator.Map);
        var blocks = new List<(Page First, int Order)>();
        var pieces = new List<DmaPiece>();
        var at = 0;
        for (var left = bytes; left != 0;)
        {
            var order = s_orders[at];
            var page = host.PageSize << order <= left && order <= map.MaxOrder
                ? cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn | (order > 0 ? GfpFlags.NoRetry : GfpFlags.None), order)
                : Page.Null;
            if (!page.IsNull)
            {
                blocks.Add((page, order));
                pieces.Add(new DmaPiece(map.PageToPhys(page), host.PageSize << order));
                left -= host.PageSize << order;
            }
            else if (++at == s_orders.Length)
            {
                blocks.ForEach(block => cpu.FreePages(block.First, block.Order));
                return null;
            }
        }
        return new IonHeapMemory(BufferMemory.Of([.. pieces]), blocks);
    }

    private protected override void Release(SharingHost host, IonHeapMemory memory)
    {
        foreach (var (first, order) in (List<(Page First, int Order)>)memory.Token!)
            host.Cpu.FreePages(first, order);
    }
}

/// <inheritdoc cref="IonHeapType.SystemContig"/>
/// <remarks>The pages of the block that are more than asked for go back at once. Aligned to its size, rounded up to a power of two.</remarks>
public sealed class IonSystemContigHeap(int id, string name = "system contig") : IonHeap(IonHeapType.SystemContig, id, name)
{
    private protected override IonHeapMemory? TryAllocate(SharingHost host, ulong bytes, ulong alignment)
    {
        var (cpu, map) = (host.Cpu, host.Cpu.Allocator.Map);
        var order = cpu.GetOrder(Math.Max(bytes, alignment));
        var first = order <= map.MaxOrder ? cpu.AllocPages(GfpFlags.Kernel | GfpFlags.NoWarn, order) : Page.Null;
        if (first.IsNull)
            return null;
        if (order > 0)
            cpu.SplitPage(first, order);
        var pages = (uint)(bytes / host.PageSize);
        for (var i = pages; i < 1u << order; i++)
            cpu.FreePage(new Page(first.Index + i));
        return new IonHeapMemory(BufferMemory.Of([new DmaPiece(map.PageToPhys(first), bytes)]), first);
    }

    private protected override void Release(SharingHost host, IonHeapMemory memory) =>
        host.Cpu.FreeContigRange((Page)memory.Token!, memory.Memory.Size / host.PageSize);
}

/// <inheritdoc cref="IonHeapType.Carveout"/>
public sealed class IonCarveoutHeap(int id, PhysRange range, string name = "carveout") : IonHeap(IonHeapType.Carveout, id, name)
{
    /// <summary>Its memory.</summary>
    public GenPool Pool { get; } = new(name, range);

    private protected override IonHeapMemory? TryAllocate(SharingHost host, ulong bytes, ulong alignment) =>
        Pool.TryAllocate(bytes, alignment, out var address) ? new IonHeapMemory(BufferMemory.Of([new DmaPiece(address, bytes)]), null) : null;

    private protected override void Release(SharingHost host, IonHeapMemory memory) => Pool.Free(memory.Memory.Pieces[0].Address, memory.Memory.Size);
}

/// <inheritdoc cref="IonHeapType.Cma"/>
public sealed class IonCmaHeap(int id, CmaArea area, string name = "cma") : IonHeap(IonHeapType.Cma, id, name)
{
    private protected override IonHeapMemory? TryAllocate(SharingHost host, ulong bytes, ulong alignment)
    {
        var row = area.Alloc(host.Cpu, bytes / host.PageSize, BitOperations.Log2(Math.Max(alignment / host.PageSize, 1)));
        return row.IsOk ? new IonHeapMemory(BufferMemory.Of([new DmaPiece(host.Cpu.Allocator.Map.PageToPhys(row.First), bytes)]), row.First) : null;
    }

    private protected override void Release(SharingHost host, IonHeapMemory memory) => area.Release(host.Cpu, (Page)memory.Token!, memory.Memory.Size / host.PageSize);
}
