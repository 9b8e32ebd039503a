using System;
using System.Numerics;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Slub;

/// <summary>Frees, and the lists that a slab moves through.</summary>
internal sealed unsafe partial class SlubStore
{
    public override uint Give(int cpu, byte** objects, int count)
    {
        var empty = SlabInfo.None;
        ZoneLock.Acquire(ref Lock);
        if (!_isSingle)
        {
            for (var i = 0; i < count; i++)
                GiveOne(cpu, objects[i], ref empty);
        }
        else
        {
            var headMask = ~((1u << Order) - 1);
            var (ram, start, span, shift, first) = (Ram, (nuint)Ram.Base, Ram.Span, Ram.PageShift, Ram.First);
            var (id, reciprocal, full) = (Cache.Id, _reciprocal, _mask);
            var owners = Ram.AllOwners;
            for (var i = 0; i < count; i++)
            {
                var offset = unchecked((nuint)objects[i] - start);
                var page = unchecked(first + (uint)(offset >> shift));
                if (offset >= span || owners[page] != id)
                {
                    GiveOne(cpu, objects[i], ref empty);
                    continue;
                }
                var head = page & headMask;
                var at = (uint)(offset - ((nuint)(head - first) << shift));
                var bit = 1UL << (int)((at * reciprocal) >> 32);
                var info = ram.InfoOf(head);
                var before = info->Word;
                var after = before | bit;
                info->Word = after;
                if (before == 0 || after == before || after == full)
                    Moved(cpu, head, info, before, after, objects[i], ref empty);
            }
        }
        ZoneLock.Release(ref Lock);
        return empty;
    }

    public override uint PutBack(int cpu, uint head, int index)
    {
        var empty = SlabInfo.None;
        SetFree(cpu, head, index, ref empty);
        return empty;
    }

    public override uint TakeEmpty()
    {
        var empty = SlabInfo.None;
        ZoneLock.Acquire(ref Lock);
        for (var cpu = 0; cpu < _cpus.Length; cpu++)
        {
            ref var its = ref _cpus[cpu];
            if (its.Active != SlabInfo.None)
                AddPartial(its.Active, Ram.InfoOf(its.Active));
            its.Active = SlabInfo.None;
            Unfreeze(ref its, ref empty);
        }
        for (var head = _partial.First; head != SlabInfo.None;)
        {
            var info = Ram.InfoOf(head);
            var next = info->Next;
            if (IsEmpty(head))
                Drop(head, info, ref empty);
            head = next;
        }
        ZoneLock.Release(ref Lock);
        return empty;
    }

    public override uint TakeEmpty(int slabs)
    {
        var empty = SlabInfo.None;
        ZoneLock.Acquire(ref Lock);
        for (var head = _partial.First; head != SlabInfo.None && slabs > 0;)
        {
            var info = Ram.InfoOf(head);
            var next = info->Next;
            if (IsEmpty(head))
            {
                Drop(head, info, ref empty);
                slabs--;
            }
            head = next;
        }
        ZoneLock.Release(ref Lock);
        return empty;
    }

    public override SlabCounts Count()
    {
        ZoneLock.Acquire(ref Lock);
        var free = 0L;
        for (var head = _partial.First; head != SlabInfo.None; head = Ram.InfoOf(head)->Next)
            free += FreeIn(head);
        var counts = new SlabCounts(_objects - free, _objects, _slabs, _slabs, 0, PagesHeld);
        ZoneLock.Release(ref Lock);
        return counts;
    }

    // Full slabs are on no list: they are found by their pages' owner.
    public override void Visit(SlabVisitor visitor)
    {
        for (var page = _lowest; page <= _highest && page != uint.MaxValue;)
        {
            var owner = Ram.OwnerOf(page);
            if ((owner & ~PageOwner.Small) != Cache.Id)
            {
                page++;
                continue;
            }
            var order = OrderOf(page);
            if (!Allocator.IsDeferred(page))
                visitor(ViewOf(page), new ReadOnlySpan<ulong>(BitsOf(page), WordsOf(page)));
            page += 1u << order;
        }
    }

    private void GiveOne(int cpu, byte* item, ref uint empty)
    {
        if (!Ram.TryIndex(item, out var page))
            return;
        var head = HeadOf(page);
        var at = (ulong)(item - Ram.HostOf(head));
        SetFree(cpu, head, (int)((at * _reciprocal) >> 32), ref empty);
    }

    private void SetFree(int cpu, uint head, int index, ref uint empty)
    {
        var bits = BitsOf(head) + (index >> 6);
        var before = *bits;
        var after = before | (1UL << (index & 63));
        *bits = after;
        if (after == before)
        {
            Allocator.ReportDoubleFree(Cache, ViewOf(head).ObjectAt(index));
            return;
        }
        var info = Ram.InfoOf(head);
        var wasFull = _isSingle ? before == 0 : info->Inuse == ObjectsOf(OrderOf(head));
        if (!_isSingle)
            info->Inuse--;
        Move(cpu, head, info, wasFull, IsEmpty(head), ref empty);
    }

    private void Moved(int cpu, uint head, SlabInfo* info, ulong before, ulong after, byte* item, ref uint empty)
    {
        if (after == before)
            Allocator.ReportDoubleFree(Cache, item);
        else
            Move(cpu, head, info, before == 0, after == _mask, ref empty);
    }

    private void Move(int cpu, uint head, SlabInfo* info, bool wasFull, bool isEmpty, ref uint empty)
    {
        if (wasFull && info->List == Full)
        {
            ref var mine = ref _cpus[cpu];
            if (isEmpty || _cpuPartialSlabs == 0)
            {
                AddPartial(head, info);
            }
            else
            {
                if (mine.Partials >= _cpuPartialSlabs)
                    Unfreeze(ref mine, ref empty);
                (info->List, info->Next) = (CpuPartial, mine.Partial);
                mine.Partial = head;
                mine.Partials++;
            }
        }
        if (isEmpty && info->List == Node && _partial.Count > _minPartial)
            Drop(head, info, ref empty);
    }

    private bool IsEmpty(uint head)
    {
        if (_isSingle)
            return Ram.InfoOf(head)->Word == ((Ram.OwnerOf(head) & PageOwner.Small) != 0 ? _smallMask : _mask);
        return Ram.InfoOf(head)->Inuse == 0;
    }

    private int FreeIn(uint head)
    {
        var free = 0;
        foreach (var word in new ReadOnlySpan<ulong>(BitsOf(head), WordsOf(head)))
            free += BitOperations.PopCount(word);
        return free;
    }

    private bool TryActivate(ref CpuSlabs mine)
    {
        var head = mine.Partial;
        if (head != SlabInfo.None)
        {
            mine.Partial = Ram.InfoOf(head)->Next;
            mine.Partials--;
        }
        else
        {
            head = _partial.First;
            if (head == SlabInfo.None)
                return false;
            _partial.Remove(Ram, Ram.InfoOf(head));
        }
        Ram.InfoOf(head)->List = Active;
        mine.Active = head;
        return true;
    }

    // unfreeze_partials: a CPU's slabs become anybody's.
    private void Unfreeze(ref CpuSlabs its, ref uint empty)
    {
        for (var head = its.Partial; head != SlabInfo.None;)
        {
            var info = Ram.InfoOf(head);
            var next = info->Next;
            AddPartial(head, info);
            if (IsEmpty(head) && _partial.Count > _minPartial)
                Drop(head, info, ref empty);
            head = next;
        }
        (its.Partial, its.Partials) = (SlabInfo.None, 0);
    }

    // Slabs with used objects are filled before empty ones, so that those can go back.
    private void AddPartial(uint head, SlabInfo* info)
    {
        info->List = Node;
        if (IsEmpty(head))
            _partial.AddLast(Ram, head, info);
        else
            _partial.AddFirst(Ram, head, info);
    }

    private void Unlist(uint head)
    {
        var info = Ram.InfoOf(head);
        if (info->List == Node)
            _partial.Remove(Ram, info);
        foreach (ref var its in _cpus.AsSpan())
        {
            if (its.Active == head)
                its.Active = SlabInfo.None;
        }
    }

    private void Drop(uint head, SlabInfo* info, ref uint empty)
    {
        _partial.Remove(Ram, info);
        _slabs--;
        _objects -= ObjectsOf(OrderOf(head));
        PagesHeld -= 1L << OrderOf(head);
        (info->List, info->Next) = (Full, empty);
        empty = head;
    }
}
