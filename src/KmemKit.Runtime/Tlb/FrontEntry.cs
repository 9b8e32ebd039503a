using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Tlb;

/// <summary>A 4 KiB page of a TLB's translation with the answer worked out for one privilege: what an access compares and adds, on a cache line of its own.</summary>
/// <remarks>
/// A tag is the page's address if that kind of access is allowed and ends in RAM, else <see cref="Never"/>. Entries exist only for translations that the TLB has, in
/// the address space that is current.
/// </remarks>
[StructLayout(LayoutKind.Sequential, Size = (int)Bytes)]
internal struct FrontEntry
{
    /// <summary>No address compares equal to it: its low bits are set.</summary>
    public const ulong Never = ulong.MaxValue;

    /// <summary>Log2 of the bytes of a page.</summary>
    public const int PageShift = 12;

    /// <summary>Log2 of <see cref="Bytes"/>.</summary>
    public const int BytesShift = 6;

    /// <summary>A cache line.</summary>
    public const uint Bytes = 1 << BytesShift;

    /// <summary>Entries for each privilege.</summary>
    public const int Count = 256;

    public ulong Read;

    public ulong Write;

    public ulong Fetch;

    /// <summary>The page, whatever is allowed; <see cref="Never"/> for none.</summary>
    public ulong Page;

    /// <summary>Host address of the byte, less its virtual address.</summary>
    public nuint Host;

    /// <summary>Physical address of the byte, less its virtual address.</summary>
    public ulong Output;

    /// <summary>Accesses since it was filled.</summary>
    public ulong Hits;
}
