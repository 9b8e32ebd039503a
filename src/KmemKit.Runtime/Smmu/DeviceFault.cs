using KmemKit.Architecture;

namespace KmemKit.Runtime.Smmu;

/// <summary>Why a device's access did not go on.</summary>
public enum DeviceFaultKind
{
    /// <summary>Nothing is mapped there.</summary>
    Translation,

    /// <summary>It may not do that there.</summary>
    Permission,

    /// <summary>The access flag is clear.</summary>
    AccessFlag,

    /// <summary>An address has more bits than the SMMU.</summary>
    AddressSize,

    /// <summary>A table could not be read.</summary>
    External,

    /// <summary>The SMMU's configuration has no place for the stream, or a wrong one.</summary>
    Configuration,
}

/// <summary>A device's access that an SMMU did not let go on, in what all architectures of SMMUs say of it.</summary>
/// <param name="Kind">Why.</param>
/// <param name="StreamId">Who.</param>
/// <param name="Address">Device address.</param>
/// <param name="Access">One of Read, Write, Execute.</param>
/// <param name="IsStalled">Whether it waits for software.</param>
public readonly record struct DeviceFault(DeviceFaultKind Kind, uint StreamId, BusAddr Address, AccessRights Access, bool IsStalled);
