using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Memory that is taken out of the banks before the kernel decides about lowmem (<c>qcom,memblock-remove</c>).</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="NodePath">Path of the node.</param>
/// <param name="Span">The entry in the source.</param>
public sealed record MemoryHole(PhysRange Range, string NodePath, SourceSpan Span);
