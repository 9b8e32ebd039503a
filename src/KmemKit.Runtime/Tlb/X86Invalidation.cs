using KmemKit.Architecture;

namespace KmemKit.Runtime.Tlb;

/// <summary>How x86 invalidates translations, and what each way reaches: Intel SDM volume 3, 4.10.4.1.</summary>
/// <remarks>They work on the CPU that executes them; other CPUs are told by an interrupt (a TLB shootdown).</remarks>
public static class X86Invalidation
{
    /// <summary>INVLPG: an address in the current PCID, and global translations of it in any.</summary>
    public static TlbScope Invlpg(VirtAddr address, ushort pcid) => TlbScope.Address(address, pcid, globals: true);

    /// <summary>MOV to CR3 with bit 63 clear: all but global translations of the PCID that is loaded (000H where CR4.PCIDE is 0).</summary>
    public static TlbScope MovToCr3(ushort pcid) => TlbScope.AddressSpace(pcid, globals: false);

    /// <summary>MOV to CR4 that changes PGE: everything.</summary>
    public static TlbScope MovToCr4Pge() => TlbScope.All;

    /// <summary>INVPCID type 0: an address in a PCID, global translations not.</summary>
    public static TlbScope InvpcidAddress(VirtAddr address, ushort pcid) => TlbScope.Address(address, pcid, globals: false);

    /// <summary>INVPCID type 1: a PCID, global translations not.</summary>
    public static TlbScope InvpcidContext(ushort pcid) => TlbScope.AddressSpace(pcid, globals: false);

    /// <summary>INVPCID type 2: everything.</summary>
    public static TlbScope InvpcidAllWithGlobals() => TlbScope.All;

    /// <summary>INVPCID type 3: all PCIDs, global translations not.</summary>
    public static TlbScope InvpcidAll() => TlbScope.All with { Globals = false };
}
