using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>A processor (<c>/cpus/cpu@N</c>).</summary>
/// <param name="Id"><c>reg</c>.</param>
/// <param name="Compatible"><c>compatible</c>, most specific first.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The node's name in the source.</param>
public sealed record BoardCpu(ulong Id, ImmutableArray<string> Compatible, string NodePath, SourceSpan Span)
{
    /// <summary>Labels, in order.</summary>
    public ImmutableArray<string> Labels { get; init; } = ImmutableArray<string>.Empty;

    /// <summary>False for <c>status = "disabled"</c>: quiescent until it is started.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary><c>riscv,isa</c>, or <c>riscv,isa-base</c>; null elsewhere.</summary>
    public string? Isa { get; init; }

    /// <summary>
    /// The extensions of a RISC-V hart that have names of several letters (<c>svpbmt</c>): from <c>riscv,isa-extensions</c>, or behind the underscores of <c>riscv,isa</c>.
    /// </summary>
    public ImmutableArray<string> IsaExtensions { get; init; } = ImmutableArray<string>.Empty;

    /// <summary><c>mmu-type</c>: the widest paging mode of a RISC-V hart, <c>riscv,sv48</c>, or <c>riscv,none</c>; null where it is not said.</summary>
    public string? MmuType { get; init; }
}
