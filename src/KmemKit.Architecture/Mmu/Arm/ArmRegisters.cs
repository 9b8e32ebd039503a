namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>What both AArch32 formats have in common: SCTLR and the fault registers.</summary>
internal static class ArmRegisters
{
    /// <summary>
    /// SCTLR with the MMU and caches on: bits 23, 22, 18, 16, 6 to 3 read as one (ARM DDI 0406C B4.1.130), M 0, C 2, I 12, WXN 19, UWXN 20, TRE 28, AFE 29.
    /// </summary>
    public static uint Sctlr(TranslationControls controls) => 0x00c5_0078 | 1u << 12 | 1u << 2 | 1
        | ((controls & TranslationControls.Wxn) != 0 ? 1u << 19 : 0)
        | ((controls & TranslationControls.Uwxn) != 0 ? 1u << 20 : 0)
        | ((controls & TranslationControls.TexRemap) != 0 ? 1u << 28 : 0)
        | ((controls & TranslationControls.AccessFlag) != 0 ? 1u << 29 : 0);

    /// <summary>IFSR and IFAR of a fetch; DFSR with WnR in bit 11, and DFAR, of a load or store (B4.1.51, B4.1.96).</summary>
    public static FaultReport Report(uint status, ulong address, AccessRights access) => (access & AccessRights.Execute) != 0
        ? new FaultReport("prefetch abort", "IFSR", status, "IFAR", address)
        : new FaultReport("data abort", "DFSR", status | ((access & AccessRights.Write) != 0 ? 1u << 11 : 0), "DFAR", address);
}
