using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>What an SMMUv2 implements: the fields of SMMU_IDR0, IDR1 and IDR2 that its configuration depends on (Arm IHI 0062, 9.6.3 to 9.6.5).</summary>
public sealed record SmmuV2Features
{
    private static readonly StructureField s_numsmrg = new("NUMSMRG", 0, 0, 8), s_cttw = new("CTTW", 0, 14, 1), s_sms = new("SMS", 0, 27, 1),
        s_s2ts = new("S2TS", 0, 29, 1), s_s1ts = new("S1TS", 0, 30, 1);

    private static readonly StructureField s_numcb = new("NUMCB", 0, 0, 8), s_nums2cb = new("NUMS2CB", 0, 16, 8), s_numpagendxb = new("NUMPAGENDXB", 0, 28, 3),
        s_pagesize = new("PAGESIZE", 0, 31, 1);

    private static readonly StructureField s_oas = new("OAS", 0, 4, 4), s_ptfsv8 = new("PTFSv8", 0, 12, 3);

    private static readonly int[] s_sizes = [32, 36, 40, 42, 44, 48];

    /// <summary>IDR0.S1TS: stage 1.</summary>
    public bool Stage1 { get; init; } = true;

    /// <summary>IDR0.S2TS: stage 2.</summary>
    public bool Stage2 { get; init; } = true;

    /// <summary>IDR0.SMS: StreamIDs are matched with masks; else they index the stream mapping groups.</summary>
    public bool StreamMatching { get; init; } = true;

    /// <summary>IDR0.NUMSMRG: stream mapping groups, 0 to 255.</summary>
    public int StreamMappingGroups { get; init; } = 128;

    /// <summary>IDR0.CTTW: table walks are coherent with the processor's caches.</summary>
    public bool CoherentWalks { get; init; } = true;

    /// <summary>IDR1.NUMCB: context banks, 0 to 255.</summary>
    public int ContextBanks { get; init; } = 128;

    /// <summary>IDR1.NUMS2CB: context banks that do stage 2 only; they are the first ones.</summary>
    public int Stage2Banks { get; init; }

    /// <summary>IDR1.PAGESIZE: log2 of the bytes of a page of registers, 12 or 16.</summary>
    public int RegisterPageShift { get; init; } = 12;

    /// <summary>IDR1.NUMPAGENDXB: log2 of the pages of the global half, minus one.</summary>
    public int RegisterPageIndexBits { get; init; } = 6;

    /// <summary>IDR2.PTFSv8: granules of VMSAv8-64 tables; bit 0 4 KiB, bit 1 16 KiB, bit 2 64 KiB.</summary>
    public int Granules { get; init; } = 7;

    /// <summary>IDR2.OAS: bits of an output address.</summary>
    public int OutputAddressBits { get; init; } = 48;

    /// <summary>Whether it has a granule.</summary>
    /// <param name="shift">12, 14 or 16.</param>
    public bool HasGranule(int shift) => shift is 12 or 14 or 16 && (Granules >> ((shift - 12) / 2) & 1) != 0;

    /// <summary>Offset of a context bank's page of registers, behind the global half (2.3).</summary>
    /// <param name="bank">0 to <see cref="ContextBanks"/> - 1.</param>
    public ulong BankOffset(int bank) => ((1UL << (RegisterPageIndexBits + 1)) + (ulong)bank) << RegisterPageShift;

    /// <summary>What the identification registers say.</summary>
    /// <param name="idr0">SMMU_IDR0.</param>
    /// <param name="idr1">SMMU_IDR1.</param>
    /// <param name="idr2">SMMU_IDR2.</param>
    public static SmmuV2Features FromRegisters(uint idr0, uint idr1, uint idr2) => new()
    {
        Stage1 = s_s1ts.Get(idr0) != 0,
        Stage2 = s_s2ts.Get(idr0) != 0,
        StreamMatching = s_sms.Get(idr0) != 0,
        StreamMappingGroups = (int)s_numsmrg.Get(idr0),
        CoherentWalks = s_cttw.Get(idr0) != 0,
        ContextBanks = (int)s_numcb.Get(idr1),
        Stage2Banks = (int)s_nums2cb.Get(idr1),
        RegisterPageShift = s_pagesize.Get(idr1) != 0 ? 16 : 12,
        RegisterPageIndexBits = (int)s_numpagendxb.Get(idr1),
        Granules = (int)s_ptfsv8.Get(idr2),
        OutputAddressBits = s_sizes[Math.Min((int)s_oas.Get(idr2), s_sizes.Length - 1)],
    };
}
