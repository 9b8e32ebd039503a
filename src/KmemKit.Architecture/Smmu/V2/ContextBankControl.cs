using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>Bits of SMMU_CBn_SCTLR (Arm IHI 0062, 16.5.29 and 17.3.3).</summary>
[Flags]
public enum ContextBankControl : uint
{
    /// <summary>None: nothing is translated.</summary>
    None = 0,

    /// <summary>M: the bank translates.</summary>
    Enable = 1,

    /// <summary>TRE: TEX remap of short descriptors; 1 with all others.</summary>
    TexRemap = 1 << 1,

    /// <summary>AFE: access flag of short descriptors; 1 with all others.</summary>
    AccessFlag = 1 << 2,

    /// <summary>AFFD: a clear access flag is no fault.</summary>
    AccessFlagFaultDisable = 1 << 3,

    /// <summary>E: tables are big-endian.</summary>
    BigEndian = 1 << 4,

    /// <summary>CFRE: a terminated access is an abort; else it reads as zero, or is dropped.</summary>
    FaultReport = 1 << 5,

    /// <summary>CFIE: faults raise an interrupt.</summary>
    FaultInterrupt = 1 << 6,

    /// <summary>CFCFG: faults stall; else they terminate.</summary>
    Stall = 1 << 7,

    /// <summary>HUPCF: other accesses go on while a fault is recorded.</summary>
    HitUnderFault = 1 << 8,

    /// <summary>WXN of stage 1: what can be written is not executed.</summary>
    WriteExecuteNever = 1 << 9,

    /// <summary>UWXN of stage 1 with AArch32 tables: what the unprivileged can write is not executed by the privileged.</summary>
    UnprivilegedWriteExecuteNever = 1 << 10,

    /// <summary>ASIDPNE of stage 1: ASIDs are the SMMU's own, so that broadcast invalidations do not mean them.</summary>
    PrivateAsids = 1 << 12,

    /// <summary>PTW of stage 2: stage 1 tables in Device memory are a permission fault.</summary>
    ProtectedTableWalk = 1 << 13,
}
