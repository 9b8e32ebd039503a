using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>What a board's kernel has mapped when it starts: the same for every format of page table.</summary>
/// <remarks>
/// Invariants: regions rise by virtual address, are disjoint and whole pages. Physical addresses may occur more than once (image and linear map, identity).
/// </remarks>
public sealed record KernelMap
{
    /// <summary>The layout.</summary>
    public required MemoryLayout Layout { get; init; }

    /// <summary>Where things are put.</summary>
    public MapStyle Style { get; init; }

    /// <summary>The protection domain that runs; null for none.</summary>
    public string? Domain { get; init; }

    /// <summary>What is mapped.</summary>
    public ImmutableArray<MapRegion> Regions { get; init; } = ImmutableArray<MapRegion>.Empty;

    /// <summary>Where tables are wanted and nothing is mapped.</summary>
    public ImmutableArray<EmptyTables> EmptyTables { get; init; } = ImmutableArray<EmptyTables>.Empty;

    /// <summary>Physical pages that the map needs beside the table image, which somebody has to fill: the vectors.</summary>
    public PhysRange? VectorsPage { get; init; }

    /// <summary>The region at a virtual address; null where nothing is mapped.</summary>
    public MapRegion? At(VirtAddr address)
    {
        var (low, high) = (0, Regions.Length - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            var region = Regions[middle];
            if (address < region.Virt.Start)
                high = middle - 1;
            else if (region.Virt.End <= address.Value)
                low = middle + 1;
            else
                return region;
        }
        return null;
    }
}

/// <summary>What planning a map gives.</summary>
/// <param name="Map">The map; null with an error.</param>
/// <param name="Diagnostics">The findings, in order.</param>
public sealed record KernelMapResult(KernelMap? Map, ImmutableArray<KmemDiagnostic> Diagnostics);

/// <summary>What a map is made for.</summary>
/// <param name="Style">Where things are put.</param>
public sealed record KernelMapOptions(MapStyle Style = MapStyle.Kernel)
{
    /// <summary>Protection domain whose entries count beside those of the policy; null for none.</summary>
    public string? Domain { get; init; }

    /// <summary>Bytes of a page of the tables: a power of two. 0 for the layout's.</summary>
    public ulong PageSize { get; init; }

    /// <summary>Bits of a physical address that the tables can say.</summary>
    public int PhysicalBits { get; init; } = 64;

    /// <summary>End of the virtual addresses that the tables can say, for a flat map.</summary>
    public AddressLimit FlatEnd { get; init; } = AddressLimit.Top;
}
