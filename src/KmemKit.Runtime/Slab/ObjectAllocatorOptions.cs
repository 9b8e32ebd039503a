using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Slab;

/// <summary>What a boot may choose; the defaults are the kernel's for the board.</summary>
public sealed record ObjectAllocatorOptions
{
    /// <summary>SLAB, SLUB or SLOB; null for the policy's, else SLUB.</summary>
    public ObjectAllocatorKind? Kind { get; init; }

    /// <summary>Who looks at objects of caches with debug flags; null for nobody: debug flags are dropped then, as in a kernel built without.</summary>
    public ObjectDebugger? Debugger { get; init; }

    /// <summary>L1_CACHE_BYTES, a power of two; null for the architecture's.</summary>
    public int? CacheLineBytes { get; init; }

    /// <summary>KMALLOC_MIN_SIZE, a power of two from 8 to 256; null for the architecture's.</summary>
    public int? KmallocMinSize { get; init; }

    /// <summary>Whether caches of the same shape become one (not with <c>slab_nomerge</c>).</summary>
    public bool Merge { get; init; } = true;

    /// <summary>CPUs that the order of slabs is chosen for (<c>nr_cpu_ids</c>); null for those of the page allocator.</summary>
    public int? CpuIds { get; init; }
}
