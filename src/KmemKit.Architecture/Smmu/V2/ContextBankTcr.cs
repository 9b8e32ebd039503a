namespace KmemKit.Architecture.Smmu.V2;

/// <summary>SMMU_CBn_TCR: sizes and granules of a context bank's tables, in the form that its tables have (Arm IHI 0062, 16.5.38 and 17.3.7).</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextBankTcr(uint Value)
{
    /// <summary>T0SZ of VMSAv8-64 tables, bits 5 to 0: the lower range has 64 - T0SZ bits.</summary>
    public int T0Size => (int)(Value & 0x3F);

    /// <summary>T1SZ of VMSAv8-64 tables, bits 21 to 16.</summary>
    public int T1Size => (int)(Value >> 16 & 0x3F);

    /// <summary>T0SZ of AArch32 tables of stage 1, bits 2 to 0: of long descriptors the lower range has 32 - T0SZ bits, of short ones it is N.</summary>
    public int T0Size32 => (int)(Value & 7);

    /// <summary>T1SZ of long descriptors, bits 18 to 16.</summary>
    public int T1Size32 => (int)(Value >> 16 & 7);

    /// <summary>T0SZ of AArch32 tables of stage 2: four bits, of which the highest is the sign.</summary>
    public int SignedT0Size => ((int)(Value & 0xF) ^ 8) - 8;

    /// <summary>EAE, bit 31, of AArch32 tables of stage 1: long descriptors.</summary>
    public bool HasLongDescriptors => Value >> 31 != 0;

    /// <summary>EPD0, bit 7: the lower range is not walked.</summary>
    public bool DisablesLower => (Value & (1u << 7)) != 0;

    /// <summary>EPD1, bit 23: the upper range is not walked.</summary>
    public bool DisablesUpper => (Value & (1u << 23)) != 0;

    /// <summary>PD0, bit 4, of short descriptors: the lower range is not walked.</summary>
    public bool DisablesShortLower => (Value & (1u << 4)) != 0;

    /// <summary>PD1, bit 5, of short descriptors: the upper range is not walked.</summary>
    public bool DisablesShortUpper => (Value & (1u << 5)) != 0;

    /// <summary>A1, bit 22: the ASID is TTBR1's.</summary>
    public bool HasUpperAsid => (Value & (1u << 22)) != 0;

    /// <summary>TG0, bits 15 to 14, as log2 of the granule: 12, 16 or 14; 12 for the reserved one.</summary>
    public int LowerGranuleShift => (Value >> 14 & 3) switch
    {
        1 => 16,
        2 => 14,
        _ => 12,
    };

    /// <summary>TG1, bits 31 to 30, as log2 of the granule: 14, 12 or 16; 12 for the reserved one.</summary>
    public int UpperGranuleShift => (Value >> 30) switch
    {
        1 => 14,
        3 => 16,
        _ => 12,
    };

    /// <summary>SL0 of stage 2, bits 7 to 6.</summary>
    public int StartLevelCode => (int)(Value >> 6 & 3);

    /// <summary>PASize of stage 2 with VMSAv8-64 tables, bits 18 to 16.</summary>
    public int OutputCode => (int)(Value >> 16 & 7);
}

/// <summary>SMMU_CBn_TCR2 of stage 1 (Arm IHI 0062, 16.5.39).</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct ContextBankTcr2(uint Value)
{
    private static readonly int[] s_positions = [31, 35, 39, 41, 43, 47];

    /// <summary>PASize, bits 2 to 0.</summary>
    public int OutputCode => (int)(Value & 7);

    /// <summary>AS, bit 4: ASIDs have 16 bits.</summary>
    public bool HasWideAsid => (Value & (1u << 4)) != 0;

    /// <summary>SEP, bits 17 to 15: the bit that counts as the sign; -1 where the width of the bus decides.</summary>
    public int SignPosition => (int)(Value >> 15 & 7) is var code && code < s_positions.Length ? s_positions[code] : -1;
}
