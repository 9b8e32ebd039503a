namespace KmemKit.Architecture.Mmu;

/// <summary>What a descriptor is to the table walk.</summary>
public enum DescriptorKind : byte
{
    /// <summary>Nothing is mapped; software may use the other bits.</summary>
    Invalid,

    /// <summary>It points to a table of the next level.</summary>
    Table,

    /// <summary>It maps memory: a page, block, section or superpage.</summary>
    Leaf,

    /// <summary>An encoding the architecture reserves: the walk ends in a fault.</summary>
    Reserved,
}

/// <summary>Why something has no encoding in a translation format, or a descriptor is none that an encoder would write.</summary>
public enum EncodingRefusal : byte
{
    /// <summary>It has one.</summary>
    None,

    /// <summary>No combination of the permission bits gives these rights to these privileges.</summary>
    RightsNotAvailable,

    /// <summary>The format, or the execute-never bits it has, cannot tell the privileges' fetches apart that way.</summary>
    ExecuteNotSeparate,

    /// <summary>The format cannot withhold execution from memory that can be read.</summary>
    ExecuteFollowsRead,

    /// <summary>The memory type is not one of the format's, or no entry of MAIR or PAT holds it.</summary>
    MemoryTypeNotAvailable,

    /// <summary>The memory type cannot have that shareability.</summary>
    ShareabilityNotAvailable,

    /// <summary>The format has no such domain or protection key.</summary>
    DomainNotAvailable,

    /// <summary>More software bits than the format leaves to software.</summary>
    SoftwareBitsNotAvailable,

    /// <summary>The format does not separate Secure from Non-secure output.</summary>
    SecurityNotAvailable,

    /// <summary>The level has no descriptor of that kind, or the format has no leaf of that shape.</summary>
    BadLevel,

    /// <summary>The output address is not a multiple of the leaf, or of the table, in bytes.</summary>
    BadAlignment,

    /// <summary>The output address is beyond what the format can put out.</summary>
    BeyondOutputSize,

    /// <summary>Bits are set that the architecture reserves at that level.</summary>
    ReservedEncoding,
}
