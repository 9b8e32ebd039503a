using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Contiguous;

/// <summary>Takes a row of frames, whatever uses it: isolate its pageblocks, move what is in them, take what is then free (<c>alloc_contig_range</c>).</summary>
/// <remarks>
/// <para>The kernel moves 32 pages at a time, and a row that turns out not to be free as a whole has been half emptied for nothing. Here all pages of the row are isolated, and have
/// a target, before the first one moves: an unmovable or pinned page, an owner that does not agree and a lack of memory leave every page where it was. Only an owner that agreed and
/// then refuses the move itself leaves others moved.</para>
/// <para>Steps: (1) isolate the pageblocks; (2) drain the CPU lists, so that what is free is in the zone; (3) hold every allocated block that reaches into the row;
/// (4) a target for each; (5) move; (6) under the zone's lock, take all frames if all are free. 2 to 6 are repeated while pages come and go.</para>
/// <para>Source: mm/page_alloc.c, alloc_contig_range, __alloc_contig_migrate_range, alloc_contig_pages.</para>
/// </remarks>
internal sealed unsafe class ContigAllocation
{
    // As __alloc_contig_migrate_range.
    private const int Attempts = 5;

    private readonly Cpu _cpu;
    private readonly PageAllocator _allocator;
    private readonly PageMap _map;
    private readonly MemoryZone _zone;
    private readonly uint _first;
    private readonly uint _end;
    private readonly List<(MovingPage Page, uint Target)> _pages = [];

    private ContigAllocation(Cpu cpu, MemoryZone zone, uint first, uint end)
    {
        _cpu = cpu;
        _allocator = cpu.Allocator;
        _map = _allocator.Map;
        _zone = zone;
        _first = first;
        _end = end;
    }

    public static ContigResult Take(Cpu cpu, PageFrame start, PageFrame end, MigrateType type, GfpFlags flags)
    {
        var error = ContigPlace.Find(cpu.Allocator, start, end, out var zone, out var first, out var at);
        if (error != ContigError.None)
            return ContigResult.Failed(error, at);
        var allocation = new ContigAllocation(cpu, zone!, first, first + (uint)(end.Number - start.Number));
        return allocation.Take(type, flags);
    }

    private ContigResult Take(MigrateType type, GfpFlags flags)
    {
        var isolation = new PageIsolation(_allocator, _zone);
        var error = isolation.Isolate(_first, _end, type, out var busy);
        if (error != ContigError.None)
            return Failed(error, busy);
        try
        {
            error = Empty(out busy);
        }
        finally
        {
            PutBackAll();
            isolation.Undo();
        }
        if (error != ContigError.None)
            return Failed(error, busy);
        if ((flags & GfpFlags.Zero) != 0)
        {
            for (var at = _first; at < _end; at++)
                new Span<byte>(_map.PageData(new Page(at)), (int)_map.Pages.PageSize).Clear();
        }
        return ContigResult.Of(_first);
    }

    // Until all frames are taken, or one is found that does not go away.
    private ContigError Empty(out uint busy)
    {
        var error = ContigError.Busy;
        busy = _first;
        var spinner = new SpinWait();
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            _allocator.DrainAllPages(_cpu);
            error = MoveAll(out busy);
            // An allocated page without a mover may be on its way to its owner or back.
            if (error is not (ContigError.None or ContigError.Busy or ContigError.Unmovable))
                return error;
            if (error == ContigError.None)
            {
                _allocator.DrainAllPages(_cpu);
                if (TryTakeAll(out busy))
                    return ContigError.None;
                error = ContigError.Busy;
            }
            PutBackAll();
            spinner.SpinOnce();
        }
        return error;
    }

    private bool TryTakeAll(out uint busy)
    {
        var area = _zone.Area;
        ZoneLock.Acquire(ref area.Lock);
        var taken = area.TryTakeIsolated(_first, _end, out busy);
        ZoneLock.Release(ref area.Lock);
        if (taken)
            new Span<byte>(_map.States + _first, (int)(_end - _first)).Fill(PageState.Allocated);
        return taken;
    }

    private ContigError MoveAll(out uint busy)
    {
        var error = HoldAll(out busy);
        if (error == ContigError.None)
            error = FindTargets(out busy);
        if (error != ContigError.None || _pages.Count == 0)
            return error;
        var migrator = new PageMigrator(_cpu, MigrateMode.Sync);
        for (var pass = 0; pass < PageMigrator.Attempts; pass++)
        {
            error = ContigError.None;
            for (var i = _pages.Count - 1; i >= 0; i--)
            {
                var (page, target) = _pages[i];
                busy = page.Index;
                var outcome = migrator.TryMove(page, target);
                if (outcome is MoveOutcome.Moved or MoveOutcome.Freed)
                {
                    if (outcome == MoveOutcome.Freed)
                        _cpu.FreePages(new Page(target), page.Order);
                    _pages.RemoveAt(i);
                    continue;
                }
                if (outcome == MoveOutcome.Refused)
                {
                    _allocator.Events.CountNotMoved(1);
                    return ContigError.Refused;
                }
                error = outcome == MoveOutcome.Pinned ? ContigError.Pinned : ContigError.Busy;
            }
            if (error == ContigError.None)
                break;
            Thread.Yield();
        }
        _allocator.Events.CountNotMoved(_pages.Count);
        return error;
    }

    private ContigError HoldAll(out uint busy)
    {
        var movable = _allocator.Movable;
        for (busy = _first; busy < _end;)
        {
            var head = _map.HeadOf(busy);
            if (head == uint.MaxValue)
            {
                busy++;
                continue;
            }
            var result = movable.TryIsolate(_cpu, head, MigrateMode.Sync, out var page);
            if (result == HoldResult.NotMovable && _map.HeadOf(busy) != head)
                continue;
            if (result != HoldResult.Held)
                return result switch { HoldResult.NotMovable => ContigError.Unmovable, HoldResult.Refused => ContigError.Refused, _ => ContigError.Busy };
            _pages.Add((page, uint.MaxValue));
            busy = head + page.Pages;
            if (Volatile.Read(ref _map.DescriptorAt(head)->ExtraReferences) > page.Mover.References(new Page(head)))
            {
                busy = head;
                return ContigError.Pinned;
            }
        }
        return ContigError.None;
    }

    // alloc_migration_target: from the same zones as the source.
    private ContigError FindTargets(out uint busy)
    {
        var flags = GfpFlags.User | GfpFlags.Movable | GfpFlags.RetryMayFail | GfpFlags.NoWarn;
        if (_zone.Type >= ZoneType.HighMem)
            flags |= GfpFlags.HighMem;
        for (var i = 0; i < _pages.Count; i++)
        {
            var (page, _) = _pages[i];
            busy = page.Index;
            var target = _cpu.AllocPages(page.IsCompound ? flags | GfpFlags.Comp : flags, page.Order);
            if (target.IsNull)
                return ContigError.NoMemory;
            _pages[i] = (page, target.Index);
        }
        busy = _first;
        return ContigError.None;
    }

    private void PutBackAll()
    {
        foreach (var (page, target) in _pages)
        {
            _allocator.Movable.PutBack(_cpu, page);
            if (target != uint.MaxValue)
                _cpu.FreePages(new Page(target), page.Order);
        }
        _pages.Clear();
    }

    private ContigResult Failed(ContigError error, uint busy) => ContigResult.Failed(error, _map.FrameAt(busy));
}
