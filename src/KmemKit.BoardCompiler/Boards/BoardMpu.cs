using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>The memory protection unit of a board's processors.</summary>
/// <param name="Format">Its generation, with the board's granularity where that is a choice.</param>
/// <param name="RegionCount">Regions of each space (the ARM940T has two spaces); null where neither core nor board says it.</param>
/// <param name="Span">What says so: the processor, the <c>mpu</c> node, or the protection node.</param>
public sealed record BoardMpu(MpuFormat Format, int? RegionCount, SourceSpan Span);
