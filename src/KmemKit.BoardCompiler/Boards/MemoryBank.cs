using System.Collections.Immutable;
using KmemKit.Architecture;
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

    /// <summary>Labels of the node.</summary>
    public ImmutableArray<string> Labels { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>What the node says about how the memory behaves (Zephyr's <c>zephyr,memory-attr</c>); null where it does not.</summary>
    public MemoryAttribute? Attribute { get; init; }
}

/// <summary>How memory behaves, by <c>zephyr,memory-attr</c> or <c>memory-attr</c> (Zephyr, dts/bindings/base/zephyr,memory-attr.yaml).</summary>
/// <param name="Bits">The attribute bits; null where the property is a text, as in older trees.</param>
/// <param name="Text">The text; null where the property is a number.</param>
/// <param name="Span">The value in the source.</param>
public sealed record MemoryAttribute(uint? Bits, string? Text, SourceSpan Span);
