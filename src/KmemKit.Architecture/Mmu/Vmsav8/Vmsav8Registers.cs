using System;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mmu.Vmsav8;

/// <summary>A stage 1 tree of AArch64, whatever its granule: what the registers of the regime need to know of it.</summary>
public interface IVmsav8Stage1 : ITranslationFormat
{
    /// <summary>MAIR_EL1.</summary>
    ulong Mair { get; }

    /// <summary>Whether TTBR1 points to it.</summary>
    bool IsUpper { get; }

    /// <summary>TCR_EL1.TG0 of its granule.</summary>
    uint Tg0 { get; }

    /// <summary>TCR_EL1.TG1 of its granule.</summary>
    uint Tg1 { get; }
}

/// <summary>System registers of the AArch64 EL1&amp;0 regime, and its syndromes.</summary>
public static class Vmsav8Registers
{
    /// <summary>Registers for one tree or both.</summary>
    /// <param name="lower">What TTBR0_EL1 points to; null disables its walks (EPD0).</param>
    /// <param name="lowerRoot">Its root.</param>
    /// <param name="upper">What TTBR1_EL1 points to; null disables its walks (EPD1).</param>
    /// <param name="upperRoot">Its root.</param>
    /// <remarks>
    /// ARM DDI 0487 D19.2.139 (TCR_EL1), D19.2.99 (MAIR_EL1), D19.2.144 (TTBR0_EL1), D19.2.118 (SCTLR_EL1). Walks are inner shareable, write-back,
    /// write-allocate. SCTLR_EL1 is its RES1 bits, M, C, I and WXN.
    /// </remarks>
    /// <exception cref="ArgumentException">Both are null, a tree is on the wrong side, or the two do not share MAIR, output size and controls.</exception>
    public static ImmutableArray<SystemRegister> Of(IVmsav8Stage1? lower, ulong lowerRoot, IVmsav8Stage1? upper, ulong upperRoot)
    {
        var any = lower ?? upper ?? throw new ArgumentException("No tree at all.", nameof(lower));
        if (lower is { IsUpper: true } || upper is { IsUpper: false })
            throw new ArgumentException("TTBR0 points to a lower tree, TTBR1 to an upper one.", nameof(upper));
        const TranslationControls Shared = TranslationControls.Wxn | TranslationControls.HardwareAccessed | TranslationControls.HardwareDirty;
        if (lower is not null && upper is not null && (lower.Mair != upper.Mair || lower.OutputBits != upper.OutputBits
            || ((lower.Controls ^ upper.Controls) & Shared) != 0))
            throw new ArgumentException("MAIR, the output size and the controls are those of both trees.", nameof(upper));

        // IRGN, ORGN and SH of a half, at bit 8 and 24.
        const ulong Walks = 0b11_01_01UL;
        var tcr = (ulong)IpsOf(any.OutputBits) << 32;
        tcr |= lower is null ? 1UL << 7 | (uint)(64 - any.InputBits) | (ulong)any.Tg0 << 14 : Half(lower) | Walks << 8 | (ulong)lower.Tg0 << 14;
        tcr |= upper is null
            ? 1UL << 23 | (ulong)(64 - any.InputBits) << 16 | (ulong)any.Tg1 << 30
            : Half(upper) << 16 | Walks << 24 | (ulong)upper.Tg1 << 30;
        if ((any.Controls & TranslationControls.HardwareAccessed) != 0)
            tcr |= 1UL << 39;
        if ((any.Controls & TranslationControls.HardwareDirty) != 0)
            tcr |= 1UL << 40;
        if (lower is not null && (lower.Controls & TranslationControls.HierarchyDisabled) != 0)
            tcr |= 1UL << 41;
        if (upper is not null && (upper.Controls & TranslationControls.HierarchyDisabled) != 0)
            tcr |= 1UL << 42;
        const ulong Sctlr = 0x30d0_0800 | 1UL << 12 | 1UL << 2 | 1;
        return
        [
            new("MAIR_EL1", any.Mair),
            new("TCR_EL1", tcr),
            new("TTBR0_EL1", Base(lowerRoot)),
            new("TTBR1_EL1", Base(upperRoot)),
            new("SCTLR_EL1", Sctlr | ((any.Controls & TranslationControls.Wxn) != 0 ? 1UL << 19 : 0)),
        ];

        static ulong Half(IVmsav8Stage1 tree) => (uint)(64 - tree.InputBits);
    }

    /// <summary>Bits 51:48 of a 52-bit base are in 5:2.</summary>
    internal static ulong Base(ulong root) => (root & ((1UL << 48) - 1)) | (root >> 48 & 0xf) << 2;

    /// <summary>TCR_EL1.IPS, VTCR_EL2.PS.</summary>
    internal static uint IpsOf(int outputBits) => outputBits switch { 32 => 0, 36 => 1, 40 => 2, 42 => 3, 44 => 4, 48 => 5, _ => 6 };

    internal static void CheckOutputBits(int outputBits, int pageShift)
    {
        if (outputBits is not (32 or 36 or 40 or 42 or 44 or 48) && !(outputBits == 52 && pageShift == 16))
            throw new ArgumentOutOfRangeException(nameof(outputBits), outputBits, "Output sizes are 32, 36, 40, 42, 44, 48, and 52 with 64 KiB granules.");
    }

    /// <summary>The fault status code of long descriptors (ARM DDI 0487 D19.2.37 ISS DFSC; ARM DDI 0406C table B3-24 for AArch32): 6 bits.</summary>
    internal static uint StatusCode(in TranslationFault fault) => fault.Cause switch
    {
        FaultCause.AddressSize => (uint)fault.Level,
        FaultCause.Translation => 0b000100u | (uint)fault.Level,
        FaultCause.AccessFlag => 0b001000u | (uint)fault.Level,
        FaultCause.Permission => 0b001100u | (uint)fault.Level,
        FaultCause.ExternalAbort => 0b010000u,
        FaultCause.ExternalAbortOnWalk => 0b010100u | (uint)fault.Level,
        FaultCause.Alignment => 0b100001u,
        _ => throw new ArgumentOutOfRangeException(nameof(fault), fault.Cause, "Long descriptors have no such fault."),
    };

    /// <summary>ESR_EL1 (EC, IL, WnR, DFSC or IFSC) and FAR_EL1.</summary>
    internal static FaultReport Report(in TranslationFault fault, ulong address, AccessRights access, Privilege privilege)
    {
        var isFetch = (access & AccessRights.Execute) != 0;
        return new FaultReport(isFetch ? "instruction abort" : "data abort", "ESR_EL1", Syndrome(fault, access, privilege == Privilege.Privileged), "FAR_EL1", address);
    }

    internal static ulong Syndrome(in TranslationFault fault, AccessRights access, bool isSameLevel)
    {
        var exceptionClass = ((access & AccessRights.Execute) != 0 ? 0x20u : 0x24u) | (isSameLevel ? 1u : 0u);
        var writes = (access & AccessRights.Write) != 0 ? 1u << 6 : 0;
        return exceptionClass << 26 | 1u << 25 | writes | StatusCode(fault);
    }
}
