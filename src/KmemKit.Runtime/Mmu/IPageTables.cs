using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>A tree of translation tables of whatever format, for code that is not in a hurry: each member is the one of <see cref="PageTables{TFormat}"/>.</summary>
public interface IPageTables
{
    /// <summary>The TLBs that hear of changes.</summary>
    TlbDomain Domain { get; }

    /// <summary>The address space whose translations these are (ASID, PCID), where the tree is not shared by all.</summary>
    ushort Asid { get; set; }

    /// <summary>Physical address of the root table.</summary>
    PhysAddr Root { get; }

    /// <summary>Tables below the root.</summary>
    long TableCount { get; }

    /// <summary>Pages that all tables take, the root included.</summary>
    long TablePages { get; }

    /// <inheritdoc cref="PageTables{TFormat}.TryProt"/>
    EncodingRefusal TryProt(in PageAttributes attributes, out PageProt? prot, ulong largestLeaf = ulong.MaxValue);

    /// <inheritdoc cref="PageTables{TFormat}.Map"/>
    PageTableResult Map(Cpu cpu, VirtAddr virt, PhysAddr phys, ulong size, PageProt prot);

    /// <inheritdoc cref="PageTables{TFormat}.Unmap"/>
    PageTableResult Unmap(Cpu cpu, VirtAddr virt, ulong size, TlbGather? gather = null);

    /// <inheritdoc cref="PageTables{TFormat}.UnmapOnly"/>
    PageTableResult UnmapOnly(Cpu cpu, VirtAddr virt, ulong size);

    /// <inheritdoc cref="PageTables{TFormat}.Protect"/>
    PageTableResult Protect(Cpu cpu, VirtAddr virt, ulong size, PageProt prot, TlbGather? gather = null);

    /// <inheritdoc cref="PageTables{TFormat}.MarkUsed"/>
    bool MarkUsed(VirtAddr address, bool write);

    /// <inheritdoc cref="PageTables{TFormat}.ReclaimTables"/>
    int ReclaimTables(Cpu cpu, VirtRange owned);

    /// <inheritdoc cref="PageTables{TFormat}.TryTranslate"/>
    bool TryTranslate(VirtAddr address, out PhysAddr output);

    /// <inheritdoc cref="PageTables{TFormat}.AttributesAt"/>
    PageAttributes? AttributesAt(VirtAddr address);

    /// <inheritdoc cref="PageTables{TFormat}.ShapeAt"/>
    LeafShape? ShapeAt(VirtAddr address);

    /// <inheritdoc cref="PageTables{TFormat}.TryFindMapped"/>
    bool TryFindMapped(ulong from, ulong last, out VirtAddr at, out PhysAddr output);

    /// <inheritdoc cref="PageTables{TFormat}.TryShare"/>
    bool TryShare(Cpu cpu, IPageTables kernel, VirtAddr from);

    /// <inheritdoc cref="PageTables{TFormat}.Free"/>
    void Free(Cpu cpu);

    /// <summary>The format's memory type for a use (<see cref="ITranslationFormat.TypeFor"/>).</summary>
    MemoryType TypeFor(MemoryUse use);

    /// <summary>What the format keeps of attributes (<see cref="ITranslationFormat.Canonical"/>).</summary>
    PageAttributes Canonical(in PageAttributes attributes);
}
