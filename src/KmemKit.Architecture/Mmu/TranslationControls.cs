using System;

namespace KmemKit.Architecture.Mmu;

/// <summary>Bits of system registers that change what descriptors mean or what an access may do; each architecture reads its own.</summary>
[Flags]
public enum TranslationControls
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>x86 CR0.WP: privileged code, too, writes only where W is set. Fixed.</summary>
    WriteProtect = 1 << 0,

    /// <summary>x86 EFER.NXE: bit 63 is execute-disable and not reserved. Fixed.</summary>
    NoExecute = 1 << 1,

    /// <summary>x86 CR4.PSE: 4 MiB pages of two-level paging. Fixed.</summary>
    PageSizeExtension = 1 << 2,

    /// <summary>x86 CR4.PGE: the G bit counts. Fixed.</summary>
    GlobalPages = 1 << 3,

    /// <summary>x86 CR4.SMEP: privileged code does not fetch from user pages. Fixed.</summary>
    Smep = 1 << 4,

    /// <summary>x86 CR4.SMAP with EFLAGS.AC clear: privileged code does not load from or store to user pages. At each access.</summary>
    Smap = 1 << 5,

    /// <summary>Arm SCTLR.WXN: what can be written is never executed. Fixed.</summary>
    Wxn = 1 << 6,

    /// <summary>Arm SCTLR.UWXN (AArch32): what unprivileged code can write, privileged code never executes. Fixed.</summary>
    Uwxn = 1 << 7,

    /// <summary>Arm SCTLR.AFE (short descriptors): AP[0] is the access flag. Fixed.</summary>
    AccessFlag = 1 << 8,

    /// <summary>Arm SCTLR.TRE (short descriptors): TEX[0], C, B index PRRR and NMRR. Fixed.</summary>
    TexRemap = 1 << 9,

    /// <summary>Arm TCR.HPD: table descriptors take nothing away. Fixed.</summary>
    HierarchyDisabled = 1 << 10,

    /// <summary>Arm PSTATE.PAN: privileged code does not load from or store to what unprivileged code can read or write. At each access.</summary>
    Pan = 1 << 11,

    /// <summary>The walk sets the access flag itself (Arm TCR.HA, RISC-V Svadu); always so on x86. Fixed.</summary>
    HardwareAccessed = 1 << 12,

    /// <summary>The walk records the first write itself (Arm TCR.HD, RISC-V Svadu); always so on x86. Fixed.</summary>
    HardwareDirty = 1 << 13,

    /// <summary>RISC-V sstatus.SUM: S-mode may load from and store to user pages. At each access.</summary>
    Sum = 1 << 14,

    /// <summary>RISC-V sstatus.MXR: loads may read what is executable. At each access.</summary>
    Mxr = 1 << 15,

    /// <summary>RISC-V Svnapot: bit 63 with a suitable PPN is a range of 16 pages, and not reserved. Fixed.</summary>
    Svnapot = 1 << 16,

    /// <summary>RISC-V Svpbmt: bits 62:61 are the memory type, and not reserved. Fixed.</summary>
    Svpbmt = 1 << 17,

    /// <summary>x86 1 GiB pages (CPUID Page1GB). Fixed.</summary>
    GigabytePages = 1 << 18,

    /// <summary>Arm PXN attribute of short descriptors (ID_MMFR0.VMSA at least 4): bit 0 of a section, bit 2 of a table. Fixed.</summary>
    PrivilegedExecuteNever = 1 << 19,

    /// <summary>Arm FEAT_XNX: stage 2 withholds execution from EL1 and EL0 apart. Fixed.</summary>
    Xnx = 1 << 20,
}
