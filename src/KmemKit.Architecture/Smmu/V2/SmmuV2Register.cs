namespace KmemKit.Architecture.Smmu.V2;

/// <summary>Offsets of the SMMUv2's registers, in bytes: of the global space 0 and 1 from the base, of a context bank from its page (Arm IHI 0062, 9.1, 10.1, 16.1 and 17.2).</summary>
public static class SmmuV2Register
{
    /// <summary>SMMU_sCR0.</summary>
    public const int Cr0 = 0x0;

    /// <summary>SMMU_sACR.</summary>
    public const int Acr = 0x10;

    /// <summary>SMMU_IDR0; the others, to IDR7, follow.</summary>
    public const int Idr0 = 0x20;

    /// <summary>SMMU_IDR1.</summary>
    public const int Idr1 = 0x24;

    /// <summary>SMMU_IDR2.</summary>
    public const int Idr2 = 0x28;

    /// <summary>SMMU_sGFAR, 64 bits.</summary>
    public const int FaultAddress = 0x40;

    /// <summary>SMMU_sGFSR.</summary>
    public const int FaultStatus = 0x48;

    /// <summary>SMMU_sGFSRRESTORE.</summary>
    public const int FaultStatusRestore = 0x4C;

    /// <summary>SMMU_sGFSYNR0.</summary>
    public const int FaultSyndrome0 = 0x50;

    /// <summary>SMMU_sGFSYNR1.</summary>
    public const int FaultSyndrome1 = 0x54;

    /// <summary>SMMU_TLBIVMID.</summary>
    public const int TlbiVmid = 0x64;

    /// <summary>SMMU_TLBIALLNSNH.</summary>
    public const int TlbiAllNsnh = 0x68;

    /// <summary>SMMU_TLBIALLH.</summary>
    public const int TlbiAllH = 0x6C;

    /// <summary>SMMU_sTLBGSYNC.</summary>
    public const int TlbGlobalSync = 0x70;

    /// <summary>SMMU_sTLBGSTATUS.</summary>
    public const int TlbGlobalStatus = 0x74;

    /// <summary>SMMU_TLBIVMIDS1.</summary>
    public const int TlbiVmidS1 = 0xB8;

    /// <summary>SMMU_CBn_SCTLR.</summary>
    public const int BankControl = 0x0;

    /// <summary>SMMU_CBn_ACTLR.</summary>
    public const int BankAuxiliaryControl = 0x4;

    /// <summary>SMMU_CBn_RESUME.</summary>
    public const int BankResume = 0x8;

    /// <summary>SMMU_CBn_TCR2.</summary>
    public const int BankTcr2 = 0x10;

    /// <summary>SMMU_CBn_TTBR0, 64 bits.</summary>
    public const int BankTtbr0 = 0x20;

    /// <summary>SMMU_CBn_TTBR1, 64 bits.</summary>
    public const int BankTtbr1 = 0x28;

    /// <summary>SMMU_CBn_TCR.</summary>
    public const int BankTcr = 0x30;

    /// <summary>SMMU_CBn_CONTEXTIDR.</summary>
    public const int BankContextId = 0x34;

    /// <summary>SMMU_CBn_MAIR0; SMMU_CBn_PRRR of short descriptors.</summary>
    public const int BankMair0 = 0x38;

    /// <summary>SMMU_CBn_MAIR1; SMMU_CBn_NMRR of short descriptors.</summary>
    public const int BankMair1 = 0x3C;

    /// <summary>SMMU_CBn_FSR.</summary>
    public const int BankFaultStatus = 0x58;

    /// <summary>SMMU_CBn_FSRRESTORE.</summary>
    public const int BankFaultStatusRestore = 0x5C;

    /// <summary>SMMU_CBn_FAR, 64 bits.</summary>
    public const int BankFaultAddress = 0x60;

    /// <summary>SMMU_CBn_FSYNR0.</summary>
    public const int BankFaultSyndrome0 = 0x68;

    /// <summary>SMMU_CBn_IPAFAR of a stage 2 bank, 64 bits.</summary>
    public const int BankIpaFaultAddress = 0x70;

    /// <summary>SMMU_CBn_TLBIVA, 64 bits with VMSAv8-64 tables.</summary>
    public const int BankTlbiVa = 0x600;

    /// <summary>SMMU_CBn_TLBIVAA, 64 bits with VMSAv8-64 tables.</summary>
    public const int BankTlbiVaa = 0x608;

    /// <summary>SMMU_CBn_TLBIASID.</summary>
    public const int BankTlbiAsid = 0x610;

    /// <summary>SMMU_CBn_TLBIALL.</summary>
    public const int BankTlbiAll = 0x618;

    /// <summary>SMMU_CBn_TLBIVAL, 64 bits with VMSAv8-64 tables.</summary>
    public const int BankTlbiVal = 0x620;

    /// <summary>SMMU_CBn_TLBIVAAL, 64 bits with VMSAv8-64 tables.</summary>
    public const int BankTlbiVaal = 0x628;

    /// <summary>SMMU_CBn_TLBIIPAS2 of a stage 2 bank, 64 bits.</summary>
    public const int BankTlbiIpaS2 = 0x630;

    /// <summary>SMMU_CBn_TLBIIPAS2L of a stage 2 bank, 64 bits.</summary>
    public const int BankTlbiIpaS2L = 0x638;

    /// <summary>SMMU_CBn_TLBSYNC.</summary>
    public const int BankTlbSync = 0x7F0;

    /// <summary>SMMU_CBn_TLBSTATUS.</summary>
    public const int BankTlbStatus = 0x7F4;

    /// <summary>SMMU_SMRn.</summary>
    public static int StreamMatch(int group) => 0x800 + (4 * group);

    /// <summary>SMMU_S2CRn.</summary>
    public static int StreamToContext(int group) => 0xC00 + (4 * group);

    /// <summary>SMMU_CBARn, from the base: global space 1 is the second page.</summary>
    public static int BankAttribute(int bank, int pageShift) => (1 << pageShift) + (4 * bank);

    /// <summary>SMMU_CBFRSYNRAn, from the base.</summary>
    public static int BankRestrictedSyndrome(int bank, int pageShift) => (1 << pageShift) + 0x400 + (4 * bank);

    /// <summary>SMMU_CBA2Rn, from the base.</summary>
    public static int BankAttribute2(int bank, int pageShift) => (1 << pageShift) + 0x800 + (4 * bank);
}
