using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What a stretch of physical memory is to the kernel.</summary>
public enum BankKind
{
    /// <summary>Mapped for good by the linear map.</summary>
    Lowmem,

    /// <summary>Reached through temporary mappings only.</summary>
    Highmem,
}

/// <summary>RAM that the kernel manages, cut where its kind changes.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Lowmem or highmem.</param>
/// <param name="Span">The bank of the source that it comes from.</param>
public sealed record LayoutBank(PhysRange Range, BankKind Kind, SourceSpan Span);

/// <summary>Why addresses between the first and the last byte of RAM are not RAM to the kernel.</summary>
public enum HoleKind
{
    /// <summary>Nothing there: a gap between banks, or <c>qcom,memblock-remove</c>.</summary>
    Gap,

    /// <summary>Taken by the platform: a <c>no-map</c> region.</summary>
    NoMap,

    /// <summary>RAM that this layout cannot reach and the kernel ignores.</summary>
    Ignored,
}

/// <summary>Physical addresses that are not usable RAM, between or behind the banks.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Kind">Why.</param>
/// <param name="Span">What in the source makes it so; unknown for a plain gap.</param>
public sealed record PhysicalHole(PhysRange Range, HoleKind Kind, SourceSpan Span);

/// <summary>Reserved memory with its final place.</summary>
/// <param name="Region">The board's region.</param>
/// <param name="Range">Where it is.</param>
public sealed record PlacedRegion(ReservedRegion Region, PhysRange Range);

/// <summary>The unit the kernel prints a line's size in.</summary>
public enum SizeUnit
{
    /// <summary>kB, rounded down.</summary>
    KB,

    /// <summary>kB, rounded up (section lines of ARM).</summary>
    KBRoundedUp,

    /// <summary>MB, rounded down.</summary>
    MB,

    /// <summary>GB, rounded down (64-bit).</summary>
    GB,
}

/// <summary>A line of the "Virtual kernel memory layout" block.</summary>
/// <param name="Name">As the kernel prints it: <c>vector</c>, <c>fixmap</c>, <c>DMA</c>, <c>vmalloc</c>, <c>lowmem</c>, <c>pkmap</c>, <c>modules</c>, <c>.text</c>…</param>
/// <param name="Range">Virtual addresses.</param>
/// <param name="Unit">The unit its size is printed in.</param>
public sealed record VirtualRange(string Name, VirtRange Range, SizeUnit Unit);

/// <summary>A memory zone of a node.</summary>
/// <param name="Name"><c>DMA</c>, <c>DMA32</c>, <c>Normal</c>, <c>HighMem</c>, <c>Movable</c>.</param>
/// <param name="Node">NUMA node.</param>
/// <param name="Start">First frame.</param>
/// <param name="Spanned">Frames from the first to the last, holes included.</param>
/// <param name="Present">Frames that are RAM.</param>
public sealed record Zone(string Name, int Node, PageFrame Start, ulong Spanned, ulong Present);

/// <summary>A section of the sparse memory model that holds memory.</summary>
/// <param name="Number">Physical address divided by the section size.</param>
/// <param name="Present">Frames in it that are RAM.</param>
public readonly record struct MemorySection(ulong Number, ulong Present);

/// <summary>Where page descriptors are needed.</summary>
/// <param name="Kind">Flat or sparse.</param>
/// <param name="SectionSizeBits">Log2 of the section size in bytes; 0 for flat.</param>
/// <param name="Sections">Sections that hold memory, by number; empty for flat.</param>
/// <param name="DescribedPages">Frames that get a descriptor.</param>
public sealed record MemoryModel(
    Policies.MemoryModelKind Kind, int SectionSizeBits, ImmutableArray<MemorySection> Sections, ulong DescribedPages);

/// <summary>A board's memory as the kernel of the policy's version lays it out: physical, virtual, and the linear map between them.</summary>
public sealed record MemoryLayout
{
    /// <summary>The board.</summary>
    public required Board Board { get; init; }

    /// <summary>Which rules made it: <c>linux-arm-3.4</c>, <c>linux-x86-3.2</c>, <c>linux-arm64-6.1</c>…</summary>
    public required string Profile { get; init; }

    /// <summary>Page size.</summary>
    public PageGeometry Pages { get; init; }

    /// <summary>PAGE_OFFSET: first virtual address of the linear map.</summary>
    public VirtAddr PageOffset { get; init; }

    /// <summary>PHYS_OFFSET: the physical address that PAGE_OFFSET maps.</summary>
    public PhysAddr PhysOffset { get; init; }

    /// <summary>Usable RAM, by rising address, after the platform took its part.</summary>
    public ImmutableArray<LayoutBank> Banks { get; init; } = ImmutableArray<LayoutBank>.Empty;

    /// <summary>What is not usable RAM from the first to the last byte the board has, by rising address.</summary>
    public ImmutableArray<PhysicalHole> Holes { get; init; } = ImmutableArray<PhysicalHole>.Empty;

    /// <summary>Reserved memory with its place, in the board's order.</summary>
    public ImmutableArray<PlacedRegion> Reserved { get; init; } = ImmutableArray<PlacedRegion>.Empty;

    /// <summary>The virtual ranges in the order in which the kernel prints them.</summary>
    public ImmutableArray<VirtualRange> Virtual { get; init; } = ImmutableArray<VirtualRange>.Empty;

    /// <summary>vmalloc_min (32-bit Arm): the lowest address vmalloc was promised; null where the architecture has none.</summary>
    public VirtAddr? VmallocMin { get; init; }

    /// <summary>arm_lowmem_limit / max_low_pfn: the physical end of lowmem.</summary>
    public AddressLimit LowmemLimit { get; init; }

    /// <summary>high_memory: the virtual end of lowmem.</summary>
    public AddressLimit HighMemory { get; init; }

    /// <summary>The linear map.</summary>
    public required LinearMap Linear { get; init; }

    /// <summary>Zones that are not empty, by node, then by address.</summary>
    public ImmutableArray<Zone> Zones { get; init; } = ImmutableArray<Zone>.Empty;

    /// <summary>Flat or sparse page descriptors.</summary>
    public required MemoryModel Model { get; init; }

    /// <summary>RAM in lowmem, in pages.</summary>
    public ulong LowPages { get; init; }

    /// <summary>RAM in highmem, in pages.</summary>
    public ulong HighPages { get; init; }

    /// <summary>The messages the kernel would print on the way, word for word, such as <c>Truncating RAM at …</c>.</summary>
    public ImmutableArray<string> Messages { get; init; } = ImmutableArray<string>.Empty;
}

/// <summary>What the planner makes of a board.</summary>
/// <param name="Layout">The layout; null where an error left none.</param>
/// <param name="Diagnostics">The findings of this stage, in order.</param>
public sealed record LayoutResult(MemoryLayout? Layout, ImmutableArray<KmemDiagnostic> Diagnostics);
