using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Memory of a contiguous area: lent to movable pages until someone needs a long row of frames.</summary>
/// <param name="Name">As the kernel prints it: the node's name, or <c>reserved</c> for that of <c>cma=</c>.</param>
/// <param name="Range">Where it is; a multiple of <see cref="BuddyGeometry.CmaAlignment"/> at both ends, in RAM of one zone.</param>
/// <param name="IsDefault">Whether it serves devices that have no area of their own.</param>
/// <param name="Span">The node or the kernel parameter.</param>
public sealed record CmaRegion(string Name, PhysRange Range, bool IsDefault, SourceSpan Span);
