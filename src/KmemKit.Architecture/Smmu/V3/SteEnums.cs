namespace KmemKit.Architecture.Smmu.V3;

/// <summary>STE.Config: what becomes of a stream's transactions (5.2).</summary>
public enum SteConfig
{
    /// <summary>0b000: aborted, without an event.</summary>
    Abort = 0,

    /// <summary>0b100: passed through.</summary>
    Bypass = 4,

    /// <summary>0b101: stage 1 translates.</summary>
    Stage1 = 5,

    /// <summary>0b110: stage 2 translates.</summary>
    Stage2 = 6,

    /// <summary>0b111: stage 1, whose tables and output stage 2 translates.</summary>
    Nested = 7,
}

/// <summary>STE.S1Fmt: shape of the context descriptor table (5.2).</summary>
public enum ContextTableFormat
{
    /// <summary>0b00: one array.</summary>
    Linear = 0,

    /// <summary>0b01: two levels, second-level tables of 4 KiB (64 descriptors).</summary>
    TwoLevel4K = 1,

    /// <summary>0b10: two levels, second-level tables of 64 KiB (1024 descriptors).</summary>
    TwoLevel64K = 2,
}

/// <summary>STE.S1DSS: a transaction without SubstreamID of a stream with substreams (5.2).</summary>
public enum DefaultSubstream
{
    /// <summary>0b00: is terminated, with C_BAD_SUBSTREAMID.</summary>
    Terminate = 0,

    /// <summary>0b01: bypasses stage 1.</summary>
    Bypass = 1,

    /// <summary>0b10: uses context descriptor 0.</summary>
    Substream0 = 2,
}

/// <summary>STE.STRW: translation regime of the stream, for stage 1 without stage 2 (5.2).</summary>
public enum StreamWorld
{
    /// <summary>0b00: NS-EL1, entries carry VMID and ASID.</summary>
    NonSecureEl1 = 0,

    /// <summary>0b10: EL2, without VMID.</summary>
    El2 = 2,
}

/// <summary>Why an SMMUv3 structure is ILLEGAL (5.2, 5.4): it then gives C_BAD_STE, C_BAD_CD or C_BAD_SUBSTREAMID.</summary>
public enum SmmuV3Fault
{
    /// <summary>It is not.</summary>
    None,

    /// <summary>V is 0.</summary>
    NotValid,

    /// <summary>Stage 1 or 2 is asked for and not implemented.</summary>
    StageNotImplemented,

    /// <summary>A field has a reserved value.</summary>
    ReservedValue,

    /// <summary>S1CDMax exceeds IDR1.SSIDSIZE.</summary>
    TooManySubstreams,

    /// <summary>A two-level table is not implemented.</summary>
    TwoLevelNotImplemented,

    /// <summary>The StreamWorld is not implemented, or not with stage 2.</summary>
    BadStreamWorld,

    /// <summary>The stall or terminate behaviour is not that of the implementation.</summary>
    BadFaultModel,

    /// <summary>The table format is not implemented.</summary>
    TableFormatNotImplemented,

    /// <summary>The granule is reserved or not implemented.</summary>
    BadGranule,

    /// <summary>The input size is outside the granule's.</summary>
    BadInputSize,

    /// <summary>The start level does not go with input size and granule.</summary>
    BadStartLevel,

    /// <summary>An address is beyond the output size, or not aligned to its table.</summary>
    BadAddress,

    /// <summary>Hardware update of flags is asked for and not implemented.</summary>
    HardwareUpdateNotImplemented,

    /// <summary>The ATS mode is not implemented or does not go with the stages.</summary>
    BadAts,

    /// <summary>Big-endian tables are not implemented.</summary>
    BadEndianness,
}
