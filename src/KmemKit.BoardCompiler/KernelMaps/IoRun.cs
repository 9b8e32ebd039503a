using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Whole pages of physical addresses outside RAM that are to be mapped, with one memory type.</summary>
/// <param name="Name">Of the device, or devices, or the entry.</param>
/// <param name="Start">First physical address.</param>
/// <param name="End">First physical address behind; below 2^64.</param>
/// <param name="Attributes">What the rule grants.</param>
/// <param name="IsRequired">Whether the protection policy names it, so that leaving it out is an error.</param>
/// <param name="Span">The place in the source.</param>
internal sealed record IoRun(string Name, ulong Start, ulong End, MpuAttributes Attributes, bool IsRequired, SourceSpan Span)
{
    public ulong Size => End - Start;
}
