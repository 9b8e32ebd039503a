using F = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>Stage 2 of a stream table entry (Arm IHI 0070, 5.2): the guest's physical addresses (IPA) to physical ones.</summary>
public sealed record SteStage2
{
    /// <summary>S2VMID.</summary>
    public ushort Vmid { get; init; }

    /// <summary>S2TTB: the first of the start level's tables; aligned to all of them.</summary>
    public PhysAddr Table { get; init; }

    /// <summary>Bits of an input address: 64 - S2T0SZ.</summary>
    public int InputBits { get; init; } = 40;

    /// <summary>Page shift of S2TG: 12, 14 or 16; 0 reads the reserved code.</summary>
    public int GranuleShift { get; init; } = 12;

    /// <summary>First level of the walk, of S2SL0; -1 reads a reserved code.</summary>
    public int StartLevel { get; init; } = 1;

    /// <summary>Bits of an output address, of S2PS.</summary>
    public int OutputBits { get; init; } = 48;

    /// <summary>S2AA64: VMSAv8-64 tables.</summary>
    public bool IsAArch64 { get; init; } = true;

    /// <summary>S2AFFD: no access flag faults.</summary>
    public bool IgnoresAccessFlag { get; init; }

    /// <summary>S2PTW: stage 1 walks into Device memory fault.</summary>
    public bool ProtectsTableWalk { get; init; }

    /// <summary>S2S: faults stall.</summary>
    public bool Stalls { get; init; }

    /// <summary>S2R: faults are recorded.</summary>
    public bool RecordsFaults { get; init; } = true;

    internal StructureWords Write(StructureWords words) => words
        .With(F.S2VMID, Vmid).With(F.S2TTB, Table.Value).With(F.S2T0SZ, (ulong)(64 - InputBits))
        .With(F.S2TG, (ulong)Stage2Geometry.GranuleCode(GranuleShift)).With(F.S2SL0, (ulong)Stage2Geometry.StartLevelCode(GranuleShift, StartLevel))
        .With(F.S2PS, (ulong)SmmuV3Features.AddressSizeCode(OutputBits)).With(F.S2AA64, IsAArch64 ? 1UL : 0)
        // Table walks as the processor's: write-back, read- and write-allocate, inner shareable.
        .With(F.S2IR0, 1).With(F.S2OR0, 1).With(F.S2SH0, 3)
        .With(F.S2AFFD, IgnoresAccessFlag ? 1UL : 0).With(F.S2PTW, ProtectsTableWalk ? 1UL : 0)
        .With(F.S2S, Stalls ? 1UL : 0).With(F.S2R, RecordsFaults ? 1UL : 0);

    internal static SteStage2 Read(StructureWords words)
    {
        var granule = Stage2Geometry.GranuleShift((int)words[F.S2TG]);
        return new SteStage2
        {
            Vmid = (ushort)words[F.S2VMID],
            Table = new PhysAddr(words[F.S2TTB]),
            InputBits = 64 - (int)words[F.S2T0SZ],
            GranuleShift = granule,
            StartLevel = Stage2Geometry.StartLevel(granule, (int)words[F.S2SL0]),
            OutputBits = SmmuV3Features.AddressSize((int)words[F.S2PS]),
            IsAArch64 = words[F.S2AA64] != 0,
            IgnoresAccessFlag = words[F.S2AFFD] != 0,
            ProtectsTableWalk = words[F.S2PTW] != 0,
            Stalls = words[F.S2S] != 0,
            RecordsFaults = words[F.S2R] != 0,
            UpdatesFlags = words[F.S2HA] != 0 || words[F.S2HD] != 0,
            IsBigEndian = words[F.S2ENDI] != 0,
        };
    }

    /// <summary>S2HA or S2HD: hardware updates flags.</summary>
    public bool UpdatesFlags { get; init; }

    /// <summary>S2ENDI: big-endian tables.</summary>
    public bool IsBigEndian { get; init; }

    /// <summary>Bits of an output address that count: the smaller of S2PS and the SMMU's own size.</summary>
    public int EffectiveOutputBits(SmmuV3Features smmu) => System.Math.Min(OutputBits, smmu?.OutputAddressBits ?? OutputBits);

    internal SmmuV3Fault Check(SmmuV3Features smmu)
    {
        if (IsAArch64 ? !smmu.AArch64Tables : !smmu.AArch32Tables)
            return SmmuV3Fault.TableFormatNotImplemented;
        if (!ContextDescriptor.HasGranule(smmu, GranuleShift))
            return SmmuV3Fault.BadGranule;
        if (InputBits > smmu.OutputAddressBits || InputBits < 25)
            return SmmuV3Fault.BadInputSize;
        if (StartLevel < 0 || Stage2Geometry.ConcatenationBits(GranuleShift, InputBits, StartLevel) is var concatenated && concatenated < 0)
            return SmmuV3Fault.BadStartLevel;
        if (!smmu.CanOutput(Table.Value))
            return SmmuV3Fault.BadAddress;
        if (UpdatesFlags && smmu.HardwareUpdate == 0)
            return SmmuV3Fault.HardwareUpdateNotImplemented;
        if (IsBigEndian)
            return SmmuV3Fault.BadEndianness;
        return smmu.StallModel switch
        {
            StallModel.TerminateOnly when Stalls => SmmuV3Fault.BadFaultModel,
            StallModel.StallForced when !Stalls => SmmuV3Fault.BadFaultModel,
            _ => SmmuV3Fault.None,
        };
    }
}
