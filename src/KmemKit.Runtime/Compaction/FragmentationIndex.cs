using System;

namespace KmemKit.Runtime.Compaction;

/// <summary>The kernel's two measures of external fragmentation, in thousandths.</summary>
/// <remarks>Source: mm/vmstat.c, fill_contig_page_info, unusable_free_index, __fragmentation_index.</remarks>
public static class FragmentationIndex
{
    /// <summary>vm.extfrag_threshold: up to this, a failing request lacks memory rather than large blocks.</summary>
    public const int Threshold = 500;

    /// <summary>Which part of the free memory a request of an order cannot use (<c>unusable_free_index</c>).</summary>
    /// <param name="freeBlocks">Free blocks of a zone by order, from 0 to the largest.</param>
    /// <param name="order">One of these orders.</param>
    /// <returns>0 for none of it, 1000 for all of it, or where nothing is free.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="order"/> is none of these orders.</exception>
    public static int Unusable(ReadOnlySpan<uint> freeBlocks, int order)
    {
        var (pages, _, suitable) = Sum(freeBlocks, order);
        return pages == 0 ? 1000 : (int)((pages - (suitable << order)) * 1000 / pages);
    }

    /// <summary>Why a request of an order would fail (<c>fragmentation_index</c>).</summary>
    /// <param name="freeBlocks">Free blocks of a zone by order, from 0 to the largest.</param>
    /// <param name="order">One of these orders.</param>
    /// <returns>
    /// -1000 where it would not; towards 0 for lack of memory, towards 1000 for fragmentation; 0 where nothing is free, and below 0 where what is free is less than the request.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="order"/> is none of these orders.</exception>
    public static int External(ReadOnlySpan<uint> freeBlocks, int order)
    {
        var (pages, total, suitable) = Sum(freeBlocks, order);
        if (total == 0)
            return 0;
        // Whether blocks are too small is a question only while the request fails.
        return suitable != 0 ? -1000 : (int)(1000 - (long)((1000 + ((pages * 1000) >> order)) / total));
    }

    // struct contig_page_info; the last is how many blocks of the order the free blocks hold.
    private static (ulong Pages, ulong Total, ulong Suitable) Sum(ReadOnlySpan<uint> freeBlocks, int suitable)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(suitable, "order");
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(suitable, freeBlocks.Length, "order");
        ulong pages = 0, total = 0, fitting = 0;
        for (var order = 0; order < freeBlocks.Length; order++)
        {
            ulong blocks = freeBlocks[order];
            total += blocks;
            pages += blocks << order;
            if (order >= suitable)
                fitting += blocks << (order - suitable);
        }
        return (pages, total, fitting);
    }
}
