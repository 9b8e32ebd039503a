using System.Collections.Generic;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>A stretch of virtual addresses before it is known who may do what in it. It ends at or below 2^64.</summary>
/// <param name="Name">Of what is mapped.</param>
/// <param name="Rule">Why it is there.</param>
/// <param name="Virt">First virtual address.</param>
/// <param name="Phys">First physical address.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Attributes">What the rule grants.</param>
/// <param name="Reason">Why, in words.</param>
/// <param name="Span">The place in the source.</param>
internal sealed record MapWindow(
    string Name, MapRule Rule, ulong Virt, ulong Phys, ulong Size, MpuAttributes Attributes, string Reason, SourceSpan Span)
{
    public ulong PhysEnd => Phys + Size;

    public bool Covers(ulong phys) => phys >= Phys && phys - Phys < Size;
}
