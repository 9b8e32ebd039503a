using System;

namespace KmemKit.Architecture.Mpu;

/// <summary>Why a region or a set of rights has no encoding in a format, or a register value has no meaning.</summary>
public enum MpuFault
{
    /// <summary>It has one.</summary>
    None,

    /// <summary>A privilege may write or fetch what it may not read, or read what the privileged may not, in a way the format cannot say.</summary>
    RightsNotAvailable,

    /// <summary>The format has one execute-never bit for both privileges, and they want different things.</summary>
    ExecuteNotSeparate,

    /// <summary>The format cannot withhold execution from memory that can be read.</summary>
    ExecuteFollowsRead,

    /// <summary>The format does not have that memory type.</summary>
    MemoryTypeNotAvailable,

    /// <summary>The format cannot mark this memory shareable.</summary>
    ShareableNotAvailable,

    /// <summary>The size is not a power of two, or outside the sizes of the format.</summary>
    BadSize,

    /// <summary>The base is not a multiple of the size, or of the granule.</summary>
    BadAlignment,

    /// <summary>The end is beyond the format's address space.</summary>
    BeyondAddressSpace,

    /// <summary>Subregions in a format, or a size, that has none; or all eight disabled.</summary>
    BadSubregions,

    /// <summary>The region number is not there, or twice.</summary>
    BadNumber,

    /// <summary>The accesses the region should answer are not those the format separates.</summary>
    BadSpace,

    /// <summary>Two regions share addresses in a format that forbids it.</summary>
    Overlap,

    /// <summary>A top-of-range entry does not start where the entry before it points.</summary>
    BrokenChain,

    /// <summary>The format has no default map for the privileged.</summary>
    BackgroundNotAvailable,

    /// <summary>A register that the decoder needs is not there.</summary>
    RegisterMissing,

    /// <summary>The value is reserved or UNPREDICTABLE.</summary>
    ReservedEncoding,
}

/// <summary>A region that has no encoding, or a register value that has no meaning.</summary>
public sealed class MpuEncodingException : Exception
{
    /// <summary>With its reason.</summary>
    public MpuEncodingException(MpuFault fault, string message) : base(message) => Fault = fault;

    /// <summary>The reason.</summary>
    public MpuFault Fault { get; }
}
