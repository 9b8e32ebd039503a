using System;
using F = KmemKit.Architecture.Smmu.V3.ContextDescriptorFields;

namespace KmemKit.Architecture.Smmu.V3;

/// <summary>A context descriptor (CD): stage 1 of a stream or substream (Arm IHI 0070, 5.4). 64 bytes in memory.</summary>
/// <param name="Words">Its bits.</param>
public readonly record struct ContextDescriptor(StructureWords Words)
{
    /// <summary>A descriptor that is not there: transactions give C_BAD_CD.</summary>
    public static ContextDescriptor Invalid => default;

    /// <summary>VMSAv8-64 tables for the lower address range; the upper one is closed (EPD1).</summary>
    /// <param name="table">TTB0, aligned to the table.</param>
    /// <param name="inputBits">Bits of an input address, 25 to 48.</param>
    /// <param name="granuleShift">12, 14 or 16.</param>
    /// <param name="outputBits">Bits of an output address: 32, 36, 40, 42, 44 or 48.</param>
    /// <param name="mair">Memory types, as MAIR_EL1.</param>
    /// <param name="asid">Address space identifier.</param>
    /// <exception cref="ArgumentOutOfRangeException">A value does not fit its field.</exception>
    public static ContextDescriptor Lower(PhysAddr table, int inputBits, int granuleShift, int outputBits, ulong mair, ushort asid) => new(
        default(StructureWords).With(F.V, 1).With(F.AA64, 1).With(F.R, 1).With(F.A, 1).With(F.ASET, 1).With(F.EPD1, 1)
            .With(F.T0SZ, (ulong)(64 - inputBits)).With(F.TG0, (ulong)Stage2Geometry.GranuleCode(granuleShift))
            .With(F.IPS, (ulong)SmmuV3Features.AddressSizeCode(outputBits)).With(F.ASID, asid).With(F.TTB0, table.Value).With(F.MAIR, mair)
            // Table walks as the processor's: write-back, read- and write-allocate, inner shareable.
            .With(F.IR0, 1).With(F.OR0, 1).With(F.SH0, 3));

    /// <summary>The same with faults that stall.</summary>
    public ContextDescriptor WithStalls() => new(Words.With(F.S, 1));

    /// <summary>V.</summary>
    public bool IsValid => Words[F.V] != 0;

    /// <summary>AA64.</summary>
    public bool IsAArch64 => Words[F.AA64] != 0;

    /// <summary>ASID.</summary>
    public ushort Asid => (ushort)Words[F.ASID];

    /// <summary>TTB0.</summary>
    public PhysAddr LowerTable => new(Words[F.TTB0]);

    /// <summary>TTB1.</summary>
    public PhysAddr UpperTable => new(Words[F.TTB1]);

    /// <summary>EPD0 clear: the lower range has a table.</summary>
    public bool HasLower => Words[F.EPD0] == 0;

    /// <summary>EPD1 clear: the upper range has a table.</summary>
    public bool HasUpper => Words[F.EPD1] == 0;

    /// <summary>Bits of a lower-range address: 64 - T0SZ.</summary>
    public int LowerInputBits => 64 - (int)Words[F.T0SZ];

    /// <summary>Bits of an upper-range address: 64 - T1SZ.</summary>
    public int UpperInputBits => 64 - (int)Words[F.T1SZ];

    /// <summary>Page shift of the lower range; 0 for the reserved code.</summary>
    public int LowerGranuleShift => Stage2Geometry.GranuleShift((int)Words[F.TG0]);

    /// <summary>Page shift of the upper range, whose code is another one (5.4, TG1); 0 for the reserved code.</summary>
    public int UpperGranuleShift => (int)Words[F.TG1] switch
    {
        1 => 14,
        2 => 12,
        3 => 16,
        _ => 0,
    };

    /// <summary>Bits of an output address, of IPS.</summary>
    public int OutputBits => SmmuV3Features.AddressSize((int)Words[F.IPS]);

    /// <summary>MAIR_EL1.</summary>
    public ulong Mair => Words[F.MAIR];

    /// <summary>S: faults stall.</summary>
    public bool Stalls => Words[F.S] != 0;

    /// <summary>R: faults are recorded.</summary>
    public bool RecordsFaults => Words[F.R] != 0;

    /// <summary>A: terminated transactions are aborted.</summary>
    public bool Aborts => Words[F.A] != 0;

    /// <summary>AFFD: no access flag faults.</summary>
    public bool IgnoresAccessFlag => Words[F.AFFD] != 0;

    /// <summary>WXN.</summary>
    public bool WriteExecuteNever => Words[F.WXN] != 0;

    /// <summary>PAN.</summary>
    public bool PrivilegedAccessNever => Words[F.PAN] != 0;

    /// <summary>TBI0: the top byte of a lower-range address is ignored.</summary>
    public bool IgnoresLowerTopByte => (Words[F.TBI] & 1) != 0;

    /// <summary>TBI1: the top byte of an upper-range address is ignored.</summary>
    public bool IgnoresUpperTopByte => (Words[F.TBI] & 2) != 0;

    /// <summary>Why the descriptor is ILLEGAL for an SMMU (5.4); <see cref="SmmuV3Fault.None"/> where it is not.</summary>
    public SmmuV3Fault Check(SmmuV3Features smmu)
    {
        if (smmu is null)
            throw new ArgumentNullException(nameof(smmu));
        if (!IsValid)
            return SmmuV3Fault.NotValid;
        if (IsAArch64 ? !smmu.AArch64Tables : !smmu.AArch32Tables)
            return SmmuV3Fault.TableFormatNotImplemented;
        if (Words[F.ENDI] != 0)
            return SmmuV3Fault.BadEndianness;
        if ((Words[F.HA] != 0 && smmu.HardwareUpdate < 1) || (Words[F.HD] != 0 && smmu.HardwareUpdate < 2))
            return SmmuV3Fault.HardwareUpdateNotImplemented;
        if ((smmu.StallModel == StallModel.TerminateOnly && Stalls) || (smmu.StallModel == StallModel.StallForced && !Stalls)
            || (smmu.TerminatesWithAbort && !Aborts))
            return SmmuV3Fault.BadFaultModel;
        // A closed range's own fields are IGNORED (5.4, EPD0).
        var fault = HasLower ? CheckRange(smmu, LowerGranuleShift, LowerInputBits, LowerTable) : SmmuV3Fault.None;
        return fault == SmmuV3Fault.None && HasUpper ? CheckRange(smmu, UpperGranuleShift, UpperInputBits, UpperTable) : fault;
    }

    private static SmmuV3Fault CheckRange(SmmuV3Features smmu, int granuleShift, int inputBits, PhysAddr table)
    {
        if (!HasGranule(smmu, granuleShift))
            return SmmuV3Fault.BadGranule;
        // TxSZ 16 to 39; more and fewer bits need features of 3.1 and later (5.4, T0SZ).
        if (inputBits is < 25 or > 48)
            return SmmuV3Fault.BadInputSize;
        return smmu.CanOutput(table.Value) ? SmmuV3Fault.None : SmmuV3Fault.BadAddress;
    }

    internal static bool HasGranule(SmmuV3Features smmu, int shift) => shift switch
    {
        12 => (smmu.Granules & SmmuGranules.FourKiB) != 0,
        14 => (smmu.Granules & SmmuGranules.SixteenKiB) != 0,
        16 => (smmu.Granules & SmmuGranules.SixtyFourKiB) != 0,
        _ => false,
    };
}
