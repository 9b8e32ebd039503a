namespace KmemKit.Architecture.Smmu.V2;

/// <summary>Values of a context bank's control registers for VMSAv8-64 tables.</summary>
public static class ContextBankRegisters
{
    private const ContextBankControl Usual = ContextBankControl.Enable | ContextBankControl.TexRemap | ContextBankControl.AccessFlag | ContextBankControl.FaultReport
        | ContextBankControl.FaultInterrupt;

    /// <summary>SMMU_CBn_SCTLR: on, with faults reported and raising an interrupt; stage 1 entries are of this bank's ASID alone.</summary>
    public static uint Control(bool isStage1) => (uint)(Usual | (isStage1 ? ContextBankControl.PrivateAsids : 0));

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
