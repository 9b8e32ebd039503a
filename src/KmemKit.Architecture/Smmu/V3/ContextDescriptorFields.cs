namespace KmemKit.Architecture.Smmu.V3;

/// <summary>The fields of a context descriptor (Arm IHI 0070, 5.4).</summary>
public static class ContextDescriptorFields
{
    /// <summary>64 minus the bits of a lower-range input address.</summary>
    public static StructureField T0SZ { get; } = new("T0SZ", 0, 0, 6);

    /// <summary>Granule of the lower range: 0 4 KiB, 1 64 KiB, 2 16 KiB.</summary>
    public static StructureField TG0 { get; } = new("TG0", 0, 6, 2);

    /// <summary>Inner cacheability of table fetches.</summary>
    public static StructureField IR0 { get; } = new("IR0", 0, 8, 2);

    /// <summary>Outer cacheability of table fetches.</summary>
    public static StructureField OR0 { get; } = new("OR0", 0, 10, 2);

    /// <summary>Shareability of table fetches.</summary>
    public static StructureField SH0 { get; } = new("SH0", 0, 12, 2);

    /// <summary>The lower range has no table: any access faults.</summary>
    public static StructureField EPD0 { get; } = new("EPD0", 0, 14, 1);

    /// <summary>Tables are big-endian.</summary>
    public static StructureField ENDI { get; } = new("ENDI", 0, 15, 1);

    /// <summary>64 minus the bits of an upper-range input address.</summary>
    public static StructureField T1SZ { get; } = new("T1SZ", 0, 16, 6);

    /// <summary>Granule of the upper range: 1 16 KiB, 2 4 KiB, 3 64 KiB (another code than TG0's).</summary>
    public static StructureField TG1 { get; } = new("TG1", 0, 22, 2);

    /// <summary>Inner cacheability of table fetches.</summary>
    public static StructureField IR1 { get; } = new("IR1", 0, 24, 2);

    /// <summary>Outer cacheability of table fetches.</summary>
    public static StructureField OR1 { get; } = new("OR1", 0, 26, 2);

    /// <summary>Shareability of table fetches.</summary>
    public static StructureField SH1 { get; } = new("SH1", 0, 28, 2);

    /// <summary>The upper range has no table: any access faults.</summary>
    public static StructureField EPD1 { get; } = new("EPD1", 0, 30, 1);

    /// <summary>The descriptor is there.</summary>
    public static StructureField V { get; } = new("V", 0, 31, 1);

    /// <summary>Output size code.</summary>
    public static StructureField IPS { get; } = new("IPS", 0, 32, 3);

    /// <summary>No access flag faults.</summary>
    public static StructureField AFFD { get; } = new("AFFD", 0, 35, 1);

    /// <summary>What can be written is never executed.</summary>
    public static StructureField WXN { get; } = new("WXN", 0, 36, 1);

    /// <summary>What unprivileged code can write, privileged code never executes (AArch32).</summary>
    public static StructureField UWXN { get; } = new("UWXN", 0, 37, 1);

    /// <summary>Top byte ignored, bit 0 for the lower range.</summary>
    public static StructureField TBI { get; } = new("TBI", 0, 38, 2);

    /// <summary>Privileged accesses to what unprivileged code may access fault.</summary>
    public static StructureField PAN { get; } = new("PAN", 0, 40, 1);

    /// <summary>Tables are VMSAv8-64.</summary>
    public static StructureField AA64 { get; } = new("AA64", 0, 41, 1);

    /// <summary>Hardware updates the dirty state.</summary>
    public static StructureField HD { get; } = new("HD", 0, 42, 1);

    /// <summary>Hardware updates the access flag.</summary>
    public static StructureField HA { get; } = new("HA", 0, 43, 1);

    /// <summary>Faults stall.</summary>
    public static StructureField S { get; } = new("S", 0, 44, 1);

    /// <summary>Faults are recorded.</summary>
    public static StructureField R { get; } = new("R", 0, 45, 1);

    /// <summary>Terminated transactions are aborted; else read as zero, write ignored.</summary>
    public static StructureField A { get; } = new("A", 0, 46, 1);

    /// <summary>The ASID is not shared with processors: broadcast invalidations by ASID do not reach it.</summary>
    public static StructureField ASET { get; } = new("ASET", 0, 47, 1);

    /// <summary>Address space identifier.</summary>
    public static StructureField ASID { get; } = new("ASID", 0, 48, 16);

    /// <summary>Hierarchical attributes of the lower range are off.</summary>
    public static StructureField HAD0 { get; } = new("HAD0", 1, 1, 1);

    /// <summary>Table of the lower range.</summary>
    public static AddressField TTB0 { get; } = new("TTB0", 1, 4, 51);

    /// <summary>Hierarchical attributes of the upper range are off.</summary>
    public static StructureField HAD1 { get; } = new("HAD1", 2, 1, 1);

    /// <summary>Table of the upper range.</summary>
    public static AddressField TTB1 { get; } = new("TTB1", 2, 4, 51);

    /// <summary>Memory types 0 to 7: the 64 bits of MAIR_EL1.</summary>
    public static StructureField MAIR { get; } = new("MAIR", 3, 0, 64);

    /// <summary>Implementation-defined memory attributes.</summary>
    public static StructureField AMAIR { get; } = new("AMAIR", 4, 0, 64);
}
