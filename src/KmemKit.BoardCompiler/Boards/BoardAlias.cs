using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>A property of <c>/aliases</c> (Devicetree Specification 0.4, section 3.3).</summary>
/// <param name="Name">The alias, such as <c>serial0</c>.</param>
/// <param name="Path">The path it stands for, as written.</param>
/// <param name="Span">The value in the source.</param>
public sealed record BoardAlias(string Name, string Path, SourceSpan Span);
