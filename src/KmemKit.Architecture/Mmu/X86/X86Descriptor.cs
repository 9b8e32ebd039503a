namespace KmemKit.Architecture.Mmu.X86;

/// <summary>The fields of x86 paging-structure entries.</summary>
/// <remarks>Intel SDM volume 3: tables 5-4 to 5-6 (32-bit), 5-8 to 5-11 (PAE), 5-14 to 5-20 (4- and 5-level).</remarks>
internal static class X86Descriptor
{
    public const ulong Present = 1UL << 0;
    public const ulong Write = 1UL << 1;
    public const ulong User = 1UL << 2;

    /// <summary>PWT and PCD: bits 0 and 1 of the index into PAT.</summary>
    public const int CacheShift = 3;
    public const ulong CacheMask = 3UL << CacheShift;
    public const ulong Accessed = 1UL << 5;
    public const ulong Dirty = 1UL << 6;

    /// <summary>Bit 7 above level 1: a page, not a table.</summary>
    public const ulong PageSize = 1UL << 7;

    /// <summary>Bit 7 at level 1: bit 2 of the index into PAT.</summary>
    public const ulong SmallPat = 1UL << 7;

    /// <summary>Bit 12 above level 1: bit 2 of the index into PAT.</summary>
    public const ulong LargePat = 1UL << 12;
    public const ulong Global = 1UL << 8;
    public const int LowSoftwareShift = 9;
    public const ulong LowSoftwareMask = 7UL << LowSoftwareShift;

    /// <summary>4- and 5-level paging: bits 58:52, and 62:59 as long as CR4.PKE is clear.</summary>
    public const int HighSoftwareShift = 52;
    public const ulong HighSoftwareMask = 0x7ffUL << HighSoftwareShift;
    public const ulong NoExecute = 1UL << 63;

    public static ulong PatBit(int level) => level == 1 ? SmallPat : LargePat;

    /// <summary>The bits for the type's entry in PAT; false if no entry holds it.</summary>
    public static bool TryTypeBits(MemoryType type, ulong pat, int level, out ulong bits)
    {
        bits = 0;
        if (!type.IsX86())
            return false;
        for (var i = 0; i < 8; i++)
        {
            if ((pat >> (8 * i) & 0xff) != ((ulong)type & 0xff))
                continue;
            bits = (ulong)(i & 3) << CacheShift | ((i & 4) != 0 ? PatBit(level) : 0);
            return true;
        }
        return false;
    }

    public static MemoryType TypeOf(ulong descriptor, ulong pat, int level)
    {
        var index = (int)((descriptor & CacheMask) >> CacheShift) | ((descriptor & PatBit(level)) != 0 ? 4 : 0);
        return (MemoryType)(0x200 | pat >> (8 * index) & 0xff);
    }
}
