using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>SMMU_sGFSR: why an SMMUv2 refused an access that no context bank can answer for (Arm IHI 0062, 9.6.15). Bits are cleared by writing 1.</summary>
[Flags]
public enum GlobalFaultStatus : uint
{
    /// <summary>No fault.</summary>
    None = 0,

    /// <summary>ICF: S2CR or CBAR says fault, or a combination that is not there.</summary>
    InvalidContext = 1,

    /// <summary>USF: no group matches the StreamID.</summary>
    UnidentifiedStream = 1 << 1,

    /// <summary>SMCF: two groups match it.</summary>
    StreamMatchConflict = 1 << 2,

    /// <summary>UCBF: there is no such context bank.</summary>
    UnimplementedContextBank = 1 << 3,

    /// <summary>UCIF: a context bank that faulted has an interrupt that is not there.</summary>
    UnimplementedContextInterrupt = 1 << 4,

    /// <summary>CAF: an access to a register that is not there.</summary>
    ConfigurationAccess = 1 << 5,

    /// <summary>EF: external abort.</summary>
    External = 1 << 6,

    /// <summary>PF: a secure fetch from non-secure memory.</summary>
    Permission = 1 << 7,

    /// <summary>UUT: unsupported upstream transaction.</summary>
    UnsupportedUpstreamTransaction = 1 << 8,

    /// <summary>MULTI: more faults came while this one was recorded.</summary>
    Multiple = 1u << 31,
}

/// <summary>SMMU_sGFSYNR0: of what kind the access was (Arm IHI 0062, 9.6.17).</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct GlobalFaultSyndrome(uint Value)
{
    /// <summary>From the parts of a fault.</summary>
    /// <param name="isNested">Nested, bit 0: what the context bank says is wrong, and not the group.</param>
    /// <param name="isWrite">WNR, bit 1.</param>
    /// <param name="isPrivileged">PNU, bit 2.</param>
    /// <param name="isInstruction">IND, bit 3.</param>
    public static GlobalFaultSyndrome Create(bool isNested, bool isWrite, bool isPrivileged, bool isInstruction) => new(
        (isNested ? 1u : 0) | (isWrite ? 1u << 1 : 0) | (isPrivileged ? 1u << 2 : 0) | (isInstruction ? 1u << 3 : 0));

    /// <summary>Nested, bit 0.</summary>
    public bool IsNested => (Value & 1) != 0;

    /// <summary>WNR, bit 1.</summary>
    public bool IsWrite => (Value & (1u << 1)) != 0;

    /// <summary>PNU, bit 2.</summary>
    public bool IsPrivileged => (Value & (1u << 2)) != 0;

    /// <summary>IND, bit 3.</summary>
    public bool IsInstruction => (Value & (1u << 3)) != 0;
}
