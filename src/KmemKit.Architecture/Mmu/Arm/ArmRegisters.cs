using System;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mmu.Arm;

/// <summary>System registers of the AArch32 PL1&amp;0 regime, for one tree or both, and its fault registers.</summary>
public static class ArmRegisters
{
    /// <summary>Registers for short descriptors.</summary>
    /// <param name="lower">What TTBR0 points to; null disables its walks (PD0).</param>
    /// <param name="lowerRoot">Its root.</param>
    /// <param name="upper">What TTBR1 points to; null disables its walks (PD1).</param>
    /// <param name="upperRoot">Its root.</param>
    /// <remarks>
    /// ARM DDI 0406C B4.1.153 (TTBCR: N, PD0, PD1), B4.1.154 (TTBR0: walks inner and outer write-back write-allocate, inner shareable), B4.1.43 (DACR),
    /// B4.1.127 (PRRR), B4.1.111 (NMRR).
    /// </remarks>
    /// <exception cref="ArgumentException">Both are null, a tree is on the wrong side, or the two do not share split, controls, DACR, PRRR and NMRR.</exception>
    public static ImmutableArray<SystemRegister> Of(ArmShortFormat? lower, ulong lowerRoot, ArmShortFormat? upper, ulong upperRoot)
    {
        var any = lower ?? upper ?? throw new ArgumentException("No tree at all.", nameof(lower));
        if (lower is { IsUpper: true } || upper is { IsUpper: false })
            throw new ArgumentException("TTBR0 points to a lower tree, TTBR1 to an upper one.", nameof(upper));
        if (lower is { } a && upper is { } b
            && (a.Split != b.Split || a.Controls != b.Controls || a.Dacr != b.Dacr || a.Prrr != b.Prrr || a.Nmrr != b.Nmrr))
            throw new ArgumentException("TTBCR.N, DACR, PRRR, NMRR and the controls are those of both trees.", nameof(upper));
        // IRGN[0] 6, NOS 5, RGN 4:3, S 1.
        const uint Walks = 1u << 6 | 1u << 5 | 1u << 3 | 1u << 1;
        var ttbcr = (uint)any.Split | (lower is null ? 1u << 4 : 0) | (upper is null && any.Split != 0 ? 1u << 5 : 0);
        var registers = ImmutableArray.CreateBuilder<SystemRegister>();
        registers.Add(new("DACR", any.Dacr));
        if ((any.Controls & TranslationControls.TexRemap) != 0)
        {
            registers.Add(new("PRRR", any.Prrr));
            registers.Add(new("NMRR", any.Nmrr));
        }
        registers.Add(new("TTBCR", ttbcr));
        if (lower is not null)
            registers.Add(new("TTBR0", lowerRoot | Walks));
        if (upper is not null)
            registers.Add(new("TTBR1", upperRoot | Walks));
        registers.Add(new("SCTLR", Sctlr(any.Controls)));
        return registers.ToImmutable();
    }

    /// <summary>Registers for long descriptors; the parameters as for short ones (EPD0, EPD1).</summary>
    /// <remarks>
    /// B4.1.153 (TTBCR: EAE, T0SZ, EPD0, T1SZ, EPD1, walks inner shareable write-back write-allocate), B4.1.104 (MAIR0, MAIR1), B4.1.130 (SCTLR). Where both trees
    /// are there, the addresses between them translate by neither (B3.6.4).
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// Both are null, a tree is on the wrong side, the two do not share MAIR and controls, or TTBR0's leaves TTBR1's no room.
    /// </exception>
    public static ImmutableArray<SystemRegister> Of(ArmLpaeFormat? lower, ulong lowerRoot, ArmLpaeFormat? upper, ulong upperRoot)
    {
        var any = lower ?? upper ?? throw new ArgumentException("No tree at all.", nameof(lower));
        if (lower is { IsUpper: true } || upper is { IsUpper: false })
            throw new ArgumentException("TTBR0 points to a lower tree, TTBR1 to an upper one.", nameof(upper));
        if (lower is { } a && upper is { } b && (a.Mair != b.Mair || a.Controls != b.Controls || a.InputBits == 32))
            throw new ArgumentException("MAIR and the controls are those of both trees, and TTBR0's is not all of the 4 GiB.", nameof(upper));
        const uint Walks = 0b11_01_01;
        var ttbcr = 1u << 31
            | (lower is { } l ? (uint)(32 - l.InputBits) | Walks << 8 : 1u << 7)
            | (upper is { } u ? (uint)(32 - u.InputBits) << 16 | Walks << 24 : 1u << 23);
        var registers = ImmutableArray.CreateBuilder<SystemRegister>();
        registers.Add(new("MAIR0", any.Mair & 0xffff_ffff));
        registers.Add(new("MAIR1", any.Mair >> 32));
        registers.Add(new("TTBCR", ttbcr));
        if (lower is not null)
            registers.Add(new("TTBR0", lowerRoot));
        if (upper is not null)
            registers.Add(new("TTBR1", upperRoot));
        registers.Add(new("SCTLR", Sctlr(any.Controls)));
        return registers.ToImmutable();
    }

    /// <summary>
    /// SCTLR with the MMU and caches on: bits 23, 22, 18, 16, 6 to 3 read as one (ARM DDI 0406C B4.1.130), M 0, C 2, I 12, WXN 19, UWXN 20, TRE 28, AFE 29.
    /// </summary>
    internal static uint Sctlr(TranslationControls controls) => 0x00c5_0078 | 1u << 12 | 1u << 2 | 1
        | ((controls & TranslationControls.Wxn) != 0 ? 1u << 19 : 0)
        | ((controls & TranslationControls.Uwxn) != 0 ? 1u << 20 : 0)
        | ((controls & TranslationControls.TexRemap) != 0 ? 1u << 28 : 0)
        | ((controls & TranslationControls.AccessFlag) != 0 ? 1u << 29 : 0);

    /// <summary>IFSR and IFAR of a fetch; DFSR with WnR in bit 11, and DFAR, of a load or store (B4.1.51, B4.1.96).</summary>
    internal static FaultReport Report(uint status, ulong address, AccessRights access) => (access & AccessRights.Execute) != 0
        ? new FaultReport("prefetch abort", "IFSR", status, "IFAR", address)
        : new FaultReport("data abort", "DFSR", status | ((access & AccessRights.Write) != 0 ? 1u << 11 : 0), "DFAR", address);
}
