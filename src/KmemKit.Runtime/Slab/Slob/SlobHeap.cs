using System;
using System.Runtime.InteropServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Slob;

/// <summary>SLOB: objects of all caches share pages, first fit, with nothing kept beside them: for machines whose memory is counted in kilobytes (K&amp;R's list).</summary>
/// <remarks>
/// <para>Three lists of pages that have room: for objects below 256 bytes, below 1024, and the rest, so that small ones do not tear large gaps. A search
/// starts behind the page that served the last one. A page's gaps are linked in the gaps themselves, by rising address:</para>
/// <code>
///   gap = { units, next gap's offset in units }     units of 4 bytes, so that the smallest gap holds both; next is the page's end where there is none
/// </code>
/// <para>kmalloc puts the size in front of the block; caches know theirs. The kernel's units are of 2 bytes, which alignment makes no difference to here.
/// Source: mm/slob.c (until 6.4).</para>
/// </remarks>
internal sealed unsafe class SlobHeap
{
    private const int UnitShift = 2;

    private readonly ObjectAllocator _allocator;
    private readonly PageMap _map;
    private readonly RamWindow _ram;
    private readonly int _pageUnits;
    private readonly int _align;
    private SlabList[] _lists = [SlabList.Empty, SlabList.Empty, SlabList.Empty];
    private readonly uint[] _next = [SlabInfo.None, SlabInfo.None, SlabInfo.None];
    private int _lock;

    [StructLayout(LayoutKind.Sequential)]
    private struct Gap
    {
        public ushort Units;

        public ushort Next;
    }

    public SlobHeap(ObjectAllocator allocator)
    {
        _allocator = allocator;
        _map = allocator.Pages.Map;
        _ram = allocator.Ram;
        _pageUnits = allocator.PageSize >> UnitShift;
        _align = Math.Max(allocator.Sizes.KmallocMin, allocator.Sizes.SlabMinAlign);
    }

    /// <summary>Pages that have objects on them.</summary>
    public long Pages { get; private set; }

    /// <summary>Free units on those pages, in bytes.</summary>
    public long FreeBytes { get; private set; }

    /// <summary>The largest kmalloc that shares a page.</summary>
    public int MaxKmalloc => _allocator.PageSize - _align - 1;

    public void* Kmalloc(Cpu cpu, int size, GfpFlags flags)
    {
        var block = Alloc(cpu, size + _align, _align, flags);
        if (block is null)
            return null;
        *(int*)block = size;
        if ((flags & GfpFlags.Zero) != 0)
            NativeMemory.Clear(block + _align, (nuint)size);
        return block + _align;
    }

    public void Kfree(Cpu cpu, void* item)
    {
        var block = (byte*)item - _align;
        Free(cpu, block, *(int*)block + _align);
    }

    public nuint SizeOf(void* item) => (nuint)((*(int*)((byte*)item - _align) + (1 << UnitShift) - 1) >> UnitShift << UnitShift);

    /// <summary>A block of less than a page.</summary>
    public byte* Alloc(Cpu cpu, int size, int align, GfpFlags flags)
    {
        var list = ListFor(size);
        var units = UnitsOf(size);
        ZoneLock.Acquire(ref _lock);
        var block = Find(list, units, align);
        ZoneLock.Release(ref _lock);
        if (block is not null)
            return block;
        var page = _allocator.TakePages(cpu, ObjectAllocator.CallerFlags(flags), 0, PageOwner.Slob);
        if (page.IsNull)
            return null;
        _allocator.CountBlockPages(1);
        ZoneLock.Acquire(ref _lock);
        var head = page.Index;
        var info = _ram.InfoOf(head);
        info->Start();
        info->Inuse = (ushort)_pageUnits;
        info->List = (byte)list;
        *GapAt(head, 0) = new Gap { Units = (ushort)_pageUnits, Next = (ushort)_pageUnits };
        _lists[list].AddFirst(_ram, head, info);
        Pages++;
        FreeBytes += _allocator.PageSize;
        block = Cut(list, head, info, units, align);
        ZoneLock.Release(ref _lock);
        return block;
    }

    public void Free(Cpu cpu, byte* block, int size)
    {
        if (!_ram.TryIndex(block, out var head))
            return;
        var units = UnitsOf(size);
        var at = (int)((block - _ram.HostOf(head)) >> UnitShift);
        ZoneLock.Acquire(ref _lock);
        var info = _ram.InfoOf(head);
        FreeBytes += (long)units << UnitShift;
        var isEmpty = info->Inuse + units == _pageUnits;
        if (isEmpty)
        {
            if (info->Inuse != 0)
                Unlist(info->List, head, info);
            Pages--;
            FreeBytes -= _allocator.PageSize;
        }
        else if (info->Inuse == 0)
        {
            // Full until now: it goes to the list of what was freed, whatever it held first.
            info->Inuse = (ushort)units;
            info->Gap = (ushort)at;
            info->List = (byte)ListFor(size);
            *GapAt(head, at) = new Gap { Units = (ushort)units, Next = (ushort)_pageUnits };
            _lists[info->List].AddFirst(_ram, head, info);
        }
        else
        {
            info->Inuse += (ushort)units;
            Insert(head, info, at, units);
        }
        ZoneLock.Release(ref _lock);
        if (!isEmpty)
            return;
        _allocator.CountBlockPages(-1);
        _allocator.ReturnPages(cpu, head, 0);
    }

    /// <summary>Walks every page of the lists; the first rule that does not hold is thrown.</summary>
    public void Verify()
    {
        foreach (var list in _lists)
        {
            for (var head = list.First; head != SlabInfo.None; head = _ram.InfoOf(head)->Next)
            {
                var info = _ram.InfoOf(head);
                var (sum, end) = (0, -1);
                for (int at = info->Gap; at != _pageUnits; at = GapAt(head, at)->Next)
                {
                    if (at <= end || at + GapAt(head, at)->Units > _pageUnits)
                        throw new InvalidOperationException($"{_map.FrameAt(head)}: the gap at unit {at} is out of order, touches the one before, or leaves the page.");
                    end = at + GapAt(head, at)->Units;
                    sum += GapAt(head, at)->Units;
                }
                if (sum != info->Inuse || sum == 0)
                    throw new InvalidOperationException($"{_map.FrameAt(head)} has {sum} free units, and says {info->Inuse}.");
            }
        }
    }

    private static int ListFor(int size) => size < 256 ? 0 : size < 1024 ? 1 : 2;

    private static int UnitsOf(int size) => (size + (1 << UnitShift) - 1) >> UnitShift;

    private Gap* GapAt(uint head, int at) => (Gap*)_ram.HostOf(head) + at;

    // Next fit over the pages, first fit in a page.
    private byte* Find(int list, int units, int align)
    {
        ref var pages = ref _lists[list];
        var head = _next[list] != SlabInfo.None ? _next[list] : pages.First;
        for (var left = pages.Count; left > 0; left--)
        {
            var info = _ram.InfoOf(head);
            var next = info->Next != SlabInfo.None ? info->Next : pages.First;
            if (info->Inuse >= units)
            {
                var block = Cut(list, head, info, units, align);
                if (block is not null)
                    return block;
            }
            head = next;
        }
        return null;
    }

    private byte* Cut(int list, uint head, SlabInfo* info, int units, int align)
    {
        var alignUnits = Math.Max(1, align >> UnitShift);
        var before = -1;
        for (int at = info->Gap; at != _pageUnits; before = at, at = GapAt(head, at)->Next)
        {
            var gap = *GapAt(head, at);
            var start = ObjectLayout.AlignUp(at, alignUnits);
            var end = start + units;
            if (end > at + gap.Units)
                continue;
            int next = gap.Next;
            if (end < at + gap.Units)
            {
                *GapAt(head, end) = new Gap { Units = (ushort)(at + gap.Units - end), Next = (ushort)next };
                next = end;
            }
            if (start > at)
                *GapAt(head, at) = new Gap { Units = (ushort)(start - at), Next = (ushort)next };
            else if (before >= 0)
                GapAt(head, before)->Next = (ushort)next;
            else
                info->Gap = (ushort)next;
            info->Inuse -= (ushort)units;
            FreeBytes -= (long)units << UnitShift;
            if (info->Inuse == 0)
                Unlist(list, head, info);
            else
                _next[list] = head;
            return _ram.HostOf(head) + ((nint)start << UnitShift);
        }
        return null;
    }

    // Between the gaps before and behind it, one with those it touches.
    private void Insert(uint head, SlabInfo* info, int at, int units)
    {
        var before = -1;
        int behind = info->Gap;
        while (behind < at)
        {
            before = behind;
            behind = GapAt(head, behind)->Next;
        }
        if (behind != _pageUnits && at + units == behind)
        {
            units += GapAt(head, behind)->Units;
            behind = GapAt(head, behind)->Next;
        }
        if (before >= 0 && before + GapAt(head, before)->Units == at)
        {
            *GapAt(head, before) = new Gap { Units = (ushort)(GapAt(head, before)->Units + units), Next = (ushort)behind };
            return;
        }
        *GapAt(head, at) = new Gap { Units = (ushort)units, Next = (ushort)behind };
        if (before >= 0)
            GapAt(head, before)->Next = (ushort)at;
        else
            info->Gap = (ushort)at;
    }

    private void Unlist(int list, uint head, SlabInfo* info)
    {
        if (_next[list] == head)
            _next[list] = info->Next;
        _lists[list].Remove(_ram, info);
    }
}
