using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Memblock;

/// <summary>
/// <c>alloc_bootmem</c>: zeroed memory before the page allocator exists (include/linux/bootmem.h, mm/nobootmem.c). What is not freed before
/// <see cref="FreeAll"/> is never given back; afterwards nothing can be allocated here.
/// </summary>
/// <remarks>The calls without Try are the kernel's that panic: an exception here.</remarks>
public sealed class Bootmem
{
    // ARCH_LOW_ADDRESS_LIMIT, one past it.
    private const ulong LowLimit = 1UL << 32;

    private readonly PhysicalMemory _memory;

    /// <summary>Over a memblock and the RAM it describes.</summary>
    /// <param name="memblock">Places the memory.</param>
    /// <param name="memory">Is zeroed where it is placed.</param>
    /// <param name="goal">BOOTMEM_LOW_LIMIT, the end of DMA memory: what is scarce below is spared while there is room above.</param>
    public Bootmem(Memblock memblock, PhysicalMemory memory, PhysAddr goal = default)
    {
        ArgumentNullException.ThrowIfNull(memblock);
        ArgumentNullException.ThrowIfNull(memory);
        Memblock = memblock;
        _memory = memory;
        Goal = goal;
    }

    /// <summary>For a board whose RAM is <paramref name="memory"/>; the goal is the end of node 0's DMA zone, if it has one.</summary>
    public static Bootmem FromLayout(MemoryLayout layout, PhysicalMemory memory)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var goal = PhysAddr.Zero;
        foreach (var zone in layout.Zones)
        {
            if (zone is { Name: "DMA", Node: 0 })
                goal = layout.Pages.ToAddress(zone.Start + zone.Spanned);
        }
        return new Bootmem(Memblock.FromLayout(layout), memory, goal);
    }

    /// <summary>Where the memory comes from.</summary>
    public Memblock Memblock { get; }

    /// <summary>Allocations are rather at or above it.</summary>
    public PhysAddr Goal { get; }

    /// <summary>Takes <paramref name="size"/> bytes, aligned to a cache line (alloc_bootmem).</summary>
    /// <exception cref="MemblockException">ENOMEM; or the page allocator runs already.</exception>
    public PhysAddr Alloc(ulong size) => TryAlloc(size) ?? throw OutOfMemory(size);

    /// <summary>The same; null for ENOMEM (alloc_bootmem_nopanic).</summary>
    public PhysAddr? TryAlloc(ulong size) => Zeroed(Memblock.Alloc(size, Memblock.DefaultAlignment, Goal), size);

    /// <summary>Takes <paramref name="size"/> bytes from the start of a page (alloc_bootmem_pages).</summary>
    /// <exception cref="MemblockException">ENOMEM; or the page allocator runs already.</exception>
    public PhysAddr AllocPages(ulong size) =>
        Zeroed(Memblock.Alloc(size, Memblock.Pages.PageSize, Goal), size) ?? throw OutOfMemory(size);

    /// <summary>Takes <paramref name="size"/> bytes below 4 GiB with no goal (alloc_bootmem_low).</summary>
    /// <exception cref="MemblockException">ENOMEM; or the page allocator runs already.</exception>
    public PhysAddr AllocLow(ulong size) =>
        Zeroed(Memblock.Alloc(size, Memblock.DefaultAlignment, maximum: LowLimit), size) ?? throw OutOfMemory(size);

    /// <summary>Takes <paramref name="size"/> bytes below 4 GiB from the start of a page (alloc_bootmem_low_pages).</summary>
    /// <exception cref="MemblockException">ENOMEM; or the page allocator runs already.</exception>
    public PhysAddr AllocLowPages(ulong size) =>
        Zeroed(Memblock.Alloc(size, Memblock.Pages.PageSize, maximum: LowLimit), size) ?? throw OutOfMemory(size);

    /// <summary>Takes <paramref name="size"/> bytes, rather on <paramref name="node"/> (alloc_bootmem_node).</summary>
    /// <exception cref="MemblockException">ENOMEM; or the page allocator runs already.</exception>
    public PhysAddr AllocNode(int node, ulong size) =>
        Zeroed(Memblock.Alloc(size, Memblock.DefaultAlignment, Goal, node: node), size) ?? throw OutOfMemory(size);

    /// <summary>Gives memory back (free_bootmem). All of it must be taken: unlike memblock's Free, a second free is an error.</summary>
    /// <exception cref="MemblockException">EINVAL: some of it is free; or the page allocator runs already.</exception>
    public void Free(PhysAddr start, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        var range = new PhysRange(start, size);
        var taken = Memblock.Reserved.IndexOf(start);
        if (taken < 0 || !Memblock.Reserved[taken].Range.Contains(range))
            throw new MemblockException(MemblockError.NotReserved, $"free_bootmem of {range}: it is not all taken; freed twice, or never allocated?");
        Memblock.Free(start, size);
    }

    /// <summary>Gives all that is free to the page allocator (free_all_bootmem).</summary>
    /// <inheritdoc cref="Memblock.ReleaseAll"/>
    public MemblockRelease FreeAll(int maxOrder, Action<PageFrame, int> release) => Memblock.ReleaseAll(maxOrder, release);

    private PhysAddr? Zeroed(PhysAddr? place, ulong size)
    {
        if (place is { } start)
            _memory.Clear(start, size);
        return place;
    }

    private static MemblockException OutOfMemory(ulong size) => new(MemblockError.NoMemory, $"bootmem alloc of {size} bytes failed: out of memory.");
}
