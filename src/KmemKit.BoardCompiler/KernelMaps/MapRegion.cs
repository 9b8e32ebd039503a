using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>A stretch of virtual addresses with one offset to physical ones, one set of rights and one reason.</summary>
/// <param name="Name">Of what is mapped: bank, section, device, <c>vectors</c>, <c>identity</c>.</param>
/// <param name="Virt">Virtual addresses: whole pages, not empty.</param>
/// <param name="Phys">First physical address.</param>
/// <param name="Attributes">Rights and memory type; never without any right.</param>
/// <param name="Rule">Why it is at these virtual addresses.</param>
public sealed record MapRegion(string Name, VirtRange Virt, PhysAddr Phys, MpuAttributes Attributes, MapRule Rule)
{
    /// <summary>What decided the rights, in a sentence: a policy entry, a section of the image, or the rule.</summary>
    public string Reason { get; init; } = "";

    /// <summary>Name of the protection entry that granted it; null where the rule did.</summary>
    public string? Entry { get; init; }

    /// <summary>The place in the source: the entry, else the bank or device.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>Whether every address space has it: not global are the maps that only boot code needs, and those of devices.</summary>
    public bool Global => Rule is not (MapRule.Identity or MapRule.Iova);

    /// <summary>Physical addresses.</summary>
    public PhysRange PhysRange => new(Phys, Virt.Size);

    /// <summary>Where a virtual address in the region leads.</summary>
    public PhysAddr ToPhys(VirtAddr address) => Phys + (address.Value - Virt.Start.Value);

    /// <summary>Whether the next region continues it: addresses, rights and memory type, so that one block may cover both.</summary>
    internal bool IsContinuedBy(MapRegion next) => Virt.End == next.Virt.Start.Value && !PhysRange.End.IsTop && PhysRange.End == next.Phys.Value
        && Attributes == next.Attributes && Global == next.Global;
}

/// <summary>Virtual addresses whose last-level tables are there from the start and empty, so that a page can be set without memory for a table.</summary>
/// <param name="Name">The layout's line: <c>fixmap</c>, <c>pkmap</c>.</param>
/// <param name="Virt">Virtual addresses.</param>
public sealed record EmptyTables(string Name, VirtRange Virt);
