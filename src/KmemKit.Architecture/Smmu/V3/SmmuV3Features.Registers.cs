namespace KmemKit.Architecture.Smmu.V3;

public sealed partial record SmmuV3Features
{
    private static readonly StructureField s_s2p = new("S2P", 0, 0, 1), s_s1p = new("S1P", 0, 1, 1), s_ttf = new("TTF", 0, 2, 2),
        s_cohacc = new("COHACC", 0, 4, 1), s_httu = new("HTTU", 0, 6, 2), s_hyp = new("HYP", 0, 9, 1), s_ats = new("ATS", 0, 10, 1),
        s_ns1ats = new("NS1ATS", 0, 11, 1), s_asid16 = new("ASID16", 0, 12, 1), s_msi = new("MSI", 0, 13, 1), s_pri = new("PRI", 0, 16, 1),
        s_vmid16 = new("VMID16", 0, 18, 1), s_cd2l = new("CD2L", 0, 19, 1), s_ttendian = new("TTENDIAN", 0, 21, 2),
        s_stallModel = new("STALL_MODEL", 0, 24, 2), s_termModel = new("TERM_MODEL", 0, 26, 1), s_stLevel = new("ST_LEVEL", 0, 27, 2);

    private static readonly StructureField s_sidsize = new("SIDSIZE", 0, 0, 6), s_ssidsize = new("SSIDSIZE", 0, 6, 5), s_priqs = new("PRIQS", 0, 11, 5),
        s_eventqs = new("EVENTQS", 0, 16, 5), s_cmdqs = new("CMDQS", 0, 21, 5);

    private static readonly StructureField s_oas = new("OAS", 0, 0, 3), s_gran4K = new("GRAN4K", 0, 4, 1), s_gran16K = new("GRAN16K", 0, 5, 1),
        s_gran64K = new("GRAN64K", 0, 6, 1), s_stallMax = new("STALL_MAX", 0, 16, 16);

    /// <summary>IDR5.STALL_MAX: most transactions that can be stalled at a time, 0 to 65535.</summary>
    public int StallMaximum { get; init; } = 64;

    /// <summary>SMMU_IDR0 (6.3.1). TTENDIAN says little-endian only.</summary>
    public uint Idr0
    {
        get
        {
            var value = s_ttf.Set(0, Bit(AArch32Tables) | (Bit(AArch64Tables) << 1));
            value = s_s1p.Set(s_s2p.Set(value, Bit(Stage2)), Bit(Stage1));
            value = s_cohacc.Set(s_httu.Set(value, (ulong)HardwareUpdate), Bit(CoherentAccess));
            value = s_hyp.Set(s_ats.Set(value, Bit(Ats)), Bit(Hypervisor));
            value = s_ns1ats.Set(value, Bit(!SplitStageAts));
            value = s_asid16.Set(s_vmid16.Set(value, Bit(Vmid16)), Bit(Asid16));
            value = s_msi.Set(s_pri.Set(value, Bit(Pri)), Bit(Msi));
            value = s_cd2l.Set(s_ttendian.Set(value, 2), Bit(TwoLevelContextTable));
            value = s_stallModel.Set(s_termModel.Set(value, Bit(TerminatesWithAbort)), (ulong)StallModel);
            return (uint)s_stLevel.Set(value, Bit(TwoLevelStreamTable));
        }
    }

    /// <summary>SMMU_IDR1 (6.3.2).</summary>
    public uint Idr1 => (uint)s_sidsize.Set(
        s_ssidsize.Set(s_priqs.Set(s_eventqs.Set(s_cmdqs.Set(0, (ulong)CommandQueueBits), (ulong)EventQueueBits), (ulong)PriQueueBits), (ulong)SubstreamIdBits),
        (ulong)StreamIdBits);

    /// <summary>SMMU_IDR5 (6.3.6).</summary>
    public uint Idr5 => (uint)s_oas.Set(
        s_gran4K.Set(
            s_gran16K.Set(
                s_gran64K.Set(s_stallMax.Set(0, (ulong)StallMaximum), Bit((Granules & SmmuGranules.SixtyFourKiB) != 0)),
                Bit((Granules & SmmuGranules.SixteenKiB) != 0)),
            Bit((Granules & SmmuGranules.FourKiB) != 0)),
        (ulong)AddressSizeCode(OutputAddressBits));

    /// <summary>What the identification registers of an SMMU say.</summary>
    /// <param name="idr0">SMMU_IDR0.</param>
    /// <param name="idr1">SMMU_IDR1.</param>
    /// <param name="idr5">SMMU_IDR5.</param>
    public static SmmuV3Features FromRegisters(uint idr0, uint idr1, uint idr5) => new()
    {
        Stage1 = s_s1p.Get(idr0) != 0,
        Stage2 = s_s2p.Get(idr0) != 0,
        AArch32Tables = (s_ttf.Get(idr0) & 1) != 0,
        AArch64Tables = (s_ttf.Get(idr0) & 2) != 0,
        CoherentAccess = s_cohacc.Get(idr0) != 0,
        HardwareUpdate = (int)s_httu.Get(idr0),
        Hypervisor = s_hyp.Get(idr0) != 0,
        Ats = s_ats.Get(idr0) != 0,
        SplitStageAts = s_ns1ats.Get(idr0) == 0,
        Asid16 = s_asid16.Get(idr0) != 0,
        Msi = s_msi.Get(idr0) != 0,
        Pri = s_pri.Get(idr0) != 0,
        Vmid16 = s_vmid16.Get(idr0) != 0,
        TwoLevelContextTable = s_cd2l.Get(idr0) != 0,
        StallModel = (StallModel)s_stallModel.Get(idr0),
        TerminatesWithAbort = s_termModel.Get(idr0) != 0,
        TwoLevelStreamTable = s_stLevel.Get(idr0) == 1,
        StreamIdBits = (int)s_sidsize.Get(idr1),
        SubstreamIdBits = (int)s_ssidsize.Get(idr1),
        PriQueueBits = (int)s_priqs.Get(idr1),
        EventQueueBits = (int)s_eventqs.Get(idr1),
        CommandQueueBits = (int)s_cmdqs.Get(idr1),
        OutputAddressBits = AddressSize((int)s_oas.Get(idr5)),
        Granules = (s_gran4K.Get(idr5) != 0 ? SmmuGranules.FourKiB : 0) | (s_gran16K.Get(idr5) != 0 ? SmmuGranules.SixteenKiB : 0)
            | (s_gran64K.Get(idr5) != 0 ? SmmuGranules.SixtyFourKiB : 0),
        StallMaximum = (int)s_stallMax.Get(idr5),
    };

    private static ulong Bit(bool value) => value ? 1UL : 0;
}
