using System;
using System.Numerics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Slab;

/// <summary>What the architecture says about small memory.</summary>
/// <param name="Word">Bytes of a pointer.</param>
/// <param name="CacheLine">L1_CACHE_BYTES.</param>
/// <param name="SlabMinAlign">ARCH_SLAB_MINALIGN: what the largest scalar needs.</param>
/// <param name="KmallocMin">KMALLOC_MIN_SIZE: where DMA is not coherent, what no device may share with the CPU.</param>
internal sealed record MachineSizes(int Word, int CacheLine, int SlabMinAlign, int KmallocMin)
{
    private static readonly LinuxVersion BouncesSince = new(6, 5);
    private static readonly LinuxVersion WideArm64Since = new(4, 17);

    /// <summary>Source: arch/*/include/asm/cache.h; from 6.5 on arm64 and riscv bounce what is smaller than a line.</summary>
    public static MachineSizes Of(TargetArchitecture architecture, LinuxVersion version, ObjectAllocatorOptions options)
    {
        var word = architecture is TargetArchitecture.Arm or TargetArchitecture.X86 or TargetArchitecture.RiscV32 ? 4 : 8;
        var line = options.CacheLineBytes ?? 64;
        if (line < 16 || !BitOperations.IsPow2(line))
            throw new ArgumentOutOfRangeException(nameof(options), line, "A cache line has a power of two of bytes, at least 16.");
        var min = options.KmallocMinSize ?? architecture switch
        {
            TargetArchitecture.Arm => line,
            TargetArchitecture.Arm64 when version < BouncesSince => version < WideArm64Since ? line : Math.Max(line, 128),
            _ => 8,
        };
        if (min is < 8 or > 256 || !BitOperations.IsPow2(min))
            throw new ArgumentOutOfRangeException(nameof(options), min, "KMALLOC_MIN_SIZE is a power of two from 8 to 256.");
        return new MachineSizes(word, line, architecture == TargetArchitecture.X86 ? 4 : 8, min);
    }
}
