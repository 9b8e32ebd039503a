using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Uclinux;

/// <summary>
/// The standard allocator of Linux 2.4 as uClinux has it by default: blocks of 2^n bytes, from 2^n pages on as a buddy system places them. 65 KB asked are
/// 128 KB taken, and the other 63 KB are nobody's.
/// </summary>
/// <remarks>Source: seed 003, "uClinux Design". Without an MMU the unused half cannot be mapped elsewhere, which is why it matters there.</remarks>
/// <param name="memory">The RAM.</param>
/// <param name="range">Whole frames of 4 KiB; see <see cref="FramePool"/>.</param>
public sealed class PowerOfTwoAllocator(PhysicalMemory memory, PhysRange range) : UclinuxAllocator(memory, range)
{
    /// <summary>The largest block is 2^10 pages, 4 MiB.</summary>
    public const int MaxOrder = 10;

    /// <inheritdoc/>
    public override string Name => "page_alloc (2^n)";

    // Above 2^63 there is no power of two in 64 bits: more than there is in any case.
    private protected override ulong RoundedToFrames(ulong bytes) => bytes > 1UL << 63 ? ulong.MaxValue : BitOperations.RoundUpToPowerOf2(bytes);

    private protected override int FindFrames(int frames, ulong bytes)
    {
        var order = BitOperations.Log2((uint)frames);
        return order <= MaxOrder ? Pool.FindBuddy(order, MaxOrder) : -1;
    }
}
