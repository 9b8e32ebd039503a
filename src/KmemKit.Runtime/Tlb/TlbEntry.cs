using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Tlb;

/// <summary>A translation as a TLB keeps it.</summary>
public record struct TlbEntry
{
    /// <summary>The first address that it translates.</summary>
    public VirtAddr First { get; internal set; }

    /// <summary>Where that is mapped.</summary>
    public PhysAddr Output { get; internal set; }

    /// <summary>Log2 of its bytes.</summary>
    public byte Shift { get; init; }

    /// <summary>Level of the descriptor that it comes from.</summary>
    public sbyte Level { get; init; }

    /// <summary>Whether a store need not mark the leaf as written any more.</summary>
    public bool IsWritten { get; init; }

    /// <summary>What the leaf and the tables above it say.</summary>
    public PageAttributes Attributes { get; init; }

    /// <summary>The address space (ASID, PCID) that it belongs to, unless it is global.</summary>
    public ushort Asid { get; internal set; }

    /// <summary>The guest (VMID) that it belongs to.</summary>
    public ushort Vmid { get; internal set; }

    /// <summary>When it was filled, in changes and invalidations (<see cref="MappingChanges.Now"/>); 0 while nobody watches.</summary>
    public long Filled { get; init; }

    /// <summary>The last address that it translates.</summary>
    public readonly VirtAddr Last => new(First.Value | ((1UL << Shift) - 1));

    /// <inheritdoc/>
    public override readonly string ToString() =>
        $"[{First}, {Last}] to {Output}, {Attributes}{(Attributes.IsGlobal ? "" : $", ASID {Asid}")}{(Vmid == 0 ? "" : $", VMID {Vmid}")}";
}
