using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>A memory zone of a node.</summary>
/// <param name="Name"><c>DMA</c>, <c>DMA32</c>, <c>Normal</c>, <c>HighMem</c>, <c>Movable</c>.</param>
/// <param name="Node">NUMA node.</param>
/// <param name="Start">First frame.</param>
/// <param name="Spanned">Frames from the first to the last, holes included.</param>
/// <param name="Present">Frames that are RAM.</param>
public sealed record Zone(string Name, int Node, PageFrame Start, ulong Spanned, ulong Present);
