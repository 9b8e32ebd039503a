using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Buddy;

/// <summary>Freeing when the fast path does not do: full lists, large blocks, further references, and everything that is wrong (<c>free_pages_prepare</c>).</summary>
public sealed unsafe partial class Cpu
{
    /// <summary>Gives back a reference to a page, of whatever order it is; a compound page by any of its pages (<c>put_page</c>).</summary>
    /// <param name="page">The page.</param>
    /// <exception cref="PageErrorException">As for <see cref="FreePages(Page, int)"/>.</exception>
    public void PutPage(Page page)
    {
        var head = _map.CompoundHead(page);
        FreePages(head, _map.CompoundOrder(head));
    }

    /// <summary>Makes 2^<paramref name="order"/> pages that were allocated as one be freed one by one (<c>split_page</c>).</summary>
    /// <param name="page">The first page; not compound.</param>
    /// <param name="order">The order that it was allocated with.</param>
    /// <exception cref="PageErrorException">It is not such a block, or registered as movable.</exception>
    public void SplitPage(Page page, int order)
    {
        var index = _map.Check(page);
        var state = _states[index];
        if ((state & ~PageState.Marked) != (PageState.Allocated | order))
            throw _allocator.ErrorOf(page, order);
        if (((PageFlags)_map.DescriptorAt(index)->Flags & PageMap.Movement) != 0)
            throw new PageErrorException(PageErrorKind.InUse, _map.FrameAt(index), $"{_map.FrameAt(index)} is registered as movable: it moves as one.");
        _states[index] = (byte)(state & ~PageState.OrderMask);
        for (var at = 1u; at < 1u << order; at++)
            _states[index + at] = PageState.Allocated;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void FreeSlow(Page page, int order)
    {
        // What most frees that come here need: a list that is full, or a look for the block's buddy.
        var index = page.Index;
        if (index < _frames && unchecked((uint)order) < PerCpuList.Orders
            && (_states[index] & ~(uint)PageState.Compound) == (PageState.Allocated | (uint)order))
        {
            // Read once: another CPU may isolate the pageblock now, and of a word that is not listed no list can be found.
            var block = _blocks[index >> _blockOrder];
            if (PageBlocks.IsListed(block) && TryPutInList(block, index, order))
                return;
        }
        _map.Check(page);
        var state = _states[index];
        if (unchecked((uint)order) > (uint)_map.MaxOrder || (state & ~(PageState.Compound | PageState.Marked)) != (PageState.Allocated | order))
            throw _allocator.ErrorOf(page, order);
        if ((state & PageState.Marked) != 0 && !IsLastReference(index, order))
            return;
        var zone = _allocator.ZoneAt(index);
        _states[index] = 0;
        Put(zone, index, order);
    }

    private bool TryPutInList(ushort block, uint index, int order)
    {
        Debug.Assert(PageBlocks.IsListed(block), "Only a word that is listed is the number of a list.");
        var list = CpuArea.Lists(_gate) + (uint)block + ((uint)order * PerCpuList.TypesPerOrder);
        if (list->Full == 0)
            return false;
        EnterGate();
        _states[index] = 0;
        PutInList(_allocator.ZoneArray[PageBlocks.ZoneOf(block)], list, index, order, block & PageBlocks.TypeMask);
        Volatile.Write(ref _gate->Busy, 0);
        return true;
    }

    private bool IsLastReference(uint index, int order)
    {
        var head = _map.DescriptorAt(index);
        for (var extra = Volatile.Read(ref head->ExtraReferences); extra > 0; extra = Volatile.Read(ref head->ExtraReferences))
        {
            if (Interlocked.CompareExchange(ref head->ExtraReferences, extra - 1, extra) == extra)
                return false;
        }
        for (var at = index; at < index + (1u << order); at++)
        {
            var busy = (PageFlags)_map.DescriptorAt(at)->Flags & PageMap.BusyFlags;
            if (busy != 0)
            {
                var frame = _map.FrameAt(at);
                throw new PageErrorException(PageErrorKind.InUse, frame, $"{frame} is freed, but still {busy}.");
            }
        }
        // A mover may have taken hold of the page since: then its reference is the last.
        if ((head->Flags & (int)PageMap.Movement) != 0 && !_allocator.Movable.TryEnd(index))
            return IsLastReference(index, order);
        for (var at = index; at < index + (1u << order); at++)
            *_map.DescriptorAt(at) = default;
        return true;
    }
}
