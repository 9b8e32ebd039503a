using System;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Classic;

/// <summary>SLAB: full, partial and free slabs, coloured, with a table of free indexes on- or off-slab (Bonwick 1994).</summary>
/// <remarks>
/// <para>A slab's table is a permutation of its slots: the first <c>Inuse</c> entries were given out, the rest are free, last freed first. Its address is in the
/// first page's descriptor, beside the count.</para>
/// <code>
///   on-slab     | colour | table | object | object | ...         |         off-slab    | colour | object | object | ...  |   and a table in kmalloc memory
/// </code>
/// <para>An empty slab stays on the free list while the node has not more free objects than free_limit; then it goes back. Source: mm/slab.c.</para>
/// </remarks>
internal sealed unsafe class SlabStore : SlabbedStore
{
    private const byte OnFull = 1;
    private const byte OnPartial = 2;
    private const byte OnFree = 3;
    private const byte WrittenOff = 4;

    private readonly SlabGeometry _geometry;
    private readonly int _size;
    private readonly int _freeLimit;
    private SlabList _full = SlabList.Empty;
    private SlabList _partial = SlabList.Empty;
    private SlabList _free = SlabList.Empty;
    private SlabList _lost = SlabList.Empty;
    private long _freeObjects;
    private int _nextColour;

    public SlabStore(KmemCache cache)
        : base(cache)
    {
        _size = cache.Layout.Size;
        _geometry = GeometryOf(Allocator, cache.Layout, cache.Flags);
        var plan = PlanArrays();
        _freeLimit = ((1 + Allocator.Pages.Cpus.Count) * plan.Batch) + _geometry.Objects;
    }

    public override int Order => _geometry.Order;

    public override int ObjectsPerSlab => _geometry.Objects;

    /// <summary>How its slabs are cut.</summary>
    public SlabGeometry Geometry => _geometry;

    /// <summary>How a cache's slabs would be cut on a machine.</summary>
    public static SlabGeometry GeometryOf(ObjectAllocator allocator, ObjectLayout layout, SlabFlags flags) => SlabGeometry.Calculate(
        layout.Size, layout.Align, (flags & SlabFlags.ReclaimAccount) != 0, allocator.Ram.PageShift, allocator.Pages.Map.MaxOrder,
        allocator.Pages.TotalPages << allocator.Ram.PageShift, allocator.Sizes.CacheLine, allocator.Sizes.KmallocMin,
        // A debugger makes small objects as large as those whose table is elsewhere; theirs might then come from this very cache.
        neverOff: layout.ExtraAt >= 0 || layout.FreePointerAt >= 0);

    // enable_cpucache
    public override ArrayPlan PlanArrays()
    {
        var page = 1 << Ram.PageShift;
        var limit = _size > 131072 ? 1 : _size > page ? 8 : _size > 1024 ? 24 : _size > 256 ? 54 : 120;
        return new ArrayPlan(limit, (limit + 1) / 2, _size <= page && Allocator.Pages.Cpus.Count > 1 ? 8 : 0);
    }

    public override int Take(int cpu, byte** into, int wanted)
    {
        var taken = 0;
        ZoneLock.Acquire(ref Lock);
        while (taken < wanted && TryTakeSlot(cpu, out var head, out var index))
            into[taken++] = FirstOf(head) + ((nint)index * _size) + Cache.Layout.RedLeftPad;
        ZoneLock.Release(ref Lock);
        new Span<nint>(into, taken).Reverse();
        return taken;
    }

    public override uint Give(int cpu, byte** objects, int count)
    {
        var empty = SlabInfo.None;
        ZoneLock.Acquire(ref Lock);
        for (var i = 0; i < count; i++)
        {
            if (!Ram.TryIndex(objects[i], out var page))
                continue;
            var head = HeadOf(page);
            Put(head, (int)((objects[i] - FirstOf(head)) / _size), ref empty);
        }
        ZoneLock.Release(ref Lock);
        return empty;
    }

    public override bool TryTakeSlot(int cpu, out uint head, out int index)
    {
        head = _partial.First != SlabInfo.None ? _partial.First : _free.First;
        index = 0;
        if (head == SlabInfo.None)
            return false;
        var info = Ram.InfoOf(head);
        index = Entry(head, info->Inuse);
        info->Inuse++;
        _freeObjects--;
        if (info->Inuse == _geometry.Objects)
            MoveTo(OnFull, head, info);
        else if (info->List == OnFree)
            MoveTo(OnPartial, head, info);
        return true;
    }

    public override uint PutBack(int cpu, uint head, int index)
    {
        var empty = SlabInfo.None;
        Put(head, index, ref empty);
        return empty;
    }

    public override bool IsFree(uint head, int index)
    {
        for (int at = Ram.InfoOf(head)->Inuse; at < _geometry.Objects; at++)
        {
            if (Entry(head, at) == index)
                return true;
        }
        return false;
    }

    public override void WriteOff(uint head)
    {
        var info = Ram.InfoOf(head);
        _freeObjects -= _geometry.Objects - info->Inuse;
        info->Inuse = (ushort)_geometry.Objects;
        MoveTo(WrittenOff, head, info);
    }

    public override uint TakeEmpty() => TakeEmpty(int.MaxValue);

    public override uint TakeEmpty(int slabs)
    {
        var empty = SlabInfo.None;
        ZoneLock.Acquire(ref Lock);
        for (; slabs > 0 && _free.First != SlabInfo.None; slabs--)
            Drop(_free.First, ref empty);
        ZoneLock.Release(ref Lock);
        return empty;
    }

    public override SlabCounts Count()
    {
        ZoneLock.Acquire(ref Lock);
        var slabs = (long)_full.Count + _partial.Count + _free.Count + _lost.Count;
        var objects = slabs * _geometry.Objects;
        var counts = new SlabCounts(objects - _freeObjects, objects, slabs - _free.Count, slabs, Cache.Shared is null ? 0 : Cache.Shared->Count, slabs << Order);
        ZoneLock.Release(ref Lock);
        return counts;
    }

    public override void Visit(SlabVisitor visitor)
    {
        var free = new ulong[(_geometry.Objects + 63) / 64];
        foreach (var list in (ReadOnlySpan<SlabList>)[_full, _partial, _free, _lost])
        {
            for (var head = list.First; head != SlabInfo.None; head = Ram.InfoOf(head)->Next)
            {
                Array.Clear(free);
                for (int at = Ram.InfoOf(head)->Inuse; at < _geometry.Objects; at++)
                    free[Entry(head, at) >> 6] |= 1UL << (Entry(head, at) & 63);
                visitor(ViewOf(head), free);
            }
        }
    }

    public override byte* BookOf(uint head) => _geometry.IsOffSlab ? Ram.InfoOf(head)->Address : null;

    public override int UsedOf(uint head) => Ram.InfoOf(head)->Inuse;

    public override int NextFreeOf(uint head) =>
        Ram.InfoOf(head)->Inuse is var used && used < _geometry.Objects ? Entry(head, used) : -1;

    public override bool IsWrittenOff(uint head) => Ram.InfoOf(head)->List == WrittenOff;

    public override SlabView ViewOf(uint head) =>
        new(Cache, new Page(head), Ram.HostOf(head), FirstOf(head), Order, _geometry.Objects);

    protected override bool Prepare(Cpu cpu, GfpFlags flags, uint head, SlabInfo* info)
    {
        ZoneLock.Acquire(ref Lock);
        var colour = _nextColour;
        _nextColour = _nextColour + 1 < _geometry.Colours ? _nextColour + 1 : 0;
        ZoneLock.Release(ref Lock);
        // A table on the slab says the colour by where it is.
        info->Colour = _geometry.IsOffSlab ? colour : 0;
        var table = _geometry.IsOffSlab
            ? (byte*)Allocator.KmallocCache((nuint)_geometry.TableBytes)!.Alloc(cpu, flags & ~GfpFlags.Zero)
            : Ram.HostOf(head) + (colour * _geometry.ColourOffset);
        if (table is null)
            return false;
        info->Address = table;
        for (var i = 0; i < _geometry.Objects; i++)
            SetEntry(head, i, i);
        return true;
    }

    protected override void Add(int cpu, uint head, SlabInfo* info)
    {
        _freeObjects += _geometry.Objects;
        info->List = OnFree;
        _free.AddFirst(Ram, head, info);
    }

    protected override void Dispose(Cpu cpu, uint head)
    {
        if (_geometry.IsOffSlab)
            Allocator.Kfree(cpu, Ram.InfoOf(head)->Address);
    }

    private byte* FirstOf(uint head) => _geometry.IsOffSlab
        ? Ram.HostOf(head) + (Ram.InfoOf(head)->Colour * _geometry.ColourOffset)
        : Ram.InfoOf(head)->Address + _geometry.TableBytes;

    private int Entry(uint head, int at)
    {
        var table = Ram.InfoOf(head)->Address;
        return _geometry.IndexBytes == 1 ? table[at] : ((ushort*)table)[at];
    }

    private void SetEntry(uint head, int at, int index)
    {
        var table = Ram.InfoOf(head)->Address;
        if (_geometry.IndexBytes == 1)
            table[at] = (byte)index;
        else
            ((ushort*)table)[at] = (ushort)index;
    }

    private void Put(uint head, int index, ref uint empty)
    {
        var info = Ram.InfoOf(head);
        if (info->Inuse == 0)
        {
            Allocator.ReportDoubleFree(Cache, ViewOf(head).ObjectAt(index));
            return;
        }
        // What a debugger has taken out of use stays so.
        if (info->List == WrittenOff)
            return;
        info->Inuse--;
        SetEntry(head, info->Inuse, index);
        _freeObjects++;
        if (info->Inuse != 0)
        {
            if (info->List != OnPartial)
                MoveTo(OnPartial, head, info);
            return;
        }
        MoveTo(OnFree, head, info);
        if (_freeObjects > _freeLimit)
            Drop(_free.Last, ref empty);
    }

    private ref SlabList ListOf(byte list)
    {
        switch (list)
        {
            case OnFull:
                return ref _full;
            case OnPartial:
                return ref _partial;
            case WrittenOff:
                return ref _lost;
            default:
                return ref _free;
        }
    }

    private void MoveTo(byte list, uint head, SlabInfo* info)
    {
        ListOf(info->List).Remove(Ram, info);
        info->List = list;
        ListOf(list).AddFirst(Ram, head, info);
    }

    private void Drop(uint head, ref uint empty)
    {
        var info = Ram.InfoOf(head);
        _free.Remove(Ram, info);
        _freeObjects -= _geometry.Objects;
        PagesHeld -= 1L << Order;
        info->List = 0;
        info->Next = empty;
        empty = head;
    }
}
