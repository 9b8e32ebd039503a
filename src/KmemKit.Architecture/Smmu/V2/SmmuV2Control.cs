using System;

namespace KmemKit.Architecture.Smmu.V2;

/// <summary>Bits of SMMU_sCR0 (Arm IHI 0062, 9.6.3).</summary>
[Flags]
public enum SmmuV2Control : uint
{
    /// <summary>None: all clients are translated, and streams that no group matches pass.</summary>
    None = 0,

    /// <summary>CLIENTPD: nothing is translated.</summary>
    ClientPortDisable = 1,

    /// <summary>GFRE: global faults are reported with an abort.</summary>
    GlobalFaultReport = 1 << 1,

    /// <summary>GFIE: global faults raise an interrupt.</summary>
    GlobalFaultInterrupt = 1 << 2,

    /// <summary>STALLD: no fault stalls.</summary>
    StallDisable = 1 << 8,

    /// <summary>USFCFG: streams that no group matches fault.</summary>
    UnidentifiedStreamFault = 1 << 10,

    /// <summary>VMIDPNE: VMIDs are the SMMU's own, so that broadcast invalidations do not mean them.</summary>
    PrivateVmids = 1 << 11,

    /// <summary>PTM: TLBs are invalidated by registers alone.</summary>
    PrivateTlbMaintenance = 1 << 12,

    /// <summary>SMCFCFG: streams that two groups match fault; else they pass.</summary>
    StreamMatchConflictFault = 1 << 21,

    /// <summary>VMID16EN: VMIDs of 16 bits, in SMMU_CBA2Rn.</summary>
    Vmid16Enable = 1u << 31,
}
