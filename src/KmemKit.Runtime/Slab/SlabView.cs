using System.Runtime.CompilerServices;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>A slab of a cache, as debuggers and visitors see it.</summary>
public readonly unsafe struct SlabView
{
    internal SlabView(KmemCache cache, Page page, byte* start, byte* first, int order, int objects)
    {
        Cache = cache;
        Page = page;
        Start = start;
        First = first;
        Order = order;
        Objects = objects;
    }

    /// <summary>The cache.</summary>
    public KmemCache Cache { get; }

    /// <summary>Its first page.</summary>
    public Page Page { get; }

    /// <summary>Host address of its first byte.</summary>
    public byte* Start { get; }

    /// <summary>Host address of its first slot: behind the colour and a descriptor that lies on the slab.</summary>
    public byte* First { get; }

    /// <summary>2^Order pages; fewer than the cache's where memory was fragmented.</summary>
    public int Order { get; }

    /// <summary>Slots.</summary>
    public int Objects { get; }

    /// <summary>Bytes from <see cref="Start"/> to the slab's end.</summary>
    public long Bytes => (long)Cache.Allocator.PageSize << Order;

    /// <summary>The object of a slot: what a caller of the cache gets.</summary>
    /// <param name="index">0 to <see cref="Objects"/> - 1.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* ObjectAt(int index) => First + ((long)index * Cache.Layout.Size) + Cache.Layout.RedLeftPad;

    /// <summary>Objects that are allocated, or waiting in a CPU's array.</summary>
    public int Used => Cache.Slabs.UsedOf(Page.Index);

    /// <summary>The slot that would be given out next; -1 where none is free.</summary>
    public int NextFree => Cache.Slabs.NextFreeOf(Page.Index);

    /// <summary>The slot that an address lies in.</summary>
    /// <param name="address">A host address.</param>
    /// <param name="offset">Distance from the slot's object: 0 for the object's first byte, below 0 in its left red zone.</param>
    /// <returns>-1 where it is in no slot.</returns>
    public int IndexOf(void* address, out int offset)
    {
        var at = (byte*)address - First;
        if (at < 0 || at >= (long)Objects * Cache.Layout.Size)
        {
            offset = 0;
            return -1;
        }
        // A slab has less than 4 GiB: one short division.
        var size = (uint)Cache.Layout.Size;
        var index = (uint)at / size;
        offset = (int)((uint)at - (index * size)) - Cache.Layout.RedLeftPad;
        return (int)index;
    }
}
