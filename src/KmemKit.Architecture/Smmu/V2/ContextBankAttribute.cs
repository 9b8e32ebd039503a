using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>SMMU_CBARn.TYPE, bits 17 to 16 (Arm IHI 0062, 9.7.1): the stages of a context bank.</summary>
public enum ContextBankType
{
    /// <summary>0b00: stage 2 alone.</summary>
    Stage2 = 0,

    /// <summary>0b01: stage 1, stage 2 bypassed.</summary>
    Stage1 = 1,

    /// <summary>0b10: stage 1, stage 2 faults.</summary>
    Stage1Stage2Fault = 2,

    /// <summary>0b11: stage 1, then stage 2 of another bank.</summary>
    Nested = 3,
}

/// <summary>SMMU_CBARn: attributes of a context bank (Arm IHI 0062, 9.7.1). 32 bits.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextBankAttribute(uint Value)
{
    /// <summary>Stage 2 alone, of a VMID.</summary>
    public static ContextBankAttribute Stage2(byte vmid) => new(vmid);

    /// <summary>Stage 1 alone; the VMID tags its TLB entries. Shareability as it comes in (BPSHCFG 3, MemAttr 0xF).</summary>
    public static ContextBankAttribute Stage1(byte vmid) => new(vmid | (3u << 8) | (0xFu << 12) | ((uint)ContextBankType.Stage1 << 16));

    /// <summary>Stage 1, and the stage 2 of bank <paramref name="stage2Bank"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The bank is not 0 to 255.</exception>
    public static ContextBankAttribute Nested(byte vmid, int stage2Bank) => stage2Bank is >= 0 and <= 255
        ? new ContextBankAttribute(vmid | ((uint)stage2Bank << 8) | ((uint)ContextBankType.Nested << 16))
        : throw new ArgumentOutOfRangeException(nameof(stage2Bank), stage2Bank, "CBNDX has 8 bits.");

    /// <summary>TYPE, bits 17 to 16.</summary>
    public ContextBankType Type => (ContextBankType)((Value >> 16) & 3);

    /// <summary>VMID, bits 7 to 0.</summary>
    public byte Vmid => (byte)(Value & 0xFF);

    /// <summary>CBNDX, bits 15 to 8: the bank of stage 2. Only of <see cref="ContextBankType.Nested"/>.</summary>
    public int Stage2Bank => (int)((Value >> 8) & 0xFF);

    /// <summary>IRPTNDX, bits 31 to 24: the context interrupt.</summary>
    public int Interrupt => (int)(Value >> 24);
}

/// <summary>SMMU_CBA2Rn (Arm IHI 0062, 9.7.2). 32 bits.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextBankAttribute2(uint Value)
{
    /// <summary>VMSAv8-64 tables (VA64), of a 16-bit VMID where the SMMU has them.</summary>
    public static ContextBankAttribute2 AArch64(ushort vmid16 = 0) => new(1u | ((uint)vmid16 << 16));

    /// <summary>VA64, bit 0.</summary>
    public bool IsAArch64 => (Value & 1) != 0;

    /// <summary>VMID16, bits 31 to 16.</summary>
    public ushort Vmid16 => (ushort)(Value >> 16);
}

/// <summary>SMMU_CBn_FSR: why a context bank faulted (Arm IHI 0062, 16.5.5). Bits are cleared by writing 1.</summary>
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

    /// <summary>SS: the transaction is stalled, until SMMU_CBn_RESUME.</summary>
    Stalled = 1u << 30,

    /// <summary>MULTI: more faults came while this one was recorded.</summary>
    Multiple = 1u << 31,
}

/// <summary>SMMU_CBn_FSYNR0: of what kind the faulting access was (Arm IHI 0062, 16.5.6).</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextFaultSyndrome(uint Value)
{
    /// <summary>From the parts of a fault.</summary>
    /// <param name="level">PLVL, bits 1 to 0: level of the table.</param>
    /// <param name="isWrite">WNR, bit 4.</param>
    /// <param name="isPrivileged">PNU, bit 5.</param>
    /// <param name="isInstruction">IND, bit 6.</param>
    /// <param name="isTableWalk">PTWF, bit 10.</param>
    public static ContextFaultSyndrome Create(int level, bool isWrite, bool isPrivileged, bool isInstruction, bool isTableWalk) => new(
        ((uint)level & 3) | (isWrite ? 1u << 4 : 0) | (isPrivileged ? 1u << 5 : 0) | (isInstruction ? 1u << 6 : 0) | (isTableWalk ? 1u << 10 : 0));

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
}
