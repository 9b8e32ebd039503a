using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>A range that shall be drawn.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">Its name.</param>
/// <param name="Start">First address.</param>
/// <param name="End">End, exclusive.</param>
/// <param name="IsInset">Whether it lies within another range.</param>
internal sealed record DiagramRange(BlockKind Kind, string Name, ulong Start, AddressLimit End, bool IsInset = false)
{
    public AddressLimit Size => End.SizeFrom(Start);
}
