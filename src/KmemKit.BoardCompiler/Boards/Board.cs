using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>A stretch of RAM as the firmware describes it: one <c>reg</c> entry of a <c>/memory</c> node.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The entry in the source.</param>
public sealed record MemoryBank(PhysRange Range, string NodePath, SourceSpan Span)
{
    /// <summary><c>numa-node-id</c>; 0 where there is none.</summary>
    public int NumaNode { get; init; }

    /// <summary><c>hotpluggable</c>.</summary>
    public bool Hotpluggable { get; init; }
}

/// <summary>Memory that is taken out of the banks before the kernel decides about lowmem (<c>qcom,memblock-remove</c>).</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The entry in the source.</param>
public sealed record MemoryHole(PhysRange Range, string NodePath, SourceSpan Span);

/// <summary>Where a reserved region comes from.</summary>
public enum ReservedSource
{
    /// <summary>A child of <c>/reserved-memory</c>.</summary>
    ReservedMemoryNode,

    /// <summary>A <c>/memreserve/</c> entry.</summary>
    MemReserve,
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

    /// <summary><c>linux,cma-default</c>.</summary>
    public bool CmaDefault { get; init; }

    /// <summary><c>linux,dma-default</c>.</summary>
    public bool DmaDefault { get; init; }

    /// <summary><c>size</c> of a region without address, in bytes.</summary>
    public ulong? DynamicSize { get; init; }

    /// <summary><c>alignment</c> of a region without address, in bytes; 0 where not given.</summary>
    public ulong DynamicAlignment { get; init; }

    /// <summary><c>alloc-ranges</c>: where a region without address may be placed; empty means anywhere in lowmem.</summary>
    public ImmutableArray<PhysRange> AllocRanges { get; init; } = ImmutableArray<PhysRange>.Empty;
}

/// <summary>One address range of a device, in the CPU's physical addresses.</summary>
/// <param name="Name"><c>reg-names</c> entry, or null.</param>
/// <param name="Range">Physical addresses after all <c>ranges</c> on the way to the root.</param>
/// <param name="Span">The entry in the source.</param>
public sealed record DeviceRange(string? Name, PhysRange Range, SourceSpan Span);

/// <summary>A node with addresses that is not memory: a peripheral, an on-chip SRAM, a controller.</summary>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Ranges">Its ranges that the CPU can reach.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BoardDevice(string NodePath, ImmutableArray<DeviceRange> Ranges, SourceSpan Span)
{
    /// <summary>Labels, in order.</summary>
    public ImmutableArray<string> Labels { get; init; } = ImmutableArray<string>.Empty;

    /// <summary><c>compatible</c>, most specific first.</summary>
    public ImmutableArray<string> Compatible { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>False for <c>status = "disabled"</c> and the like, on the node or a parent.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>Whether it is memory the CPU can use like RAM (<c>mmio-sram</c>).</summary>
    public bool IsSram { get; init; }
}

/// <summary>A processor (<c>/cpus/cpu@N</c>).</summary>
/// <param name="Id"><c>reg</c>.</param>
/// <param name="Compatible"><c>compatible</c>, most specific first.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BoardCpu(ulong Id, ImmutableArray<string> Compatible, string NodePath, SourceSpan Span);

/// <summary>A board: what its devicetree and its policy say together. The one input of every planner.</summary>
public sealed record Board
{
    /// <summary>The board's name: file name of its source without extension.</summary>
    public required string Name { get; init; }

    /// <summary><c>model</c> of the root node; empty where there is none.</summary>
    public string Model { get; init; } = "";

    /// <summary><c>compatible</c> of the root node.</summary>
    public ImmutableArray<string> Compatible { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>From the policy, else from the cpu nodes, else from the root's <c>compatible</c>.</summary>
    public TargetArchitecture Architecture { get; init; }

    /// <summary>The policy.</summary>
    public required Policy Policy { get; init; }

    /// <summary>The devicetree behind it.</summary>
    public required DeviceTree Tree { get; init; }

    /// <summary>RAM, in the order the tree gives it (which old kernels' layouts depend on).</summary>
    public ImmutableArray<MemoryBank> Banks { get; init; } = ImmutableArray<MemoryBank>.Empty;

    /// <summary>Holes that exist before the lowmem decision.</summary>
    public ImmutableArray<MemoryHole> Holes { get; init; } = ImmutableArray<MemoryHole>.Empty;

    /// <summary>Reserved memory, <c>/memreserve/</c> first, in order.</summary>
    public ImmutableArray<ReservedRegion> Reserved { get; init; } = ImmutableArray<ReservedRegion>.Empty;

    /// <summary>Devices, in the order of the tree.</summary>
    public ImmutableArray<BoardDevice> Devices { get; init; } = ImmutableArray<BoardDevice>.Empty;

    /// <summary>Processors, in the order of the tree.</summary>
    public ImmutableArray<BoardCpu> Cpus { get; init; } = ImmutableArray<BoardCpu>.Empty;
}

/// <summary>What compiling a board gives.</summary>
/// <param name="Board">The board; null where an error left none.</param>
/// <param name="Diagnostics">All findings of all stages up to here, in order.</param>
public sealed record BoardResult(Board? Board, ImmutableArray<KmemDiagnostic> Diagnostics);
