using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Pages;

/// <summary>References, flags and compound pages.</summary>
public sealed unsafe partial class PageMap
{
    /// <summary>The flags that follow from what the allocator knows.</summary>
    private const PageFlags Derived = PageFlags.Reserved | PageFlags.Buddy | PageFlags.Head | PageFlags.Tail | Movement;

    /// <summary>The flags that belong to registered movable pages.</summary>
    internal const PageFlags Movement = PageFlags.Movable | PageFlags.Isolated;

    /// <summary>PAGE_FLAGS_CHECK_AT_FREE: with one of these, a page is still someone's.</summary>
    internal const PageFlags BusyFlags = PageFlags.Locked | PageFlags.Lru | PageFlags.Active | PageFlags.Slab | PageFlags.Private
        | PageFlags.Writeback | PageFlags.Mlocked | PageFlags.Unevictable | PageFlags.Table;

    /// <summary>Ranges of descriptors that were RAM and not given to the allocator at boot, by number.</summary>
    internal IReadOnlyList<Run> ReservedRuns => _reserved;

    /// <summary>RAM in rows, by rising number.</summary>
    internal IReadOnlyList<Run> RamRuns => _ram;

    /// <summary>How many references a page has (<c>page_count</c>): 0 when it is free; a compound page's are those of its head; 1 when reserved.</summary>
    public int PageCount(Page page)
    {
        var index = HeadOf(Check(page));
        if (index == uint.MaxValue)
            return IsReserved(page.Index) ? 1 : 0;
        return 1 + Volatile.Read(ref DescriptorAt(index)->ExtraReferences);
    }

    /// <summary>Takes another reference (<c>get_page</c>): the block is freed when as many frees as references have come.</summary>
    /// <exception cref="PageErrorException">The page is not allocated.</exception>
    public void GetPage(Page page)
    {
        var index = AllocatedHead(page);
        _states[index] |= PageState.Marked;
        Interlocked.Increment(ref DescriptorAt(index)->ExtraReferences);
    }

    /// <summary>The flags of a page, those included that follow from the allocator's state.</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public PageFlags Flags(Page page)
    {
        var index = Check(page);
        var flags = (PageFlags)(Volatile.Read(ref DescriptorAt(index)->Flags) & Slab.SlabInfo.PageFlagMask);
        var head = HeadOf(index);
        if (head == uint.MaxValue)
            return flags | (IsReserved(index) ? PageFlags.Reserved : IsRam(index) ? PageFlags.Buddy : PageFlags.None);
        return (_states[head] & PageState.Compound) == 0 ? flags : flags | (head == index ? PageFlags.Head : PageFlags.Tail);
    }

    /// <summary>Sets flags of an allocated page, in one step for all CPUs.</summary>
    /// <exception cref="PageErrorException">The page is not allocated.</exception>
    public void SetFlags(Page page, PageFlags flags)
    {
        if ((flags & Derived) != 0)
            throw new ArgumentException($"{flags & Derived} follows from the allocator's state and cannot be set.", nameof(flags));
        _states[AllocatedHead(page)] |= PageState.Marked;
        Interlocked.Or(ref DescriptorAt(page.Index)->Flags, (int)flags);
    }

    /// <summary>Clears flags of an allocated page, in one step for all CPUs.</summary>
    /// <exception cref="PageErrorException">The page is not allocated.</exception>
    /// <exception cref="ArgumentException">A flag that cannot be set.</exception>
    public void ClearFlags(Page page, PageFlags flags)
    {
        if ((flags & Derived) != 0)
            throw new ArgumentException($"{flags & Derived} follows from the allocator's state and cannot be cleared.", nameof(flags));
        AllocatedHead(page);
        Interlocked.And(ref DescriptorAt(page.Index)->Flags, ~(int)flags);
    }

    /// <summary>The first page of the compound page that a page belongs to, or the page itself (<c>compound_head</c>).</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public Page CompoundHead(Page page)
    {
        var head = HeadOf(Check(page));
        return head != uint.MaxValue && (_states[head] & PageState.Compound) != 0 ? new Page(head) : page;
    }

    /// <summary>The order of a compound page by its head; 0 for any other page (<c>compound_order</c>).</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public int CompoundOrder(Page page)
    {
        var state = _states[Check(page)];
        return (state & PageState.Compound) != 0 ? state & PageState.OrderMask : 0;
    }

    /// <summary>Whether a page can be used: allocated, as the first of its block or inside.</summary>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public bool IsAllocated(Page page) => HeadOf(Check(page)) != uint.MaxValue;

    internal bool IsRam(uint index) => Find(_ram, index);

    internal bool IsReserved(uint index) => Find(_reserved, index);

    /// <summary>The first frame of the allocated block that holds a frame; uint.MaxValue where it is in none.</summary>
    internal uint HeadOf(uint index)
    {
        for (var order = 0; order <= MaxOrder; order++)
        {
            var head = index & ~((1u << order) - 1);
            var state = Volatile.Read(ref _states[head]);
            if (state != 0 && (state & PageState.OrderMask) >= order)
                return head;
        }
        return uint.MaxValue;
    }

    /// <summary>What memblock did not release stays reserved: RAM without the released frames.</summary>
    internal void SetReserved(List<Run> released)
    {
        _reserved.Clear();
        released.Sort(static (left, right) => left.First.CompareTo(right.First));
        var next = 0;
        foreach (var ram in _ram)
        {
            var at = ram.First;
            for (; next < released.Count && released[next].First < ram.End; next++)
            {
                if (released[next].First > at)
                    _reserved.Add(new Run(at, released[next].First));
                at = released[next].End;
            }
            if (at < ram.End)
                _reserved.Add(new Run(at, ram.End));
        }
    }

    /// <summary>Takes frames out of the reserved ones; false when not all of them are reserved.</summary>
    internal bool TryUnreserve(Run run)
    {
        for (var i = 0; i < _reserved.Count; i++)
        {
            var reserved = _reserved[i];
            if (run.First < reserved.First || run.End > reserved.End)
                continue;
            _reserved.RemoveAt(i);
            if (run.End < reserved.End)
                _reserved.Insert(i, new Run(run.End, reserved.End));
            if (run.First > reserved.First)
                _reserved.Insert(i, new Run(reserved.First, run.First));
            return true;
        }
        return false;
    }

    /// <summary>Where the row of frames ends that are reserved like this one, or not reserved like it.</summary>
    internal uint EndOfSameReservation(uint index)
    {
        foreach (var run in _reserved)
        {
            if (index < run.First)
                return run.First;
            if (index < run.End)
                return run.End;
        }
        return Frames;
    }

    private uint AllocatedHead(Page page)
    {
        var head = HeadOf(Check(page));
        return head != uint.MaxValue
            ? head
            : throw new PageErrorException(PageErrorKind.NotAllocated, FrameAt(page.Index), $"{FrameAt(page.Index)} is not allocated.");
    }

    private static bool Find(List<Run> runs, uint index)
    {
        var (low, high) = (0, runs.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (index < runs[middle].First)
                high = middle - 1;
            else if (index >= runs[middle].End)
                low = middle + 1;
            else
                return true;
        }
        return false;
    }
}
