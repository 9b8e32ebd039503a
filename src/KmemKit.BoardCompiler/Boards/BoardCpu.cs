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
}
