using System;

namespace KmemKit.Conformance.Allocators;

/// <summary>What the rules of allocators look at.</summary>
/// <param name="Create">Makes a fresh one.</param>
public sealed record AllocatorContext(Func<IAllocatorSubject> Create);

/// <summary>A block that is taken.</summary>
/// <param name="Address">First byte.</param>
/// <param name="Bytes">Bytes asked for.</param>
/// <param name="Mark">What it is filled with.</param>
internal readonly record struct TakenBlock(ulong Address, ulong Bytes, ulong Mark)
{
    public ulong Last => Address + (Bytes - 1);
}
