namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>The fields of 64-bit Arm descriptors, AArch64 and AArch32 (LPAE).</summary>
/// <remarks>
/// ARM DDI 0487 D8.3 (VMSAv8-64 descriptor formats): table D8.3.1, block and page D8.3.1, attribute fields D8.3.2; ARM DDI 0406C B3.6 for the same bits in
/// the long-descriptor format of Armv7, where bits 54 and 60 are XN and XNTable.
/// </remarks>
internal static class LongDescriptor
{
    public const ulong Valid = 1UL << 0;

    /// <summary>Bit 1: a table above the last level, a page at it.</summary>
    public const ulong TableOrPage = 1UL << 1;

    public const int AttrIndexShift = 2;
    public const ulong AttrIndexMask = 7UL << AttrIndexShift;
    public const ulong NonSecure = 1UL << 5;

    /// <summary>AP[1]: unprivileged access.</summary>
    public const ulong Ap1 = 1UL << 6;

    /// <summary>AP[2]: no writes.</summary>
    public const ulong Ap2 = 1UL << 7;

    public const int ShareabilityShift = 8;
    public const ulong ShareabilityMask = 3UL << ShareabilityShift;
    public const ulong AccessFlag = 1UL << 10;
    public const ulong NotGlobal = 1UL << 11;
    public const ulong DirtyBitModifier = 1UL << 51;
    public const ulong Contiguous = 1UL << 52;
    public const ulong Pxn = 1UL << 53;
    public const ulong Uxn = 1UL << 54;
    public const int SoftwareShift = 55;
    public const ulong SoftwareMask = 0xfUL << SoftwareShift;

    public const ulong PxnTable = 1UL << 59;
    public const ulong UxnTable = 1UL << 60;
    public const ulong ApTable0 = 1UL << 61;
    public const ulong ApTable1 = 1UL << 62;
    public const ulong NsTable = 1UL << 63;
    public const ulong TableLimits = PxnTable | UxnTable | ApTable0 | ApTable1 | NsTable;

    // Stage 2 (D8.3.2): MemAttr in 5:2, S2AP in 7:6, XN[1:0] in 54:53.
    public const int MemAttrShift = 2;
    public const ulong MemAttrMask = 0xfUL << MemAttrShift;
    public const ulong S2Read = 1UL << 6;
    public const ulong S2Write = 1UL << 7;

    public static Shareability ShareabilityOf(ulong descriptor) => (Shareability)((descriptor & ShareabilityMask) >> ShareabilityShift);

    /// <summary>Device and non-cacheable memory is Outer Shareable whatever SH says (D8.6.2).</summary>
    public static Shareability Effective(MemoryType type, Shareability shareability) =>
        type.IsNormal() && type != MemoryType.NormalNonCacheable ? shareability : Shareability.Outer;

    /// <summary>AttrIndx of the type in MAIR; -1 if no entry holds it.</summary>
    public static int AttrIndexOf(MemoryType type, ulong mair)
    {
        if (type.IsArm())
        {
            for (var i = 0; i < 8; i++)
            {
                if ((mair >> (8 * i) & 0xff) == ((ulong)type & 0xff))
                    return i;
            }
        }
        return -1;
    }

    public static MemoryType TypeOf(ulong descriptor, ulong mair) =>
        (MemoryType)(0x100 | mair >> (8 * (int)((descriptor & AttrIndexMask) >> AttrIndexShift)) & 0xff);

    public static MemoryType TypeFor(MemoryUse use) => use switch
    {
        MemoryUse.Cached => MemoryType.NormalWriteBackWriteAllocate,
        MemoryUse.WriteThrough => MemoryType.NormalWriteThroughWriteAllocate,
        MemoryUse.WriteCombining => MemoryType.NormalNonCacheable,
        MemoryUse.Device => MemoryType.DeviceNGnRE,
        _ => MemoryType.DeviceNGnRnE,
    };

    /// <summary>MemAttr[3:0] of stage 2, 0xff if it has none for the type: the outer policy in [3:2], the inner in [1:0] (D8.6.5).</summary>
    public static uint MemAttrOf(MemoryType type)
    {
        if (!type.IsArm())
            return 0xff;
        var value = (uint)type & 0xff;
        if (value < 0x10)
            return (value & 3) == 0 ? value >> 2 : 0xff;
        var (outer, inner) = (Policy(value >> 4), Policy(value & 0xf));
        return outer == 0 || inner == 0 ? 0xff : outer << 2 | inner;

        static uint Policy(uint nibble) => nibble switch { 0x4 => 1u, 0xb => 2u, 0xf => 3u, _ => 0u };
    }

    /// <summary>The type of MemAttr[3:0]; <see cref="MemoryType.Unspecified"/> where it is reserved.</summary>
    public static MemoryType MemAttrType(ulong descriptor)
    {
        var value = (uint)((descriptor & MemAttrMask) >> MemAttrShift);
        if (value < 4)
            return (MemoryType)(0x100 | value << 2);
        return (value & 3) == 0 ? MemoryType.Unspecified : (MemoryType)(0x100 | Nibble(value >> 2) << 4 | Nibble(value & 3));

        static uint Nibble(uint policy) => policy switch { 1 => 0x4u, 2 => 0xbu, _ => 0xfu };
    }

    /// <summary>What APTable, UXNTable, PXNTable take (D8.4.3).</summary>
    /// <param name="descriptor">A table descriptor, or limits.</param>
    /// <param name="executeForBoth">Bit 60 is XNTable and takes the privileged's execution too (AArch32).</param>
    public static TableAttributes DecodeTable(ulong descriptor, bool executeForBoth)
    {
        var privileged = AccessRights.None;
        var user = AccessRights.None;
        if ((descriptor & ApTable0) != 0)
            user |= AccessRights.ReadWrite;
        if ((descriptor & ApTable1) != 0)
        {
            privileged |= AccessRights.Write;
            user |= AccessRights.Write;
        }
        if ((descriptor & UxnTable) != 0)
            user |= AccessRights.Execute;
        if ((descriptor & PxnTable) != 0 || (executeForBoth && (descriptor & UxnTable) != 0))
            privileged |= AccessRights.Execute;
        return new TableAttributes(privileged, user, 0, (descriptor & NsTable) != 0);
    }

    /// <summary>The bits of a table descriptor that take exactly these rights.</summary>
    public static EncodingRefusal TryEncodeLimits(in TableAttributes attributes, bool executeForBoth, out ulong bits)
    {
        bits = attributes.IsNonSecure ? NsTable : 0;
        if (attributes.Domain != 0)
            return EncodingRefusal.DomainNotAvailable;
        if ((attributes.UserRemoved & AccessRights.Read) != 0)
            bits |= ApTable0;
        if ((attributes.PrivilegedRemoved & AccessRights.Write) != 0)
            bits |= ApTable1;
        if ((attributes.UserRemoved & AccessRights.Execute) != 0)
            bits |= UxnTable;
        if ((attributes.PrivilegedRemoved & AccessRights.Execute) != 0 && !(executeForBoth && (bits & UxnTable) != 0))
            bits |= PxnTable;
        // Whatever else was asked for shows as a difference: the privileged's loads, one privilege's writes alone.
        if (DecodeTable(bits, executeForBoth) == attributes)
            return EncodingRefusal.None;
        bits = 0;
        return EncodingRefusal.RightsNotAvailable;
    }
}
