using System.Collections.Immutable;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What the planner makes of a board.</summary>
/// <param name="Layout">The layout; null where an error left none.</param>
/// <param name="Diagnostics">The findings of this stage, in order.</param>
public sealed record LayoutResult(MemoryLayout? Layout, ImmutableArray<KmemDiagnostic> Diagnostics);
