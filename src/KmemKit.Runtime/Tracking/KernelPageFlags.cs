using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Tracking;

/// <summary>Flags of a page with the bits that a report of a 4.x kernel shows (include/linux/page-flags.h); zone and node, which it has above them, are left out.</summary>
internal static class KernelPageFlags
{
    private static readonly (PageFlags Flag, int Bit)[] s_bits =
    [
        (PageFlags.Locked, 0), (PageFlags.Referenced, 2), (PageFlags.Uptodate, 3), (PageFlags.Dirty, 4), (PageFlags.Lru, 5), (PageFlags.Active, 6),
        (PageFlags.Slab, 7), (PageFlags.Reserved, 10), (PageFlags.Private, 11), (PageFlags.Writeback, 13), (PageFlags.Head, 14),
    ];

    public static ulong Of(PageFlags flags)
    {
        var bits = 0UL;
        foreach (var (flag, bit) in s_bits)
            bits |= (flags & flag) != 0 ? 1UL << bit : 0;
        return bits;
    }
}
