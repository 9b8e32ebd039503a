using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Where a reserved region comes from.</summary>
public enum ReservedSource
{
    /// <summary>A child of <c>/reserved-memory</c>.</summary>
    ReservedMemoryNode,

    /// <summary>A <c>/memreserve/</c> entry.</summary>
    MemReserve,

    /// <summary>A <c>qcom,memblock-reserve</c> of a device (msm 3.4 and 3.10).</summary>
    MemblockReserve,
}

/// <summary>Memory set aside: a child of <c>/reserved-memory</c>, or a <c>/memreserve/</c> entry.</summary>
/// <param name="Name">Node name without unit address, or <c>memreserve</c>.</param>
/// <param name="Range">Physical addresses; null where the region has a size only and the layout places it.</param>
/// <param name="Span">The <c>reg</c> or <c>size</c> entry in the source.</param>
public sealed record ReservedRegion(string Name, PhysRange? Range, SourceSpan Span)
{
    /// <summary>Where it comes from.</summary>
    public ReservedSource Source { get; init; }

    /// <summary>Path of the node; empty for <c>/memreserve/</c>.</summary>
    public string NodePath { get; init; } = "";

    /// <summary>Labels of the node.</summary>
    public ImmutableArray<string> Labels { get; init; } = ImmutableArray<string>.Empty;

    /// <summary><c>compatible</c> of the node.</summary>
    public ImmutableArray<string> Compatible { get; init; } = ImmutableArray<string>.Empty;

    /// <summary><c>no-map</c>: the kernel must not map it.</summary>
    public bool NoMap { get; init; }

    /// <summary><c>reusable</c>: lent to movable pages.</summary>
    public bool Reusable { get; init; }

    /// <summary>Whether it becomes a contiguous area: a <c>shared-dma-pool</c> that is <c>reusable</c> (rmem_cma_setup).</summary>
    public bool IsCma => Reusable && !NoMap && Compatible.Contains("shared-dma-pool");

    /// <summary><c>linux,cma-default</c>.</summary>
    public bool CmaDefault { get; init; }

    /// <summary>Which of the node's <c>reg</c> entries it is, from 0.</summary>
    public int Index { get; init; }

    /// <summary><c>linux,dma-default</c>.</summary>
    public bool DmaDefault { get; init; }

    /// <summary><c>size</c> of a region without address, in bytes.</summary>
    public ulong? DynamicSize { get; init; }

    /// <summary><c>alignment</c> of a region without address, in bytes; 0 where not given.</summary>
    public ulong DynamicAlignment { get; init; }

    /// <summary><c>alloc-ranges</c>: where a region without address may be placed; empty means anywhere in lowmem.</summary>
    public ImmutableArray<PhysRange> AllocRanges { get; init; } = ImmutableArray<PhysRange>.Empty;
}
