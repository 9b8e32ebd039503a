using System;

namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>The attribute fields of a leaf, wherever its shape keeps them.</summary>
/// <param name="Ap">AP[2:0].</param>
/// <param name="TexCb">TEX[2:0], C, B.</param>
/// <param name="S">S.</param>
/// <param name="NotGlobal">nG.</param>
/// <param name="Xn">XN.</param>
/// <param name="Pxn">PXN, of the section or of the page's table.</param>
/// <param name="Ns">NS, of the section or of the page's table.</param>
/// <param name="Domain">Domain, of the section or of the page's table.</param>
internal readonly record struct ArmShortFields(uint Ap, uint TexCb, bool S, bool NotGlobal, bool Xn, bool Pxn, bool Ns, byte Domain);

/// <summary>Where short descriptors keep their fields.</summary>
/// <remarks>
/// ARM DDI 0406C B3.5.1, figures B3-4 and B3-5, with PXN (B3.5.2):
/// <code>
/// table         31:10 address                        9 -  8:5 domain   4 -      3 NS  2 PXN     1:0 01
/// section       31:20 address  19 NS 18 0 17 nG 16 S 15 AP2 14:12 TEX 11:10 AP  9 - 8:5 domain  4 XN 3 C 2 B 1 1 0 PXN
/// supersection  31:24 address 23:20 PA[35:32] 19 NS 18 1, then as a section with 8:5 PA[39:36]
/// large page    31:16 address  15 XN 14:12 TEX 11 nG 10 S 9 AP2 8:6 - 5:4 AP 3 C 2 B 1:0 01
/// small page    31:12 address  11 nG 10 S 9 AP2 8:6 TEX 5:4 AP 3 C 2 B 1 1 0 XN
/// </code>
/// </remarks>
internal static class ArmShortDescriptor
{
    public const ulong TablePxn = 1 << 2;
    public const ulong TableNs = 1 << 3;
    public const int DomainShift = 5;
    public const ulong SupersectionBit = 1 << 18;

    /// <summary>Domain, NS and PXN of a table: what its pages inherit.</summary>
    public const ulong TableFields = 0xfUL << DomainShift | TableNs | TablePxn;

    /// <summary>Bits 9 and 4 of a table should be zero.</summary>
    public const ulong TableReserved = 1 << 9 | 1 << 4;

    public static LeafShape Small { get; } = new(2, 1, 1 << 12, 0);

    public static LeafShape Large { get; } = new(2, 16, 1 << 16, 0);

    public static LeafShape Section { get; } = new(1, 1, 1 << 20, 0);

    public static LeafShape Supersection { get; } = new(1, 16, 1 << 24, 0);

    /// <summary>AP values by preference, the simple model with the access flag clear.</summary>
    public static ReadOnlySpan<byte> SimpleAp => [2, 0, 6, 4];

    /// <summary>AP values by preference; 6 is a deprecated form of 7.</summary>
    public static ReadOnlySpan<byte> FullAp => [3, 2, 1, 7, 5];

    /// <summary>AP[2:1] with SCTLR.AFE set (table B3-8).</summary>
    public static (AccessRights Privileged, AccessRights User) SimpleRights(uint ap)
    {
        var data = (ap & 4) != 0 ? AccessRights.Read : AccessRights.ReadWrite;
        return (data, (ap & 2) != 0 ? data : AccessRights.None);
    }

    /// <summary>AP[2:0] with SCTLR.AFE clear (table B3-9); 4 is reserved.</summary>
    public static (AccessRights Privileged, AccessRights User) FullRights(uint ap) => ap switch
    {
        1 => (AccessRights.ReadWrite, AccessRights.None),
        2 => (AccessRights.ReadWrite, AccessRights.Read),
        3 => (AccessRights.ReadWrite, AccessRights.ReadWrite),
        5 => (AccessRights.Read, AccessRights.None),
        6 or 7 => (AccessRights.Read, AccessRights.Read),
        _ => default,
    };

    public static LeafShape ShapeOf(ulong descriptor, int level) => level == 1
        ? (descriptor & SupersectionBit) != 0 ? Supersection : Section
        : (descriptor & 2) != 0 ? Small : Large;

    public static ulong Address(ulong descriptor, int level)
    {
        if (level != 1)
            return descriptor & ((descriptor & 2) != 0 ? 0xffff_f000 : 0xffff_0000);
        return (descriptor & SupersectionBit) == 0
            ? descriptor & 0xfff0_0000
            : (descriptor & 0xff00_0000) | (descriptor >> 20 & 0xf) << 32 | (descriptor >> 5 & 0xf) << 36;
    }

    public static ulong AddressField(ulong output, in LeafShape shape) => shape.Level == 1 && shape.Count == 16
        ? (output & 0xff00_0000) | (output >> 32 & 0xf) << 20 | (output >> 36 & 0xf) << 5
        : output & 0xffff_f000;

    public static ArmShortFields Read(ulong descriptor, int level, ulong limits)
    {
        var d = (uint)(descriptor & 0xffff_ffff);
        var cb = d >> 2 & 3;
        if (level == 1)
        {
            var domain = (d & SupersectionBit) != 0 ? 0 : d >> DomainShift & 0xf;
            return new ArmShortFields(
                d >> 13 & 4 | d >> 10 & 3, (d >> 12 & 7) << 2 | cb, Bit(d, 16), Bit(d, 17), Bit(d, 4), Bit(d, 0), Bit(d, 19), (byte)domain);
        }
        var isSmall = (d & 2) != 0;
        var tex = isSmall ? d >> 6 & 7 : d >> 12 & 7;
        return new ArmShortFields(
            d >> 7 & 4 | d >> 4 & 3, tex << 2 | cb, Bit(d, 10), Bit(d, 11), Bit(d, isSmall ? 0 : 15),
            (limits & TablePxn) != 0, (limits & TableNs) != 0, (byte)(limits >> DomainShift & 0xf));

        static bool Bit(uint value, int bit) => (value >> bit & 1) != 0;
    }

    /// <summary>The leaf without its address. Domain, PXN and NS of a page are its table's and left out.</summary>
    public static ulong Write(in ArmShortFields fields, in LeafShape shape)
    {
        var cb = (fields.TexCb & 3) << 2;
        var tex = fields.TexCb >> 2;
        if (shape.Level == 1)
        {
            return 2 | cb | (fields.Pxn ? 1u : 0) | Bit(fields.Xn, 4) | (uint)fields.Domain << DomainShift | (fields.Ap & 3) << 10 | tex << 12
                | (fields.Ap >> 2) << 15 | Bit(fields.S, 16) | Bit(fields.NotGlobal, 17) | Bit(shape.Count == 16, 18) | Bit(fields.Ns, 19);
        }
        var common = cb | (fields.Ap & 3) << 4 | (fields.Ap >> 2) << 9 | Bit(fields.S, 10) | Bit(fields.NotGlobal, 11);
        return shape.Count == 1 ? 2 | common | Bit(fields.Xn, 0) | tex << 6 : 1 | common | Bit(fields.Xn, 15) | tex << 12;

        static uint Bit(bool value, int bit) => value ? 1u << bit : 0;
    }

    /// <summary>Bits of a leaf that should be zero.</summary>
    public static ulong LeafReserved(in LeafShape shape) => shape.Level == 1 ? 1 << 9 : shape.Count == 16 ? 7UL << 6 : 0;
}
