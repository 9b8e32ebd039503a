using System;

namespace KmemKit.Architecture;

/// <summary>The page size of a translation regime and the arithmetic on it (PAGE_SHIFT, PAGE_SIZE, PAGE_MASK of the kernel).</summary>
public readonly struct PageGeometry : IEquatable<PageGeometry>
{
    // Kept as the difference from 4 KiB, so that default(PageGeometry) is the 4 KiB page and not a page of one byte.
    private readonly byte _shiftAbove4K;

    /// <summary>Pages of 2^<paramref name="shift"/> bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="shift"/> is not 12 (4 KiB), 14 (16 KiB) or 16 (64 KiB).</exception>
    public PageGeometry(int shift)
    {
        if (shift is not (12 or 14 or 16))
            throw new ArgumentOutOfRangeException(nameof(shift), shift, "A page is 4, 16 or 64 KiB: a shift of 12, 14 or 16.");
        _shiftAbove4K = (byte)(shift - 12);
    }

    /// <summary>Pages of 4 KiB.</summary>
    public static PageGeometry FourKiB => default;

    /// <summary>Pages of 16 KiB (AArch64).</summary>
    public static PageGeometry SixteenKiB => new(14);

    /// <summary>Pages of 64 KiB (AArch64).</summary>
    public static PageGeometry SixtyFourKiB => new(16);

    /// <summary>PAGE_SHIFT: how many low bits of an address are the offset in its page.</summary>
    public int PageShift => 12 + _shiftAbove4K;

    /// <summary>PAGE_SIZE in bytes.</summary>
    public ulong PageSize => 1UL << PageShift;

    /// <summary>PAGE_MASK: clears the offset in the page.</summary>
    public ulong PageMask => ~(PageSize - 1);

    /// <summary>The frame that holds <paramref name="address"/>.</summary>
    public PageFrame ToFrame(PhysAddr address) => new(address.Value >> PageShift);

    /// <summary>The first address of <paramref name="frame"/>.</summary>
    /// <exception cref="OverflowException">It is 2^64 or beyond.</exception>
    public PhysAddr ToAddress(PageFrame frame) => frame.Number <= ulong.MaxValue >> PageShift
        ? new PhysAddr(frame.Number << PageShift)
        : throw new OverflowException($"{frame} is beyond the 64-bit address space.");

    /// <summary>Whole pages in <paramref name="size"/> bytes, rounded down.</summary>
    public ulong PagesIn(AddressLimit size) => size.IsTop ? 1UL << (64 - PageShift) : size.Value >> PageShift;

    /// <inheritdoc/>
    public bool Equals(PageGeometry other) => _shiftAbove4K == other._shiftAbove4K;

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is PageGeometry other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => PageShift;

    /// <summary>Equality.</summary>
    public static bool operator ==(PageGeometry left, PageGeometry right) => left.Equals(right);

    /// <summary>Inequality.</summary>
    public static bool operator !=(PageGeometry left, PageGeometry right) => !left.Equals(right);

    /// <summary><c>4K</c>, <c>16K</c> or <c>64K</c>.</summary>
    public override string ToString() => (PageSize >> 10) + "K";
}
