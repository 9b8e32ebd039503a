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
    /// <exception cref="System.ArgumentOutOfRangeException">The bank is not 0 to 255.</exception>
    public static ContextBankAttribute Nested(byte vmid, int stage2Bank) => stage2Bank is >= 0 and <= 255
        ? new ContextBankAttribute(vmid | ((uint)stage2Bank << 8) | ((uint)ContextBankType.Nested << 16))
        : throw new System.ArgumentOutOfRangeException(nameof(stage2Bank), stage2Bank, "CBNDX has 8 bits.");

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
