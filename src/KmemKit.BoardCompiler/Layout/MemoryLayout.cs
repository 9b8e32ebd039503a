using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>A board's memory as the kernel of the policy's version lays it out: physical, virtual, and the linear map between them.</summary>
public sealed record MemoryLayout
{
    /// <summary>The board.</summary>
    public required Board Board { get; init; }

    /// <summary>Which rules made it: <c>linux-arm-3.4</c>, <c>linux-x86-3.2</c>, <c>linux-arm64-6.1</c>, <c>linux-riscv64-6.6</c>…</summary>
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

    /// <summary>Contiguous areas: those of the devicetree in the board's order, which are in <see cref="Reserved"/> as well, then that of <c>cma=</c>, which is not.</summary>
    public ImmutableArray<CmaRegion> CmaAreas { get; init; } = ImmutableArray<CmaRegion>.Empty;

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
