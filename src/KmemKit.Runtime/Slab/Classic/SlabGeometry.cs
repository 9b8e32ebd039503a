using System;

namespace KmemKit.Runtime.Slab.Classic;

/// <summary>How a SLAB cache's slabs are cut: their pages, their objects, where the table of free ones lies, and how many colours there are.</summary>
/// <remarks>
/// <para>A slab has room for its objects and, on-slab, for a table with an index for each. Objects of 128 bytes and more (1/32 of a page) have the table off-slab, unless
/// what is left over has room for it. The order grows until at most 1/8 is left over, to 1, on small machines not at all; a reclaimable cache takes the first.
/// What is left over gives colours: the objects of successive slabs start a cache line later each time, so that they do not compete for the same lines.</para>
/// <para>Source: mm/slab.c of 3.15 to 4.5: calculate_slab_order, cache_estimate, __kmem_cache_create. Checked against /proc/slabinfo of a 4.4 board.</para>
/// </remarks>
/// <param name="Order">2^Order pages.</param>
/// <param name="Objects">Objects of a slab; 0 where none fits.</param>
/// <param name="TableBytes">Bytes of the table, rounded up to the alignment where it is on-slab.</param>
/// <param name="IsOffSlab">Whether the table lies elsewhere.</param>
/// <param name="Colours">How many different offsets of the first object there are; 0 or 1 for one.</param>
/// <param name="ColourOffset">Bytes from one colour to the next.</param>
/// <param name="IndexBytes">1 or 2.</param>
internal readonly record struct SlabGeometry(int Order, int Objects, int TableBytes, bool IsOffSlab, int Colours, int ColourOffset, int IndexBytes)
{
    private const int MinObject = 16;

    /// <summary>Bytes that a slot has at least: where an index is one byte, more objects than it counts do not fit into a page then.</summary>
    public static int MinSlot(int pageShift) => IndexBytesFor(pageShift) == 1 ? MinObject : 1;

    /// <param name="size">Bytes of a slot.</param>
    /// <param name="align">The objects' alignment.</param>
    /// <param name="isReclaimable">SLAB_RECLAIM_ACCOUNT.</param>
    /// <param name="pageShift">log2 of the page size.</param>
    /// <param name="largestOrder">The page allocator's.</param>
    /// <param name="totalBytes">RAM of the board: above 32 MiB slabs may have two pages.</param>
    /// <param name="cacheLine">L1_CACHE_BYTES.</param>
    /// <param name="kmallocMin">KMALLOC_MIN_SIZE: the cache of the smallest size never has its table off-slab, as that may be where tables come from.</param>
    /// <param name="neverOff">A cache that is made before any other: its table has to be on-slab.</param>
    public static SlabGeometry Calculate(
        int size, int align, bool isReclaimable, int pageShift, int largestOrder, ulong totalBytes, int cacheLine, int kmallocMin, bool neverOff)
    {
        var page = 1 << pageShift;
        var index = IndexBytesFor(pageShift);
        var most = (1 << (8 * index)) - 1;
        var maxOrder = totalBytes > 32 << 20 ? 1 : 0;
        var off = !neverOff && size >= Math.Max(page >> 5, kmallocMin + 1);
        var (order, objects, left) = (-1, 0, 0);
        for (var at = 0; at <= largestOrder; at++)
        {
            var bytes = page << at;
            var (fit, rest) = Estimate(bytes, size, align, index, off);
            if (fit == 0)
                continue;
            if (fit > most || (off && fit > size / index))
                break;
            (order, objects, left) = (at, fit, rest);
            if (isReclaimable || at >= maxOrder || left * 8 <= bytes)
                break;
        }
        if (order < 0)
            return default;
        var table = objects * index;
        var aligned = ObjectLayout.AlignUp(table, align);
        if (off && left >= aligned)
            (off, left) = (false, left - aligned);
        var step = Math.Max(cacheLine, align);
        // What an off-slab slab has left over is less than its table, a few lines at most: 31 colours are more than there can be.
        return new SlabGeometry(order, objects, off ? table : aligned, off, off ? Math.Min(31, left / step) : left / step, step, index);
    }

    private static int IndexBytesFor(int pageShift) => 1 << pageShift >> 8 <= MinObject ? 1 : 2;

    private static (int Objects, int Left) Estimate(int bytes, int size, int align, int index, bool off)
    {
        if (off)
            return (bytes / size, bytes % size);
        var objects = bytes / (size + index);
        while (objects > 0 && (objects * size) + ObjectLayout.AlignUp(objects * index, align) > bytes)
            objects--;
        return (objects, bytes - (objects * size) - ObjectLayout.AlignUp(objects * index, align));
    }
}
