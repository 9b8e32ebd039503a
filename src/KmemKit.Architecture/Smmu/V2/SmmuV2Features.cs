using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>AArch32 tables that an SMMUv2 walks (SMMU_IDR0.PTFS; Arm IHI 0062, 9.6.1).</summary>
public enum AArch32Formats
{
    /// <summary>0b00: short and long descriptors.</summary>
    ShortAndLong = 0,

    /// <summary>0b01: long descriptors.</summary>
    Long = 1,

    /// <summary>0b10: none.</summary>
    None = 2,
}

/// <summary>What an SMMUv2 implements: the fields of SMMU_IDR0, IDR1 and IDR2 that its configuration depends on (Arm IHI 0062, 9.6.1).</summary>
public sealed record SmmuV2Features
{
    private static readonly StructureField s_numsmrg = new("NUMSMRG", 0, 0, 8), s_numsidb = new("NUMSIDB", 0, 9, 4), s_cttw = new("CTTW", 0, 14, 1),
        s_numirpt = new("NUMIRPT", 0, 16, 8), s_ptfs = new("PTFS", 0, 24, 2), s_atosns = new("ATOSNS", 0, 26, 1), s_sms = new("SMS", 0, 27, 1), s_nts = new("NTS", 0, 28, 1),
        s_s2ts = new("S2TS", 0, 29, 1), s_s1ts = new("S1TS", 0, 30, 1);

    private static readonly StructureField s_numcb = new("NUMCB", 0, 0, 8), s_smcd = new("SMCD", 0, 15, 1), s_nums2cb = new("NUMS2CB", 0, 16, 8),
        s_numpagendxb = new("NUMPAGENDXB", 0, 28, 3), s_pagesize = new("PAGESIZE", 0, 31, 1);

    private static readonly StructureField s_ias = new("IAS", 0, 0, 4), s_oas = new("OAS", 0, 4, 4), s_ubs = new("UBS", 0, 8, 4), s_ptfsv8 = new("PTFSv8", 0, 12, 3),
        s_vmid16s = new("VMID16S", 0, 15, 1);

    private static readonly int[] s_sizes = [32, 36, 40, 42, 44, 48];
    private static readonly int[] s_busSizes = [32, 36, 40, 42, 44, 49];

    // UBS of a 64-bit bus.
    private const int WholeBus = 15;

    /// <summary>IDR0.S1TS: stage 1.</summary>
    public bool Stage1 { get; init; } = true;

    /// <summary>IDR0.S2TS: stage 2.</summary>
    public bool Stage2 { get; init; } = true;

    /// <summary>IDR0.NTS: stage 1 followed by stage 2.</summary>
    public bool Nested { get; init; } = true;

    /// <summary>IDR0.PTFS: AArch32 tables.</summary>
    public AArch32Formats AArch32 { get; init; }

    /// <summary>IDR0.SMS: StreamIDs are matched with masks; else they index the stream mapping groups.</summary>
    public bool StreamMatching { get; init; } = true;

    /// <summary>IDR0.NUMSMRG: stream mapping groups, 0 to 128.</summary>
    public int StreamMappingGroups { get; init; } = 128;

    /// <summary>IDR0.NUMSIDB: bits of a StreamID, 0 to 15.</summary>
    public int StreamIdBits { get; init; } = 15;

    /// <summary>IDR0.NUMIRPT: context interrupts that any bank can have; 1 where each bank has its own (3.6.2).</summary>
    public int ContextInterrupts { get; init; } = 1;

    /// <summary>IDR0.CTTW: table walks are coherent with the processor's caches.</summary>
    public bool CoherentWalks { get; init; } = true;

    /// <summary>IDR1.NUMCB: context banks, 0 to 128.</summary>
    public int ContextBanks { get; init; } = 128;

    /// <summary>IDR1.NUMS2CB: context banks that do stage 2 only; they are the first ones.</summary>
    public int Stage2Banks { get; init; }

    /// <summary>IDR1.PAGESIZE: log2 of the bytes of a page of registers, 12 or 16.</summary>
    public int RegisterPageShift { get; init; } = 12;

    /// <summary>IDR1.NUMPAGENDXB: log2 of the pages of the global half, minus one.</summary>
    public int RegisterPageIndexBits { get; init; } = 6;

    /// <summary>IDR2.PTFSv8: granules of VMSAv8-64 tables; bit 0 4 KiB, bit 1 16 KiB, bit 2 64 KiB.</summary>
    public int Granules { get; init; } = 7;

    /// <summary>IDR2.VMID16S: 16-bit VMIDs; else 8.</summary>
    public bool Vmid16 { get; init; }

    /// <summary>IDR2.UBS: bits of an address as devices send it: 32, 36, 40, 42, 44, 49 (48 and a sign) or 64.</summary>
    public int InputAddressBits { get; init; } = 49;

    /// <summary>IDR2.IAS: bits of an intermediate address.</summary>
    public int IntermediateAddressBits { get; init; } = 48;

    /// <summary>IDR2.OAS: bits of an output address.</summary>
    public int OutputAddressBits { get; init; } = 48;

    /// <summary>SMMU_IDR0. Address translation operations are not there (ATOSNS).</summary>
    public uint Idr0 => (uint)(s_numsmrg.Set(0, (uint)StreamMappingGroups) | s_numsidb.Set(0, (uint)StreamIdBits) | Flag(s_cttw, CoherentWalks)
        | s_numirpt.Set(0, (uint)ContextInterrupts) | s_ptfs.Set(0, (uint)AArch32) | Flag(s_atosns, Stage1) | Flag(s_sms, StreamMatching) | Flag(s_nts, Nested)
        | Flag(s_s2ts, Stage2) | Flag(s_s1ts, Stage1));

    /// <summary>SMMU_IDR1. Every stream match conflict is found (SMCD).</summary>
    public uint Idr1 => (uint)(s_numcb.Set(0, (uint)ContextBanks) | s_smcd.Mask | s_nums2cb.Set(0, (uint)Stage2Banks) | s_numpagendxb.Set(0, (uint)RegisterPageIndexBits)
        | Flag(s_pagesize, RegisterPageShift == 16));

    /// <summary>SMMU_IDR2.</summary>
    public uint Idr2 => (uint)(s_ias.Set(0, Code(s_sizes, IntermediateAddressBits)) | s_oas.Set(0, Code(s_sizes, OutputAddressBits))
        | s_ubs.Set(0, InputAddressBits == 64 ? WholeBus : Code(s_busSizes, InputAddressBits)) | s_ptfsv8.Set(0, (uint)Granules) | Flag(s_vmid16s, Vmid16));

    /// <summary>Whether it has a granule.</summary>
    /// <param name="shift">12, 14 or 16.</param>
    public bool HasGranule(int shift) => shift is 12 or 14 or 16 && (Granules >> ((shift - 12) / 2) & 1) != 0;

    /// <summary>Offset of a context bank's page of registers, behind the global half (8.1).</summary>
    /// <param name="bank">0 to <see cref="ContextBanks"/> - 1.</param>
    public ulong BankOffset(int bank) => ((1UL << (RegisterPageIndexBits + 1)) + (ulong)bank) << RegisterPageShift;

    /// <summary>Bytes of all its registers: a global half and one of context banks.</summary>
    public ulong RegisterBytes => 1UL << (RegisterPageIndexBits + 2 + RegisterPageShift);

    /// <summary>What the identification registers say.</summary>
    /// <param name="idr0">SMMU_IDR0.</param>
    /// <param name="idr1">SMMU_IDR1.</param>
    /// <param name="idr2">SMMU_IDR2.</param>
    public static SmmuV2Features FromRegisters(uint idr0, uint idr1, uint idr2) => new()
    {
        Stage1 = s_s1ts.Get(idr0) != 0,
        Stage2 = s_s2ts.Get(idr0) != 0,
        Nested = s_nts.Get(idr0) != 0,
        AArch32 = (AArch32Formats)Math.Min((int)s_ptfs.Get(idr0), (int)AArch32Formats.None),
        StreamMatching = s_sms.Get(idr0) != 0,
        StreamMappingGroups = (int)s_numsmrg.Get(idr0),
        StreamIdBits = (int)s_numsidb.Get(idr0),
        ContextInterrupts = (int)s_numirpt.Get(idr0),
        CoherentWalks = s_cttw.Get(idr0) != 0,
        ContextBanks = (int)s_numcb.Get(idr1),
        Stage2Banks = (int)s_nums2cb.Get(idr1),
        RegisterPageShift = s_pagesize.Get(idr1) != 0 ? 16 : 12,
        RegisterPageIndexBits = (int)s_numpagendxb.Get(idr1),
        Granules = (int)s_ptfsv8.Get(idr2),
        Vmid16 = s_vmid16s.Get(idr2) != 0,
        InputAddressBits = s_ubs.Get(idr2) == WholeBus ? 64 : s_busSizes[Math.Min((int)s_ubs.Get(idr2), s_busSizes.Length - 1)],
        IntermediateAddressBits = AddressSize((int)s_ias.Get(idr2)),
        OutputAddressBits = AddressSize((int)s_oas.Get(idr2)),
    };

    /// <summary>The address bits of an IAS, OAS or PASize code; reserved ones count as 48 (16.5.39).</summary>
    public static int AddressSize(int code) => s_sizes[Math.Min(code, s_sizes.Length - 1)];

    private static ulong Flag(StructureField field, bool isSet) => isSet ? field.Mask : 0;

    private static ulong Code(int[] sizes, int bits)
    {
        var code = Array.IndexOf(sizes, bits);
        return code >= 0 ? (ulong)code : throw new InvalidOperationException($"An SMMUv2 has no addresses of {bits} bits there.");
    }
}
