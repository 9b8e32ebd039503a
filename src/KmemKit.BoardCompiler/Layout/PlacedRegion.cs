using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Reserved memory with its final place.</summary>
/// <param name="Region">The board's region.</param>
/// <param name="Range">Where it is.</param>
public sealed record PlacedRegion(ReservedRegion Region, PhysRange Range);
