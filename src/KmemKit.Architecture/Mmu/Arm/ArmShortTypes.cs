namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>Memory types of the short-descriptor format: TEX[2:0], C, B as a number of 5 bits, and S.</summary>
/// <remarks>
/// ARM DDI 0406C B3.8.2 (table B3-10, TEX remap off) and B3.8.3 (table B3-12, on: TEX[0], C, B select a field of PRRR and NMRR; TEX[2:1] are software's).
/// </remarks>
internal static class ArmShortTypes
{
    /// <summary>The type without remap; <see cref="MemoryType.Unspecified"/> where it is reserved or IMPLEMENTATION DEFINED.</summary>
    public static MemoryType Decode(uint texcb) => texcb switch
    {
        0b000_00 => MemoryType.DeviceNGnRnE,
        0b000_01 or 0b010_00 => MemoryType.DeviceNGnRE,
        0b000_10 => MemoryType.NormalWriteThrough,
        0b000_11 => MemoryType.NormalWriteBack,
        0b001_00 => MemoryType.NormalNonCacheable,
        0b001_11 => MemoryType.NormalWriteBackWriteAllocate,
        >= 0b100_00 => (MemoryType)(0x100 | Nibble(texcb >> 2 & 3) << 4 | Nibble(texcb & 3)),
        _ => MemoryType.Unspecified,
    };

    /// <summary>The canonical TEX, C, B of the type; null if it has none.</summary>
    public static uint? Encode(MemoryType type)
    {
        switch (type)
        {
            case MemoryType.DeviceNGnRnE:
                return 0b000_00;
            case MemoryType.DeviceNGnRE:
                return 0b000_01;
            case MemoryType.NormalWriteThrough:
                return 0b000_10;
            case MemoryType.NormalWriteBack:
                return 0b000_11;
            case MemoryType.NormalNonCacheable:
                return 0b001_00;
            case MemoryType.NormalWriteBackWriteAllocate:
                return 0b001_11;
        }
        if (!type.IsNormal() || Policy((uint)type >> 4 & 0xf) is not { } outer || Policy((uint)type & 0xf) is not { } inner)
            return null;
        return 0b100_00 | outer << 2 | inner;
    }

    /// <summary>The type that PRRR and NMRR give to an index; <see cref="MemoryType.Unspecified"/> where TR is reserved.</summary>
    public static MemoryType Remapped(uint index, uint prrr, uint nmrr) => (prrr >> (int)(2 * index) & 3) switch
    {
        0 => MemoryType.DeviceNGnRnE,
        1 => MemoryType.DeviceNGnRE,
        2 => (MemoryType)(0x100 | Nibble(nmrr >> (int)(2 * index + 16) & 3) << 4 | Nibble(nmrr >> (int)(2 * index) & 3)),
        _ => MemoryType.Unspecified,
    };

    /// <summary>The first index that is remapped to the type; null if none is. Index 6 is IMPLEMENTATION DEFINED and never used.</summary>
    public static uint? IndexOf(MemoryType type, uint prrr, uint nmrr)
    {
        for (var index = 0u; index < 8; index++)
        {
            if (index != 6 && type != MemoryType.Unspecified && Remapped(index, prrr, nmrr) == type)
                return index;
        }
        return null;
    }

    /// <summary>
    /// What S means for Normal memory: without remap a set bit is Outer Shareable; with remap PRRR.NS0 and NS1 (bits 18, 19) turn the bit, and NOS of the
    /// index (bit 24 on) makes it Inner.
    /// </summary>
    public static Shareability Shareability(MemoryType type, bool s, bool isRemapped, uint index, uint prrr)
    {
        if (!type.IsNormal())
            return Mmu.Shareability.Outer;
        if (!isRemapped)
            return s ? Mmu.Shareability.Outer : Mmu.Shareability.None;
        if ((prrr >> (s ? 19 : 18) & 1) == 0)
            return Mmu.Shareability.None;
        return (prrr >> (int)(24 + index) & 1) != 0 ? Mmu.Shareability.Inner : Mmu.Shareability.Outer;
    }

    // 00 not cacheable; 01 write-back, write-allocate; 10 write-through; 11 write-back, no write-allocate.
    private static uint Nibble(uint policy) => policy switch { 0 => 0x4u, 1 => 0xfu, 2 => 0xau, _ => 0xeu };

    private static uint? Policy(uint nibble) => nibble switch { 0x4 => 0u, 0xf => 1u, 0xa => 2u, 0xe => 3u, _ => null };
}
