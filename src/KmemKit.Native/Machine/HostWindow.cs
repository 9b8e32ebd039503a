using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Native.Machine;

/// <summary>What a stretch of host addresses outside of RAM stands for.</summary>
internal enum WindowKind
{
    /// <summary>Memory of vmalloc.</summary>
    Vmalloc,

    /// <summary>Coherent memory whose pages are not in a row.</summary>
    Coherent,

    /// <summary>Device registers: read and written by the bus alone.</summary>
    Io,

    /// <summary>Memory of a process: reached by copy_to_user and copy_from_user alone.</summary>
    User,
}

/// <summary>A stretch of host addresses that stands for a mapping of the board.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="View">The host addresses.</param>
/// <param name="Pointer">What C got, as a number.</param>
/// <param name="Bytes">Bytes that C asked for.</param>
/// <param name="Virt">The board's address of <see cref="Pointer"/>.</param>
/// <param name="Phys">The physical address of <see cref="Pointer"/>, where there is one for all.</param>
/// <param name="Site">Who made it.</param>
internal sealed record HostWindow(WindowKind Kind, HostView View, nuint Pointer, ulong Bytes, VirtAddr Virt, PhysAddr Phys, KnownSite Site)
{
    /// <summary>Pages behind it, in their order; empty for registers.</summary>
    public Page[] Pages { get; init; } = [];

    /// <summary>Whether user memory may be written by the process, and so by copy_to_user.</summary>
    public bool IsWritable { get; init; } = true;

    /// <summary>Who took it away; null while it is there.</summary>
    public KnownSite? Gone { get; set; }

    /// <summary>Whether an address is one of those that C asked for.</summary>
    public bool Contains(nuint address) => unchecked(address - Pointer) < Bytes;
}
