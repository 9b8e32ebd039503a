namespace KmemKit.Architecture.Smmu.V3;

/// <summary>The fields of a stream table entry (Arm IHI 0070, 5.2).</summary>
public static class StreamTableEntryFields
{
    /// <summary>The entry is there.</summary>
    public static StructureField V { get; } = new("V", 0, 0, 1);

    /// <summary>Which stages translate (<see cref="SteConfig"/>).</summary>
    public static StructureField Config { get; } = new("Config", 0, 1, 3);

    /// <summary>Shape of the context descriptor table (<see cref="ContextTableFormat"/>).</summary>
    public static StructureField S1Fmt { get; } = new("S1Fmt", 0, 4, 2);

    /// <summary>Address of the context descriptor, or of the table of them.</summary>
    public static AddressField S1ContextPtr { get; } = new("S1ContextPtr", 0, 6, 51);

    /// <summary>log2 of the number of context descriptors.</summary>
    public static StructureField S1CDMax { get; } = new("S1CDMax", 0, 59, 5);

    /// <summary>What a transaction without SubstreamID does where there are substreams (<see cref="DefaultSubstream"/>).</summary>
    public static StructureField S1DSS { get; } = new("S1DSS", 1, 0, 2);

    /// <summary>Inner cacheability of context descriptor fetches.</summary>
    public static StructureField S1CIR { get; } = new("S1CIR", 1, 2, 2);

    /// <summary>Outer cacheability of context descriptor fetches.</summary>
    public static StructureField S1COR { get; } = new("S1COR", 1, 4, 2);

    /// <summary>Shareability of context descriptor fetches.</summary>
    public static StructureField S1CSH { get; } = new("S1CSH", 1, 6, 2);

    /// <summary>Destructive reads are allowed.</summary>
    public static StructureField DRE { get; } = new("DRE", 1, 12, 1);

    /// <summary>log2 of the number of neighbouring streams with the same entry.</summary>
    public static StructureField CONT { get; } = new("CONT", 1, 13, 4);

    /// <summary>Directed cache prefetch is allowed.</summary>
    public static StructureField DCP { get; } = new("DCP", 1, 17, 1);

    /// <summary>PRI page request responses carry the PASID.</summary>
    public static StructureField PPAR { get; } = new("PPAR", 1, 18, 1);

    /// <summary>Equal events of the stream may be merged.</summary>
    public static StructureField MEV { get; } = new("MEV", 1, 19, 1);

    /// <summary>Stage 1 faults never stall, whatever the context descriptor says.</summary>
    public static StructureField S1STALLD { get; } = new("S1STALLD", 1, 27, 1);

    /// <summary>Which ATS requests are answered.</summary>
    public static StructureField EATS { get; } = new("EATS", 1, 28, 2);

    /// <summary>StreamWorld: which translation regime's TLB entries the stream uses (<see cref="StreamWorld"/>).</summary>
    public static StructureField STRW { get; } = new("STRW", 1, 30, 2);

    /// <summary>Memory type override.</summary>
    public static StructureField MemAttr { get; } = new("MemAttr", 1, 32, 4);

    /// <summary>Whether <see cref="MemAttr"/> is used.</summary>
    public static StructureField MTCFG { get; } = new("MTCFG", 1, 36, 1);

    /// <summary>Allocation hint override.</summary>
    public static StructureField ALLOCCFG { get; } = new("ALLOCCFG", 1, 37, 4);

    /// <summary>Shareability override; 1 uses what comes in.</summary>
    public static StructureField SHCFG { get; } = new("SHCFG", 1, 44, 2);

    /// <summary>Security state override.</summary>
    public static StructureField NSCFG { get; } = new("NSCFG", 1, 46, 2);

    /// <summary>Privilege override; 0 uses what comes in, 2 unprivileged, 3 privileged.</summary>
    public static StructureField PRIVCFG { get; } = new("PRIVCFG", 1, 48, 2);

    /// <summary>Instruction or data override; 0 uses what comes in, 2 data, 3 instruction.</summary>
    public static StructureField INSTCFG { get; } = new("INSTCFG", 1, 50, 2);

    /// <summary>Virtual machine identifier of stage 2 entries, and of stage 1 entries of the NS-EL1 world.</summary>
    public static StructureField S2VMID { get; } = new("S2VMID", 2, 0, 16);

    /// <summary>64 minus the bits of a stage 2 input address.</summary>
    public static StructureField S2T0SZ { get; } = new("S2T0SZ", 2, 32, 6);

    /// <summary>First level of the stage 2 walk, in the code of VTCR_EL2.SL0.</summary>
    public static StructureField S2SL0 { get; } = new("S2SL0", 2, 38, 2);

    /// <summary>Inner cacheability of stage 2 table fetches.</summary>
    public static StructureField S2IR0 { get; } = new("S2IR0", 2, 40, 2);

    /// <summary>Outer cacheability of stage 2 table fetches.</summary>
    public static StructureField S2OR0 { get; } = new("S2OR0", 2, 42, 2);

    /// <summary>Shareability of stage 2 table fetches.</summary>
    public static StructureField S2SH0 { get; } = new("S2SH0", 2, 44, 2);

    /// <summary>Stage 2 granule: 0 4 KiB, 1 64 KiB, 2 16 KiB.</summary>
    public static StructureField S2TG { get; } = new("S2TG", 2, 46, 2);

    /// <summary>Stage 2 output size code.</summary>
    public static StructureField S2PS { get; } = new("S2PS", 2, 48, 3);

    /// <summary>Stage 2 tables are VMSAv8-64.</summary>
    public static StructureField S2AA64 { get; } = new("S2AA64", 2, 51, 1);

    /// <summary>Stage 2 tables are big-endian.</summary>
    public static StructureField S2ENDI { get; } = new("S2ENDI", 2, 52, 1);

    /// <summary>Access flag faults of stage 2 are off.</summary>
    public static StructureField S2AFFD { get; } = new("S2AFFD", 2, 53, 1);

    /// <summary>Stage 1 walks into stage 2 Device memory fault.</summary>
    public static StructureField S2PTW { get; } = new("S2PTW", 2, 54, 1);

    /// <summary>Hardware updates the dirty state.</summary>
    public static StructureField S2HD { get; } = new("S2HD", 2, 55, 1);

    /// <summary>Hardware updates the access flag.</summary>
    public static StructureField S2HA { get; } = new("S2HA", 2, 56, 1);

    /// <summary>Stage 2 faults stall.</summary>
    public static StructureField S2S { get; } = new("S2S", 2, 57, 1);

    /// <summary>Stage 2 faults are recorded.</summary>
    public static StructureField S2R { get; } = new("S2R", 2, 58, 1);

    /// <summary>Address of the stage 2 table.</summary>
    public static AddressField S2TTB { get; } = new("S2TTB", 3, 4, 51);
}
