using System;

namespace KmemKit.Architecture;

/// <summary>Rounding to powers of two, with the end of the 64-bit space as an error and not as zero.</summary>
public static class Alignment
{
    /// <summary>Whether <paramref name="value"/> is a power of two.</summary>
    public static bool IsPowerOfTwo(ulong value) => value != 0 && (value & (value - 1)) == 0;

    /// <summary><paramref name="value"/> rounded down to a multiple of <paramref name="alignment"/>, a power of two.</summary>
    public static ulong Down(ulong value, ulong alignment) => value & ~(Check(alignment) - 1);

    /// <summary><paramref name="value"/> rounded up to a multiple of <paramref name="alignment"/>, a power of two.</summary>
    /// <exception cref="OverflowException">The multiple is 2^64 or beyond.</exception>
    public static ulong Up(ulong value, ulong alignment) => checked(value + (Check(alignment) - 1)) & ~(alignment - 1);

    /// <summary>Returns <paramref name="alignment"/> if it is a power of two.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    internal static ulong Check(ulong alignment) => IsPowerOfTwo(alignment)
        ? alignment
        : throw new ArgumentOutOfRangeException(nameof(alignment), alignment, "An alignment is a power of two.");
}
