using System;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.Architecture.Mpu.Pmsav5;
using KmemKit.Architecture.Mpu.Pmsav8;

namespace KmemKit.Architecture.Mpu;

/// <summary>What a core's fault registers hold after an access that its protection unit, or the bus behind it, refused.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>M profile (ARM DDI 0403E B3.2.15, ARM DDI 0553 D1.2, CFSR): MemManage with DACCVIOL and MMARVALID, or IACCVIOL and no address. The bus: BusFault with
/// PRECISERR and BFARVALID, or IBUSERR. The private peripheral bus refuses unprivileged code with a BusFault (ARM DDI 0403E B3.1.1), fetches with IACCVIOL.</item>
/// <item>PMSAv6, PMSAv7-R (ARM DDI 0338G table 3-68, ARM DDI 0363G table 3-12): background 0b00000 where no region is, permission 0b01101, synchronous external abort
/// 0b01000; DFSR.RnW [11] for a write.</item>
/// <item>Armv8-R AArch32 (ARM DDI 0568A C1.4): the long form, LPAE [9] set, with translation fault at level 0 (0b000100) where no region or more than one is, permission
/// fault at level 0 (0b001100), synchronous external abort 0b010000; WnR [11]. AArch64 (ARM DDI 0600B C1.4): the same numbers in ESR_EL1.ISS, WnR [6].</item>
/// <item>The unit of EL2 (ARM DDI 0568A E1.3, ARM DDI 0600B): HSR with HDFAR or HIFAR, ESR_EL2 with FAR_EL2; an abort of EL1 or EL0 comes from a lower level.</item>
/// <item>PMP (Privileged Architecture 1.12, table 3.6): access faults 1, 5, 7, with the address in mtval; the bus's own faults are the same.</item>
/// <item>PMSAv5: the parts have no fault status; CP15 c5 holds the access permissions there.</item>
/// </list>
/// </remarks>
public static class MpuFaultStatus
{
    private const ulong DataViolation = 1 << 1 | 1 << 7, InstructionViolation = 1 << 0;
    private const ulong DataBusError = 1 << 9 | 1 << 15, InstructionBusError = 1 << 8;
    private const ulong ShortPermission = 0xd, ShortExternal = 8, WriteNotRead = 1 << 11;
    private const ulong LongForm = 1 << 9, LongTranslation = 4, LongPermission = 0xc, LongExternal = 0x10;
    private const ulong WriteNotRead64 = 1 << 6, InstructionLength = 1 << 25;
    private const int ClassShift = 26;
    private const ulong InstructionAbortLower = 0x20, DataAbortLower = 0x24;

    /// <summary>Why the unit refuses an access; <see cref="FaultCause.None"/> where it does not.</summary>
    /// <param name="decision">What the unit says about the address.</param>
    /// <param name="access">One right.</param>
    public static FaultCause CauseOf(MpuDecision decision, AccessRights access)
    {
        if ((decision.Rights & access) != 0)
            return FaultCause.None;
        var region = access == AccessRights.Execute ? decision.InstructionRegion : decision.DataRegion;
        // Memory that has a type and no region is that of the default map, which refuses it.
        return region is null && decision.Memory == MpuMemoryType.Unspecified ? FaultCause.Translation : FaultCause.Permission;
    }

    /// <summary>What the fault registers hold.</summary>
    /// <param name="format">The unit.</param>
    /// <param name="cause">
    /// <see cref="FaultCause.Translation"/> where no region answers, <see cref="FaultCause.Permission"/> where one refuses, <see cref="FaultCause.ExternalAbort"/> where
    /// nothing answers on the bus.
    /// </param>
    /// <param name="address">The address that faulted.</param>
    /// <param name="access">One right: what was tried.</param>
    /// <param name="privilege">Who tried.</param>
    /// <exception cref="ArgumentOutOfRangeException">A unit has no fault of that cause.</exception>
    public static FaultReport Report(MpuFormat format, FaultCause cause, ulong address, AccessRights access, Privilege privilege)
    {
        if (format is null)
            throw new ArgumentNullException(nameof(format));
        if (cause is not (FaultCause.Translation or FaultCause.Permission or FaultCause.ExternalAbort))
            throw new ArgumentOutOfRangeException(nameof(cause), cause, "A protection unit has no such fault.");
        var isFetch = access == AccessRights.Execute;
        if (!format.Ungoverned.IsEmpty)
            return OfMProfile(format, cause, address, isFetch);
        var isWrite = access == AccessRights.Write;
        return format switch
        {
            PmpFormat => isFetch ? new FaultReport("instruction access fault", "mcause", 1, "mtval", address)
                : isWrite ? new FaultReport("store access fault", "mcause", 7, "mtval", address) : new FaultReport("load access fault", "mcause", 5, "mtval", address),
            Pmsav5Format => new FaultReport(isFetch ? "prefetch abort" : "data abort", "none", 0, null, address),
            Pmsav8Format { AddressBits: > 32 } eight => OfSyndrome(eight.IsOfEl2 ? "ESR_EL2" : "ESR_EL1", eight.IsOfEl2 ? "FAR_EL2" : "FAR_EL1", cause, address, isFetch, isWrite, privilege),
            Pmsav8Format { IsOfEl2: true } => OfSyndrome("HSR", isFetch ? "HIFAR" : "HDFAR", cause, address, isFetch, isWrite, privilege),
            Pmsav8Format => OfAArch32(LongForm | Pick(cause, LongTranslation, LongPermission, LongExternal), address, isFetch, isWrite),
            _ => OfAArch32(Pick(cause, 0, ShortPermission, ShortExternal), address, isFetch, isWrite),
        };
    }

    private static FaultReport OfMProfile(MpuFormat format, FaultCause cause, ulong address, bool isFetch)
    {
        var isBus = cause == FaultCause.ExternalAbort || (!isFetch && format.Ungoverned.Contains(new PhysAddr(address)));
        if (isFetch)
            return new FaultReport(isBus ? "BusFault" : "MemManage", "CFSR", isBus ? InstructionBusError : InstructionViolation, null, address);
        return isBus ? new FaultReport("BusFault", "CFSR", DataBusError, "BFAR", address) : new FaultReport("MemManage", "CFSR", DataViolation, "MMFAR", address);
    }

    private static FaultReport OfAArch32(ulong status, ulong address, bool isFetch, bool isWrite) => isFetch
        ? new FaultReport("prefetch abort", "IFSR", status, "IFAR", address)
        : new FaultReport("data abort", "DFSR", status | (isWrite ? WriteNotRead : 0), "DFAR", address);

    private static FaultReport OfSyndrome(string statusName, string addressName, FaultCause cause, ulong address, bool isFetch, bool isWrite, Privilege privilege)
    {
        // Class of an abort that comes from the same level is one more.
        var group = (isFetch ? InstructionAbortLower : DataAbortLower) + (privilege == Privilege.Privileged ? 1u : 0);
        var status = group << ClassShift | InstructionLength | (isWrite ? WriteNotRead64 : 0) | Pick(cause, LongTranslation, LongPermission, LongExternal);
        return new FaultReport(isFetch ? "instruction abort" : "data abort", statusName, status, addressName, address);
    }

    private static ulong Pick(FaultCause cause, ulong background, ulong permission, ulong external) => cause switch
    {
        FaultCause.Translation => background,
        FaultCause.Permission => permission,
        _ => external,
    };
}
