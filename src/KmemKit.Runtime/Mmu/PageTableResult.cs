using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>Why an operation on page tables was refused. Whatever it is, no mapping has changed.</summary>
public enum PageTableError
{
    /// <summary>It was done.</summary>
    None,

    /// <summary>The range has no byte.</summary>
    Empty,

    /// <summary>A virtual address, a physical address or a size is not a multiple of the page.</summary>
    Unaligned,

    /// <summary>The range is not wholly in one of the format's ranges of virtual addresses.</summary>
    OutOfRange,

    /// <summary>The physical range is beyond the format's output addresses.</summary>
    OutputOutOfRange,

    /// <summary>Something is mapped there already (-EEXIST).</summary>
    AlreadyMapped,

    /// <summary>Nothing is mapped there (-ENOENT).</summary>
    NotMapped,

    /// <summary>No page for a table (-ENOMEM).</summary>
    NoMemory,

    /// <summary>The format cannot say these attributes at that size of leaf: see <see cref="PageTableResult.Refusal"/>.</summary>
    Attributes,

    /// <summary>A descriptor there is none that this code wrote: the table was damaged.</summary>
    Damaged,
}

/// <summary>What became of an operation on page tables.</summary>
/// <param name="At">Where the first trouble is; 0 where there is none.</param>
/// <param name="Error">Why it was refused.</param>
/// <param name="Refusal">With <see cref="PageTableError.Attributes"/>: what the format says.</param>
public readonly record struct PageTableResult(VirtAddr At, PageTableError Error, EncodingRefusal Refusal = EncodingRefusal.None)
{
    /// <summary>Whether it was done.</summary>
    public bool IsOk => Error == PageTableError.None;

    /// <inheritdoc/>
    public override string ToString() =>
        IsOk ? "ok" : Refusal == EncodingRefusal.None ? $"{Error} at {At}" : $"{Error} at {At}: {Refusal}";
}
