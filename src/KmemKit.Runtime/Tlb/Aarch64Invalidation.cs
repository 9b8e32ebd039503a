using System;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>TLBI of AArch64 EL1 and what each operation reaches: ARM DDI 0487, D8.17 (TLB maintenance).</summary>
/// <remarks>
/// The forms with <c>IS</c> reach the same on all CPUs of the inner shareable domain. VALE1 and VAALE1 differ from VAE1 and VAAE1 in the cached table entries
/// that they may leave, not in the translations they reach.
/// </remarks>
public static class Aarch64Invalidation
{
    /// <summary>TLBI VMALLE1, VMALLE1IS: everything of the current VMID.</summary>
    public static TlbScope Vmalle1(ushort vmid) => TlbScope.All with { Vmid = vmid };

    /// <summary>TLBI VAE1, VALE1: an address in an ASID, and global translations of it.</summary>
    public static TlbScope Vae1(VirtAddr address, ushort asid, ushort vmid) => TlbScope.Address(address, asid, globals: true) with { Vmid = vmid };

    /// <summary>TLBI VAAE1, VAALE1: an address in all ASIDs.</summary>
    public static TlbScope Vaae1(VirtAddr address, ushort vmid) => TlbScope.Address(address, null, globals: true) with { Vmid = vmid };

    /// <summary>TLBI ASIDE1: an ASID; global translations are not reached.</summary>
    public static TlbScope Aside1(ushort asid, ushort vmid) => TlbScope.AddressSpace(asid, globals: false) with { Vmid = vmid };

    /// <summary>TLBI ALLE1: everything of all VMIDs (from EL2).</summary>
    public static TlbScope Alle1() => TlbScope.All;

    /// <summary>TLBI RVAE1 (FEAT_TLBIRANGE): a range in an ASID, and global translations of it.</summary>
    /// <param name="first">BaseADDR.</param>
    /// <param name="num">NUM, 0 to 31.</param>
    /// <param name="scale">SCALE, 0 to 3.</param>
    /// <param name="pages">The granule.</param>
    /// <param name="asid">The ASID.</param>
    /// <param name="vmid">The current VMID.</param>
    /// <remarks>It reaches (NUM + 1) * 2^(5 * SCALE + 1) granules.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">NUM or SCALE is outside its field.</exception>
    public static TlbScope Rvae1(VirtAddr first, int num, int scale, PageGeometry pages, ushort asid, ushort vmid)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(num, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(num, 31);
        ArgumentOutOfRangeException.ThrowIfLessThan(scale, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(scale, 3);
        var bytes = (ulong)(num + 1) << ((5 * scale) + 1) << pages.PageShift;
        var last = first.Value > ulong.MaxValue - (bytes - 1) ? VirtAddr.MaxValue : first + (bytes - 1);
        return TlbScope.Range(first, last, asid, globals: true) with { Vmid = vmid };
    }
}
