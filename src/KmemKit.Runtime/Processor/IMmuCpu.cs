using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processor;

/// <summary>A CPU with an MMU of whatever format, for code that is not in a hurry: each member is the one of <see cref="MmuCpu{TFormat}"/>.</summary>
public interface IMmuCpu : ICpuPort
{
    /// <summary>Its TLB.</summary>
    TlbModel Tlb { get; }

    /// <summary>Asked before a fault becomes an exception; null for nobody.</summary>
    IFaultHandler? FaultHandler { get; set; }

    /// <summary>The current address space (ASID, PCID).</summary>
    ushort Asid { get; }

    /// <summary>Controls that are read at each access (SMAP, PAN, SUM, MXR).</summary>
    TranslationControls Controls { get; set; }

    /// <summary>Switches to a tree: TTBR0 with its ASID, CR3 with its PCID, satp. Nothing is invalidated.</summary>
    /// <exception cref="System.ArgumentException">The tables are of another format.</exception>
    void SetTables(IPageTables tables, ushort asid);

    /// <summary>Where an address is for an access, as the access itself would find it.</summary>
    /// <exception cref="MemoryFaultException">The access would fault.</exception>
    PhysAddr Translate(VirtAddr address, AccessRights access, Privilege privilege);
}
