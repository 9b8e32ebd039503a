using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>TLB maintenance of ARMv7-A (CP15 c8) and what each operation reaches: ARM DDI 0406C, B3.10.5 and B4.2.2.</summary>
/// <remarks>The forms with <c>IS</c> reach the same on all CPUs of the inner shareable domain, those without on their own.</remarks>
public static class ArmInvalidation
{
    /// <summary>TLBIALL, TLBIALLIS: everything.</summary>
    public static TlbScope TlbiAll() => TlbScope.All;

    /// <summary>TLBIMVA, TLBIMVAIS: an address in an ASID, and global translations of it.</summary>
    public static TlbScope TlbiMva(VirtAddr address, byte asid) => TlbScope.Address(address, asid, globals: true);

    /// <summary>TLBIASID, TLBIASIDIS: an ASID; global translations are not reached.</summary>
    public static TlbScope TlbiAsid(byte asid) => TlbScope.AddressSpace(asid, globals: false);

    /// <summary>TLBIMVAA, TLBIMVAAIS: an address in all ASIDs.</summary>
    public static TlbScope TlbiMvaa(VirtAddr address) => TlbScope.Address(address, null, globals: true);
}
