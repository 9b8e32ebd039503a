using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>What one entry of the protection node grants: rights on one range.</summary>
/// <param name="Name">Node name; with <c>[n]</c> behind it where the entry has more than one range.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="Attributes">Rights and memory type. No rights at all is a hole.</param>
/// <param name="NodePath">Path of the entry's node.</param>
/// <param name="Span">The <c>reg</c> entry or reference in the source.</param>
public sealed record ProtectionEntry(string Name, PhysRange Range, MpuAttributes Attributes, string NodePath, SourceSpan Span)
{
    /// <summary><c>allow-rounding</c>: the plan may grow it over addresses that no entry covers.</summary>
    public bool AllowRounding { get; init; }

    /// <summary>Whether the node says the memory type itself.</summary>
    public bool NamesMemoryType { get; init; }
}

/// <summary>A task or compartment, whose entries apply while it runs, over those of the policy.</summary>
/// <param name="Name">From <c>domain-NAME</c>, or <c>label</c>, or the label of the node, or its name.</param>
/// <param name="Entries">Entries, in the order of the tree.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record ProtectionDomain(string Name, ImmutableArray<ProtectionEntry> Entries, SourceSpan Span);
