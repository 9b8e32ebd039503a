using System;
using F = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>A stream table entry (STE): what becomes of one stream's transactions (Arm IHI 0070, 5.2). 64 bytes in memory.</summary>
/// <param name="Words">Its bits.</param>
public readonly record struct StreamTableEntry(StructureWords Words)
{
    /// <summary>An entry that is not there: transactions give C_BAD_STE.</summary>
    public static StreamTableEntry Invalid => default;

    /// <summary>Transactions are aborted, without an event.</summary>
    public static StreamTableEntry Abort => new(default(StructureWords).With(F.V, 1));

    /// <summary>Transactions pass through with their own attributes.</summary>
    public static StreamTableEntry Bypass => new(
        default(StructureWords).With(F.V, 1).With(F.Config, (ulong)SteConfig.Bypass).With(F.SHCFG, 1));

    /// <summary>Stage 1 translates by the context descriptors at <paramref name="contextTable"/>.</summary>
    /// <param name="contextTable">64-byte aligned; a table of more is aligned to its size.</param>
    /// <param name="format">Shape of the table.</param>
    /// <param name="substreamBits">log2 of the number of descriptors; 0 for one without substreams.</param>
    /// <param name="world">Translation regime.</param>
    /// <param name="defaultSubstream">What transactions without SubstreamID do where there are substreams.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value does not fit its field.</exception>
    public static StreamTableEntry Stage1(
        PhysAddr contextTable, ContextTableFormat format = ContextTableFormat.Linear, int substreamBits = 0,
        StreamWorld world = StreamWorld.NonSecureEl1, DefaultSubstream defaultSubstream = DefaultSubstream.Substream0) => new(
        default(StructureWords).With(F.V, 1).With(F.Config, (ulong)SteConfig.Stage1)
            .With(F.S1ContextPtr, contextTable.Value).With(F.S1Fmt, (ulong)format).With(F.S1CDMax, (ulong)substreamBits)
            .With(F.S1DSS, substreamBits == 0 ? 0 : (ulong)defaultSubstream).With(F.STRW, (ulong)world)
            // Write-back, read- and write-allocate, inner shareable: as coherent as the processor's own walks.
            .With(F.S1CIR, 1).With(F.S1COR, 1).With(F.S1CSH, 3).With(F.SHCFG, 1));

    /// <summary>The same with stage 2 as <paramref name="stage2"/> says: stage 2 alone of an entry that bypasses, nested of one with stage 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A value does not fit its field.</exception>
    public StreamTableEntry WithStage2(SteStage2 stage2)
    {
        if (stage2 is null)
            throw new ArgumentNullException(nameof(stage2));
        var config = Config == SteConfig.Stage1 || Config == SteConfig.Nested ? SteConfig.Nested : SteConfig.Stage2;
        return new StreamTableEntry(stage2.Write(Words.With(F.V, 1).With(F.Config, (ulong)config)));
    }

    /// <summary>The same with stage 1 faults that never stall.</summary>
    public StreamTableEntry WithoutStalls() => new(Words.With(F.S1STALLD, 1));

    /// <summary>V.</summary>
    public bool IsValid => Words[F.V] != 0;

    /// <summary>Config; the reserved encodings 0b001 to 0b011 behave as abort.</summary>
    public SteConfig Config => (Words[F.Config] & 4) == 0 ? SteConfig.Abort : (SteConfig)Words[F.Config];

    /// <summary>Whether stage 1 translates.</summary>
    public bool UsesStage1 => Config is SteConfig.Stage1 or SteConfig.Nested;

    /// <summary>Whether stage 2 translates.</summary>
    public bool UsesStage2 => Config is SteConfig.Stage2 or SteConfig.Nested;

    /// <summary>S1ContextPtr: physical, or of the IPA space where stage 2 translates.</summary>
    public PhysAddr ContextTable => new(Words[F.S1ContextPtr]);

    /// <summary>S1Fmt.</summary>
    public ContextTableFormat ContextFormat => (ContextTableFormat)Words[F.S1Fmt];

    /// <summary>S1CDMax: log2 of the number of context descriptors.</summary>
    public int SubstreamBits => (int)Words[F.S1CDMax];

    /// <summary>S1DSS.</summary>
    public DefaultSubstream DefaultSubstream => (DefaultSubstream)Words[F.S1DSS];

    /// <summary>STRW.</summary>
    public StreamWorld World => (StreamWorld)Words[F.STRW];

    /// <summary>S2VMID.</summary>
    public ushort Vmid => (ushort)Words[F.S2VMID];

    /// <summary>The fields of stage 2.</summary>
    public SteStage2 Stage2 => SteStage2.Read(Words);

    /// <summary>Why the entry is ILLEGAL for an SMMU (5.2); <see cref="SmmuV3Fault.None"/> where it is not.</summary>
    public SmmuV3Fault Check(SmmuV3Features smmu)
    {
        if (smmu is null)
            throw new ArgumentNullException(nameof(smmu));
        if (!IsValid)
            return SmmuV3Fault.NotValid;
        if (Config == SteConfig.Abort)
            return SmmuV3Fault.None;
        if ((UsesStage1 && !smmu.Stage1) || (UsesStage2 && !smmu.Stage2))
            return SmmuV3Fault.StageNotImplemented;
        var fault = CheckAts(smmu);
        if (fault == SmmuV3Fault.None && UsesStage1)
            fault = CheckStage1(smmu);
        if (fault == SmmuV3Fault.None && UsesStage2)
            fault = Stage2.Check(smmu);
        return fault;
    }

    private SmmuV3Fault CheckAts(SmmuV3Features smmu) => Words[F.EATS] switch
    {
        0 => SmmuV3Fault.None,
        1 => smmu.Ats && Config != SteConfig.Bypass ? SmmuV3Fault.None : SmmuV3Fault.BadAts,
        // Split-stage ATS is for nested streams only (5.2, EATS).
        2 => smmu.Ats && smmu.SplitStageAts && Config == SteConfig.Nested ? SmmuV3Fault.None : SmmuV3Fault.BadAts,
        _ => SmmuV3Fault.ReservedValue,
    };

    private SmmuV3Fault CheckStage1(SmmuV3Features smmu)
    {
        if (SubstreamBits > smmu.SubstreamIdBits)
            return SmmuV3Fault.TooManySubstreams;
        if (SubstreamBits != 0)
        {
            if (Words[F.S1Fmt] == 3 || Words[F.S1DSS] == 3)
                return SmmuV3Fault.ReservedValue;
            if (ContextFormat != ContextTableFormat.Linear && !smmu.TwoLevelContextTable)
                return SmmuV3Fault.TwoLevelNotImplemented;
        }
        var world = Words[F.STRW];
        if (Config == SteConfig.Nested ? world != 0 : world is not (0 or 2) || (world == 2 && !smmu.Hypervisor))
            return SmmuV3Fault.BadStreamWorld;
        if (Words[F.S1STALLD] != 0 && smmu.StallModel == StallModel.StallForced)
            return SmmuV3Fault.BadFaultModel;
        // Behind stage 2 the pointer is an IPA, whose size stage 2 bounds.
        return Config == SteConfig.Stage1 && !smmu.CanOutput(ContextTable.Value) ? SmmuV3Fault.BadAddress : SmmuV3Fault.None;
    }

    /// <summary>
    /// The bits that the SMMU looks at, given the entry's own V and Config: what a hitless update may not change in one step but for a whole word (5.2 and 3.21.3).
    /// </summary>
    public StructureWords UsedBits => SteUsedBits.Of(this);
}
