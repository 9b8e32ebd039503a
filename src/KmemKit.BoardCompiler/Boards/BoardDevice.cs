using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

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

    /// <summary>What the node says about how the memory behaves; null where it does not.</summary>
    public MemoryAttribute? Attribute { get; init; }

    /// <summary>Whether it is memory the CPU can use like RAM (<c>mmio-sram</c>).</summary>
    public bool IsSram { get; init; }
}
