using System.Runtime.InteropServices;

namespace KmemKit.Runtime.Pages;

/// <summary>What the kernel keeps about a frame beside its allocation state (<c>struct page</c>): 24 bytes in simulated RAM.</summary>
/// <remarks>
/// All zeroes is the state of a page that was just allocated and not marked in any way, so neither boot nor allocation writes it. What the allocator
/// itself reads on every call is one byte a frame in an array apart (<see cref="PageMap"/>).
/// </remarks>
[StructLayout(LayoutKind.Sequential)]
public struct PageDescriptor
{
    internal int Flags;

    // _refcount - 1: references beyond the allocation's own.
    internal int ExtraReferences;

    /// <summary>The owner's word (<c>page->private</c>).</summary>
    public ulong Private;

    /// <summary>The owner's second word (<c>page->mapping</c>, or a slab's cache).</summary>
    public ulong Mapping;
}
