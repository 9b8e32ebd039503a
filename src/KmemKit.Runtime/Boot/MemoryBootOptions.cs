using System.Collections.Immutable;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.Boot;

/// <summary>What a boot may choose; the defaults are the kernel's for the board.</summary>
public sealed record MemoryBootOptions
{
    /// <summary>Choices for the page allocator; <see cref="PageAllocatorOptions.Build"/> holds for the whole boot.</summary>
    public PageAllocatorOptions Pages { get; init; } = new();

    /// <summary>
    /// What is in place before the kernel looks: page tables and vectors that were planned. They are reserved first, and stand for what the kernel would place itself:
    /// <c>swapper_pg_dir</c> where one is named <c>page tables</c>, and <c>vectors</c>.
    /// </summary>
    public ImmutableArray<EarlyAllocation> InPlace { get; init; } = [];

    /// <summary>The largest block's order, 6 to 13; null for the kernel's of that page size.</summary>
    public int? MaxOrder { get; init; }

    /// <summary>Choices for object caches: who looks at their objects is one of them. Null for the defaults.</summary>
    public ObjectAllocatorOptions? Objects { get; init; }

    /// <summary>Whether views of RAM can be made (<see cref="Memory.PhysicalMemory.CreateView"/>): for code of the host that uses vmalloc memory by its pointer.</summary>
    public bool SharedRam { get; init; }
}
