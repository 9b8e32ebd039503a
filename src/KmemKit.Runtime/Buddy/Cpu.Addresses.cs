using System;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Buddy;

/// <summary>The calls that give and take kernel addresses, and many pages at once.</summary>
public sealed unsafe partial class Cpu
{
    /// <summary>The smallest order whose block holds <paramref name="size"/> bytes (<c>get_order</c>).</summary>
    /// <param name="size">Bytes, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="size"/> is 0: no order is meant.</exception>
    public int GetOrder(ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        var last = (size - 1) >> _map.Pages.PageShift;
        return last == 0 ? 0 : BitOperations.Log2(last) + 1;
    }

    /// <summary>Allocates 2^<paramref name="order"/> pages and gives their kernel address (<c>__get_free_pages</c>).</summary>
    /// <param name="flags">As for <see cref="AllocPages"/>; <see cref="GfpFlags.HighMem"/> has no effect, as highmem has no address.</param>
    /// <param name="order">The order.</param>
    /// <returns>Null when there are none to be had.</returns>
    /// <exception cref="PageErrorException">The page has no kernel address: nothing stays allocated.</exception>
    public VirtAddr? GetFreePages(GfpFlags flags, int order)
    {
        var page = AllocPages(flags & ~GfpFlags.HighMem, order);
        if (page.IsNull)
            return null;
        if (_map.PageAddress(page) is { } address)
            return address;
        var frame = _map.PageToPfn(page);
        FreePages(page, order);
        throw new PageErrorException(PageErrorKind.NoKernelAddress, frame, $"{frame} is not in the linear map.");
    }

    /// <summary>Allocates one page and gives its kernel address (<c>__get_free_page</c>).</summary>
    public VirtAddr? GetFreePage(GfpFlags flags) => GetFreePages(flags, 0);

    /// <summary>Allocates one page of zeroes and gives its kernel address (<c>get_zeroed_page</c>).</summary>
    public VirtAddr? GetZeroedPage(GfpFlags flags) => GetFreePages(flags | GfpFlags.Zero, 0);

    /// <summary>Allocates pages that ISA devices reach, and gives their kernel address (<c>__get_dma_pages</c>).</summary>
    public VirtAddr? GetDmaPages(GfpFlags flags, int order) => GetFreePages(flags | GfpFlags.DmaZone, order);

    /// <summary>Gives back pages by their kernel address (<c>free_pages</c>).</summary>
    /// <exception cref="PageErrorException">As for <see cref="FreePages(Page, int)"/>, or no page is at that address.</exception>
    public void FreePages(VirtAddr address, int order) => FreePages(PageAt(address), order);

    /// <summary>Gives back one page by its kernel address (<c>free_page</c>).</summary>
    /// <exception cref="PageErrorException">As for <see cref="FreePages(Page, int)"/>, or no page is at that address.</exception>
    public void FreePage(VirtAddr address) => FreePages(address, 0);

    /// <summary>Allocates as many pages in a row as <paramref name="size"/> bytes need, and no more (<c>alloc_pages_exact</c>).</summary>
    /// <param name="size">Bytes, at least 1.</param>
    /// <param name="flags">As for <see cref="AllocPages"/>, without <see cref="GfpFlags.Comp"/>, which has no effect.</param>
    /// <returns>The kernel address; null when there are none to be had.</returns>
    public VirtAddr? AllocPagesExact(ulong size, GfpFlags flags)
    {
        var order = GetOrder(size);
        if (GetFreePages(flags & ~GfpFlags.Comp, order) is not { } address)
            return null;
        var first = _map.VirtToPage(address);
        SplitPage(first, order);
        var used = (uint)(((size - 1) >> _map.Pages.PageShift) + 1);
        for (var at = used; at < 1u << order; at++)
            FreePages(new Page(first.Index + at), 0);
        return address;
    }

    /// <summary>Gives back what <see cref="AllocPagesExact"/> gave (<c>free_pages_exact</c>).</summary>
    /// <param name="address">The address.</param>
    /// <param name="size">The same size.</param>
    /// <exception cref="PageErrorException">One of the pages is not allocated; those before it are free.</exception>
    public void FreePagesExact(VirtAddr address, ulong size)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        var first = PageAt(address);
        var pages = (uint)(((size - 1) >> _map.Pages.PageShift) + 1);
        for (var at = 0u; at < pages; at++)
            FreePages(new Page(first.Index + at), 0);
    }

    /// <summary>Fills <paramref name="pages"/> with single pages (<c>alloc_pages_bulk</c>).</summary>
    /// <param name="flags">As for <see cref="AllocPages"/>.</param>
    /// <param name="pages">Room for them.</param>
    /// <returns>How many there were; the rest of <paramref name="pages"/> is as before.</returns>
    public int AllocPagesBulk(GfpFlags flags, Span<Page> pages)
    {
        for (var i = 0; i < pages.Length; i++)
        {
            var page = AllocPages(flags, 0);
            if (page.IsNull)
                return i;
            pages[i] = page;
        }
        return pages.Length;
    }

    /// <summary>Gives back single pages (<c>release_pages</c>).</summary>
    /// <exception cref="PageErrorException">One of them is not allocated; those before it are free.</exception>
    public void FreePagesBulk(ReadOnlySpan<Page> pages)
    {
        foreach (var page in pages)
            FreePages(page, 0);
    }

    private Page PageAt(VirtAddr address) => (address.Value & (_map.Pages.PageSize - 1)) == 0
        ? _map.VirtToPage(address)
        : throw new PageErrorException(PageErrorKind.NotFirstPage, null, $"{address} is not the first address of a page.");
}
