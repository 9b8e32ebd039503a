using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>SMMU_CBn_FSR: why a context bank faulted (Arm IHI 0062, 16.5.9). Bits are cleared by writing 1.</summary>
[Flags]
public enum ContextFaultStatus : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>TF: no translation.</summary>
    Translation = 1u << 1,

    /// <summary>AFF: the access flag is clear.</summary>
    AccessFlag = 1u << 2,

    /// <summary>PF: not allowed.</summary>
    Permission = 1u << 3,

    /// <summary>EF: external abort.</summary>
    External = 1u << 4,

    /// <summary>TLBMCF: two TLB entries match.</summary>
    TlbMatchConflict = 1u << 5,

    /// <summary>TLBLKF: TLB lock fault.</summary>
    TlbLock = 1u << 6,

    /// <summary>ASF: address size.</summary>
    AddressSize = 1u << 7,

    /// <summary>UUT: unsupported upstream transaction.</summary>
    UnsupportedUpstreamTransaction = 1u << 8,

    /// <summary>Format 0b01: the bank had AArch32 long descriptors. Read-only.</summary>
    LongFormat = 1u << 9,

    /// <summary>Format 0b10: the bank had VMSAv8-64 tables. Read-only.</summary>
    AArch64Format = 2u << 9,

    /// <summary>Format, bits 10 to 9, which are no fault.</summary>
    Format = 3u << 9,

    /// <summary>SS: the transaction is stalled, until SMMU_CBn_RESUME.</summary>
    Stalled = 1u << 30,

    /// <summary>MULTI: more faults came while this one was recorded.</summary>
    Multiple = 1u << 31,
}

/// <summary>SMMU_CBn_FSYNR0: of what kind the faulting access was (Arm IHI 0062, 16.5.11 and 17.3.1).</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextFaultSyndrome(uint Value)
{
    /// <summary>From the parts of a fault.</summary>
    /// <param name="level">PLVL, bits 1 to 0: level of the table.</param>
    /// <param name="isWrite">WNR, bit 4.</param>
    /// <param name="isPrivileged">PNU, bit 5.</param>
    /// <param name="isInstruction">IND, bit 6.</param>
    /// <param name="isTableWalk">PTWF, bit 10: a table could not be read.</param>
    public static ContextFaultSyndrome Create(int level, bool isWrite, bool isPrivileged, bool isInstruction, bool isTableWalk) => new(
        ((uint)level & 3) | (isWrite ? 1u << 4 : 0) | (isPrivileged ? 1u << 5 : 0) | (isInstruction ? 1u << 6 : 0) | (isTableWalk ? 1u << 10 : 0));

    /// <summary>The same in the stage 2 bank of a stage 1 bank.</summary>
    /// <param name="stage1Bank">S1CBNDX, bits 23 to 16.</param>
    /// <param name="isStage1Walk">S1PTWF, bit 3: what stage 2 did not translate is a table of stage 1.</param>
    public ContextFaultSyndrome BehindStage1(int stage1Bank, bool isStage1Walk) => new(Value | 1u << 2 | (isStage1Walk ? 1u << 3 : 0) | ((uint)stage1Bank << 16));

    /// <summary>PLVL, bits 1 to 0.</summary>
    public int Level => (int)(Value & 3);

    /// <summary>WNR, bit 4.</summary>
    public bool IsWrite => (Value & (1u << 4)) != 0;

    /// <summary>PNU, bit 5.</summary>
    public bool IsPrivileged => (Value & (1u << 5)) != 0;

    /// <summary>IND, bit 6.</summary>
    public bool IsInstruction => (Value & (1u << 6)) != 0;

    /// <summary>PTWF, bit 10: a table walk faulted.</summary>
    public bool IsTableWalk => (Value & (1u << 10)) != 0;

    /// <summary>NESTED, bit 2, of a stage 2 bank: stage 1 came before.</summary>
    public bool IsNested => (Value & (1u << 2)) != 0;

    /// <summary>S1PTWF, bit 3, of a stage 2 bank: a table of stage 1 was to be read.</summary>
    public bool IsStage1Walk => (Value & (1u << 3)) != 0;

    /// <summary>S1CBNDX, bits 23 to 16, where <see cref="IsNested"/>: the bank of stage 1.</summary>
    public int Stage1Bank => (int)((Value >> 16) & 0xFF);
}
