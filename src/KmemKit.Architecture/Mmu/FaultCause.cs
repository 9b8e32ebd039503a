namespace KmemKit.Architecture.Mmu;

/// <summary>Why a translation ends without memory.</summary>
public enum FaultCause : byte
{
    /// <summary>It does not.</summary>
    None,

    /// <summary>The address is in no range of the regime, or a descriptor is invalid or of a kind its level does not have.</summary>
    Translation,

    /// <summary>A descriptor puts out an address beyond the output size (Arm).</summary>
    AddressSize,

    /// <summary>The access flag is clear, and hardware does not set it (Arm).</summary>
    AccessFlag,

    /// <summary>The domain gives no access (ARM short descriptors).</summary>
    Domain,

    /// <summary>The rights do not allow the access.</summary>
    Permission,

    /// <summary>A reserved bit is set in a present descriptor (x86).</summary>
    ReservedBit,

    /// <summary>The address is not canonical: a general-protection exception, not a page fault (x86-64).</summary>
    NonCanonical,

    /// <summary>The descriptor itself cannot be read.</summary>
    ExternalAbortOnWalk,

    /// <summary>Nothing answers at the output address.</summary>
    ExternalAbort,

    /// <summary>The address is not aligned as the access or the memory type demands.</summary>
    Alignment,
}

/// <summary>A fault and where the walk found it.</summary>
/// <param name="Cause">Why.</param>
/// <param name="Level">Level of the lookup, by the architecture's numbering.</param>
/// <param name="Domain">ARM short descriptors: domain of the descriptor, where it was known.</param>
public readonly record struct TranslationFault(FaultCause Cause, int Level, byte Domain = 0);

/// <summary>What the processor's fault registers hold after a fault.</summary>
/// <param name="Exception">Name of the exception, such as <c>#PF</c>, <c>data abort</c>, <c>load page fault</c>.</param>
/// <param name="StatusRegister">Name of what holds the reason: <c>error code</c>, <c>DFSR</c>, <c>IFSR</c>, <c>ESR_EL1</c>, <c>scause</c>.</param>
/// <param name="Status">The reason, as the architecture encodes it.</param>
/// <param name="AddressRegister">Name of what holds the address: <c>CR2</c>, <c>DFAR</c>, <c>IFAR</c>, <c>FAR_EL1</c>, <c>stval</c>; null where none does.</param>
/// <param name="Address">The address that faulted.</param>
public readonly record struct FaultReport(string Exception, string StatusRegister, ulong Status, string? AddressRegister, ulong Address);

/// <summary>A system register and its value.</summary>
/// <param name="Name">The architecture's name, such as <c>TTBR0_EL1</c>, <c>CR3</c>, <c>satp</c>.</param>
/// <param name="Value">Value.</param>
public readonly record struct SystemRegister(string Name, ulong Value);
