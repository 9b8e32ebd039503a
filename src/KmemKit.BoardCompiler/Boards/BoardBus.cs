using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>One entry of <c>ranges</c> or <c>dma-ranges</c>: addresses of a bus and where they are on the bus above.</summary>
/// <param name="Space">The cells above the low 64 bits of the bus address; PCI's phys.hi. Empty on buses of one or two cells.</param>
/// <param name="Bus">First address on the bus.</param>
/// <param name="ParentSpace">The same of the bus above.</param>
/// <param name="Parent">First address on the bus above.</param>
/// <param name="Size">Bytes, up to 2^64.</param>
/// <param name="Span">The entry in the source.</param>
public sealed record BusWindow(
    ImmutableArray<uint> Space, BusAddr Bus, ImmutableArray<uint> ParentSpace, BusAddr Parent, AddressLimit Size, SourceSpan Span)
{
    /// <summary>Where the CPU sees the window, through all <c>ranges</c> up to the root; null for <c>dma-ranges</c> and where it does not.</summary>
    public PhysRange? Cpu { get; init; }
}

/// <summary>A node that says how the addresses of its children reach the bus above (<c>ranges</c>), and theirs memory (<c>dma-ranges</c>).</summary>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BoardBus(string NodePath, SourceSpan Span)
{
    /// <summary>Labels, in order.</summary>
    public ImmutableArray<string> Labels { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>Whether there is a <c>ranges</c>: without one the CPU reaches nothing below.</summary>
    public bool HasRanges { get; init; }

    /// <summary>The windows of <c>ranges</c>; none with <see cref="HasRanges"/> set is the identity.</summary>
    public ImmutableArray<BusWindow> Ranges { get; init; } = ImmutableArray<BusWindow>.Empty;

    /// <summary>Whether there is a <c>dma-ranges</c>.</summary>
    public bool HasDmaRanges { get; init; }

    /// <summary>The windows of <c>dma-ranges</c>; none with <see cref="HasDmaRanges"/> set is the identity.</summary>
    public ImmutableArray<BusWindow> DmaRanges { get; init; } = ImmutableArray<BusWindow>.Empty;
}
