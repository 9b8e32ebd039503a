using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>Offsets of the SMMUv2's registers, in bytes: of the global space 0 and 1 from the base, of a context bank from its page (Arm IHI 0062, 9.5 and 16.4).</summary>
public static class SmmuV2Register
{
    /// <summary>SMMU_sCR0.</summary>
    public const int Cr0 = 0x0;

    /// <summary>SMMU_CBn_SCTLR.</summary>
    public const int BankControl = 0x0;

    /// <summary>SMMU_CBn_TCR2.</summary>
    public const int BankTcr2 = 0x10;

    /// <summary>SMMU_CBn_TTBR0, 64 bits.</summary>
    public const int BankTtbr0 = 0x20;

    /// <summary>SMMU_CBn_TCR.</summary>
    public const int BankTcr = 0x30;

    /// <summary>SMMU_CBn_MAIR0.</summary>
    public const int BankMair0 = 0x38;

    /// <summary>SMMU_CBn_MAIR1.</summary>
    public const int BankMair1 = 0x3C;

    /// <summary>SMMU_SMRn.</summary>
    public static int StreamMatch(int group) => 0x800 + (4 * group);

    /// <summary>SMMU_S2CRn.</summary>
    public static int StreamToContext(int group) => 0xC00 + (4 * group);

    /// <summary>SMMU_CBARn, from the base: global space 1 is the second page.</summary>
    public static int BankAttribute(int bank, int pageShift) => (1 << pageShift) + (4 * bank);

    /// <summary>SMMU_CBA2Rn, from the base.</summary>
    public static int BankAttribute2(int bank, int pageShift) => (1 << pageShift) + 0x800 + (4 * bank);
}

/// <summary>Bits of SMMU_sCR0 (Arm IHI 0062, 9.6.1).</summary>
[Flags]
public enum SmmuV2Control : uint
{
    /// <summary>None: all clients are translated, and streams that no group matches pass.</summary>
    None = 0,

    /// <summary>CLIENTPD: nothing is translated.</summary>
    ClientPortDisable = 1,

    /// <summary>GFRE: global faults are reported with an abort.</summary>
    GlobalFaultReport = 1 << 1,

    /// <summary>GFIE: global faults raise an interrupt.</summary>
    GlobalFaultInterrupt = 1 << 2,

    /// <summary>USFCFG: streams that no group matches fault.</summary>
    UnidentifiedStreamFault = 1 << 10,
}

/// <summary>Values of a context bank's control registers for VMSAv8-64 tables.</summary>
public static class ContextBankRegisters
{
    // SCTLR: M 0, TRE 1, AFE 2, CFRE 5, CFIE 6, ASIDPNE 12 (16.5.21).
    private const uint Enable = 1 | (1 << 1) | (1 << 2) | (1 << 5) | (1 << 6);

    /// <summary>SMMU_CBn_SCTLR: on, with faults reported and raising an interrupt; stage 1 entries are of this bank's ASID alone.</summary>
    public static uint Control(bool isStage1) => Enable | (isStage1 ? 1u << 12 : 0);

    /// <summary>SMMU_CBn_TCR of stage 1: the lower range, the upper one closed (EPD1).</summary>
    /// <param name="inputBits">25 to 48.</param>
    /// <param name="granuleCode">TG0.</param>
    /// <param name="coherent">Whether walks are cacheable.</param>
    public static uint Stage1Tcr(int inputBits, uint granuleCode, bool coherent) => (uint)(64 - inputBits) | Walks(coherent) | (granuleCode << 14) | (1u << 23);

    /// <summary>SMMU_CBn_TCR of stage 2.</summary>
    /// <param name="inputBits">25 to 48.</param>
    /// <param name="granuleCode">TG0.</param>
    /// <param name="startLevelCode">SL0.</param>
    /// <param name="outputCode">PASize.</param>
    /// <param name="coherent">Whether walks are cacheable.</param>
    public static uint Stage2Tcr(int inputBits, uint granuleCode, uint startLevelCode, uint outputCode, bool coherent) =>
        (uint)(64 - inputBits) | (startLevelCode << 6) | Walks(coherent) | (granuleCode << 14) | (outputCode << 16);

    /// <summary>SMMU_CBn_TCR2 of stage 1: PASize, and addresses extended as they come in (SEP 0b111).</summary>
    public static uint Tcr2(uint outputCode) => outputCode | (7u << 15);

    // IRGN0, ORGN0 write-back write-allocate and inner shareable; or none of them and outer shareable.
    private static uint Walks(bool coherent) => coherent ? (1u << 8) | (1u << 10) | (3u << 12) : 2u << 12;
}
