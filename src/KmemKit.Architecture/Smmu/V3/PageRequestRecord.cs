namespace KmemKit.Architecture.Smmu.V3;

/// <summary>A record of the PRI queue: a PCIe page request (Arm IHI 0070, 8.2). 16 bytes in memory.</summary>
/// <param name="Word0">Bits 63 to 0.</param>
/// <param name="Word1">Bits 127 to 64.</param>
public readonly record struct PageRequestRecord(ulong Word0, ulong Word1)
{
    /// <summary>Bytes of a record.</summary>
    public const int Bytes = 16;

    /// <summary>A request for a page of 4 KiB.</summary>
    /// <param name="stream">StreamID.</param>
    /// <param name="substream">PASID; null without.</param>
    /// <param name="address">Bits 63 to 12 count.</param>
    /// <param name="group">Page request group, 9 bits.</param>
    /// <param name="rights">What is wanted.</param>
    /// <param name="privileged">For privileged code.</param>
    /// <param name="last">The last request of its group, which is answered.</param>
    public static PageRequestRecord Create(uint stream, uint? substream, ulong address, int group, AccessRights rights, bool privileged, bool last) => new(
        stream | ((ulong)((substream ?? 0) & 0xFFFFF) << 32) | Bit(privileged, 58) | Bit((rights & AccessRights.Execute) != 0, 59)
            | Bit((rights & AccessRights.Read) != 0, 60) | Bit((rights & AccessRights.Write) != 0, 61) | Bit(last, 62) | Bit(substream is not null, 63),
        ((ulong)group & 0x1FF) | (address & ~0xFFFUL));

    /// <summary>StreamID, bits 31 to 0.</summary>
    public uint StreamId => (uint)(Word0 & 0xFFFF_FFFF);

    /// <summary>SubstreamID, bits 51 to 32; null where SSV, bit 63, is clear.</summary>
    public uint? SubstreamId => (Word0 >> 63) != 0 ? (uint)((Word0 >> 32) & 0xFFFFF) : null;

    /// <summary>Priv, bit 58.</summary>
    public bool IsPrivileged => (Word0 & (1UL << 58)) != 0;

    /// <summary>X, R, W, bits 59 to 61.</summary>
    public AccessRights Rights =>
        ((Word0 & (1UL << 59)) != 0 ? AccessRights.Execute : 0) | ((Word0 & (1UL << 60)) != 0 ? AccessRights.Read : 0)
        | ((Word0 & (1UL << 61)) != 0 ? AccessRights.Write : 0);

    /// <summary>Last, bit 62.</summary>
    public bool IsLast => (Word0 & (1UL << 62)) != 0;

    /// <summary>PRG Index, bits 72 to 64.</summary>
    public int Group => (int)(Word1 & 0x1FF);

    /// <summary>Page address, bits 127 to 76.</summary>
    public ulong Address => Word1 & ~0xFFFUL;

    private static ulong Bit(bool value, int bit) => value ? 1UL << bit : 0;
}
