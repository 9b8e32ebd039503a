using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>What an address is to the kernel.</summary>
public enum AddressKind
{
    /// <summary>Nothing answers there.</summary>
    Nothing,

    /// <summary>RAM of the linear map, or the virtual address of such RAM: a "kernel logical address".</summary>
    Logical,

    /// <summary>RAM without a permanent kernel address.</summary>
    Highmem,

    /// <summary>No usable RAM, inside the span of RAM or of the linear map.</summary>
    Hole,

    /// <summary>RAM set aside by the board and not mapped (<c>no-map</c>).</summary>
    Reserved,

    /// <summary>Registers or memory of a device.</summary>
    Device,

    /// <summary>Virtual addresses of processes.</summary>
    User,

    /// <summary>The vmalloc area: mapped page by page at run time.</summary>
    Vmalloc,

    /// <summary>Permanent kmaps of highmem pages.</summary>
    Pkmap,

    /// <summary>Fixed mappings.</summary>
    Fixmap,

    /// <summary>Exception vectors.</summary>
    Vectors,

    /// <summary>Loadable modules.</summary>
    Modules,

    /// <summary>Another range of the kernel; its name says which.</summary>
    Kernel,

    /// <summary>Kept empty between lowmem and vmalloc, so that an access past the end of lowmem faults.</summary>
    Guard,
}

/// <summary>What an address is and what it maps to.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Name">The range's own name: bank, device, region, line of the layout block; empty where it has none.</param>
/// <param name="MapsTo">The other side of the linear map, a virtual address for a physical one and the other way round; null where there is none.</param>
/// <param name="Reason">A sentence for people: why it is that, and for a hole why there is no translation.</param>
/// <param name="Span">The place in the source that says so; unknown where none does.</param>
public sealed record AddressMeaning(AddressKind Kind, string Name, ulong? MapsTo, string Reason, SourceSpan Span)
{
    /// <summary>The kind as <c>kmem translate</c> writes it, in lower case.</summary>
    public string KindName => Kind switch
    {
        AddressKind.Logical => "logical",
        AddressKind.Highmem => "highmem",
        AddressKind.Hole => "hole",
        AddressKind.Reserved => "reserved",
        AddressKind.Device => "device",
        AddressKind.User => "user",
        AddressKind.Vmalloc => "vmalloc",
        AddressKind.Pkmap => "pkmap",
        AddressKind.Fixmap => "fixmap",
        AddressKind.Vectors => "vectors",
        AddressKind.Modules => "modules",
        AddressKind.Kernel => "kernel",
        AddressKind.Guard => "guard",
        _ => "nothing",
    };
}
