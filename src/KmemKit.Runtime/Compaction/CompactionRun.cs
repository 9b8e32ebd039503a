using System;
using System.Collections.Generic;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Compaction;

/// <summary>One compaction of a zone: movable pages from its bottom move into free pages at its top until a block is free or the two meet (<c>compact_zone</c>).</summary>
/// <remarks>
/// <para><code>
/// first |MM.M|.MM.|M.M.| ... |.M..|M...|....| end
///        migrate scanner ->       &lt;- free scanner
/// </code></para>
/// <para>Both work pageblock by pageblock. The migrate scanner takes at most 32 pages at a time, and none whose block is as large as the order wanted. The free scanner leaves alone
/// pageblocks that are free as a whole, which is what this is about, and those of unmovable pages. Both go on where the last run ended.</para>
/// <para>Not here: the skip bits of pageblocks, which save a second look at what was hopeless, and capturing the block for the caller. Source: mm/compaction.c.</para>
/// </remarks>
internal sealed unsafe class CompactionRun
{
    // COMPACT_CLUSTER_MAX, NR_MAX_MIGRATE_ASYNC_RETRY.
    private const int Cluster = 32;
    private const int AsyncAttempts = 3;

    private readonly Cpu _cpu;
    private readonly PageAllocator _allocator;
    private readonly PageMap _map;
    private readonly MemoryZone _zone;
    private readonly CompactTarget _wanted;
    private readonly PageMigrator _migrator;
    private readonly List<MovingPage> _pages = [];
    private readonly FreeStash _free = new();
    private readonly uint _blockSize;
    private readonly uint _first;
    private readonly uint _end;
    private readonly bool _isWhole;
    private uint _migrateAt;
    private uint _freeEnd;
    private long _migrateScanned;
    private long _freeScanned;
    private long _isolated;

    private CompactionRun(Cpu cpu, MemoryZone zone, CompactTarget wanted, MigrateMode mode)
    {
        _cpu = cpu;
        _allocator = cpu.Allocator;
        _map = _allocator.Map;
        _zone = zone;
        _wanted = wanted;
        _migrator = new PageMigrator(cpu, mode);
        _blockSize = 1u << _allocator.PageBlockOrder;
        _first = zone.FirstIndex & ~(_blockSize - 1);
        _end = Math.Min(zone.BaseIndex + zone.Area.Frames, _map.Frames);
        var cached = zone.Compaction;
        var migrate = wanted.IsWholeZone ? 0 : cached.CachedMigrate[Set];
        var free = wanted.IsWholeZone ? 0 : cached.CachedFree;
        _migrateAt = migrate > _first && migrate < _end ? migrate : _first;
        _freeEnd = free > _first && free < _end ? free : _end;
        _isWhole = _migrateAt == _first;
    }

    private int Set => _migrator.Mode == MigrateMode.Async ? 0 : 1;

    private bool HaveMet => _migrateAt / _blockSize >= (_freeEnd + _blockSize - 1) / _blockSize - 1 || _freeEnd <= _first;

    /// <summary>Compacts a zone; one CPU at a time does.</summary>
    public static CompactResult Compact(Cpu cpu, MemoryZone zone, CompactTarget wanted, MigrateMode mode)
    {
        if (!zone.Compaction.TryBegin())
            return CompactResult.Contended;
        try
        {
            return new CompactionRun(cpu, zone, wanted, mode).Run();
        }
        finally
        {
            zone.Compaction.End();
        }
    }

    private CompactResult Run()
    {
        // What waits in CPU lists is neither free to the scanners nor in use.
        _allocator.DrainAllPages(_cpu);
        var result = Finished();
        try
        {
            while (result is null)
            {
                HoldPages();
                if (_pages.Count > 0)
                    MovePages();
                result = Finished();
            }
        }
        finally
        {
            foreach (var page in _pages)
                _allocator.Movable.PutBack(_cpu, page);
            _free.Release(_zone);
            _allocator.Events.CountScanned(_migrateScanned, _freeScanned, _isolated);
        }
        return result.Value;
    }

    // __compact_finished; null to go on.
    private CompactResult? Finished()
    {
        var cached = _zone.Compaction;
        if (HaveMet)
        {
            cached.CachedFree = 0;
            cached.CachedMigrate.AsSpan().Clear();
            return _isWhole ? CompactResult.Complete : CompactResult.PartialSkipped;
        }
        cached.CachedMigrate[Set] = _migrateAt;
        cached.CachedFree = _freeEnd;
        // A pageblock that was begun is finished, so that it does not stay half emptied.
        if (_wanted.IsWholeZone || _migrateAt % _blockSize != 0)
            return null;
        return _wanted.IsThere(_zone, _allocator.PageBlockOrder) ? CompactResult.Success : null;
    }

    private void HoldPages()
    {
        while (_pages.Count == 0 && !HaveMet)
        {
            var end = Math.Min((_migrateAt | (_blockSize - 1)) + 1, _end);
            var word = _allocator.Blocks[_migrateAt >> _allocator.PageBlockOrder];
            if (PageBlocks.ZoneOf(word) != _zone.Number || !IsSource((MigrateType)(word & PageBlocks.TypeMask)))
                _migrateAt = end;
            else
                HoldPagesOf(end);
        }
    }

    // suitable_migration_source: a hasty run leaves pageblocks of other kinds alone, for one page that does not move spoils the block.
    private bool IsSource(MigrateType block) => block != MigrateType.Isolate
        && (_migrator.Mode != MigrateMode.Async || _wanted.IsWholeZone
            || (_wanted.Type == MigrateType.Movable ? block is MigrateType.Movable or MigrateType.Cma : block == _wanted.Type));

    private void HoldPagesOf(uint end)
    {
        while (_migrateAt < end && _pages.Count < Cluster)
        {
            // Read without the lock: a wrong answer skips some pages, or looks at some that are free.
            if (_zone.Area.TryFindFree(_migrateAt, out var free, out var order))
            {
                Step(free + (1u << order), end);
                continue;
            }
            var head = _map.HeadOf(_migrateAt);
            if (head == uint.MaxValue)
            {
                Step(_migrateAt + 1, end);
                continue;
            }
            order = _map.States[head] & PageState.OrderMask;
            var next = head + (1u << order);
            if (head == _migrateAt && order < _wanted.LargestToMove(_allocator.PageBlockOrder)
                && _allocator.Movable.TryIsolate(_cpu, head, _migrator.Mode, out var page) == HoldResult.Held)
            {
                _pages.Add(page);
                _isolated += page.Pages;
            }
            Step(next, end);
        }
    }

    private void Step(uint next, uint end)
    {
        next = Math.Min(Math.Max(next, _migrateAt + 1), end);
        _migrateScanned += next - _migrateAt;
        _migrateAt = next;
    }

    private void MovePages()
    {
        var attempts = _migrator.Mode == MigrateMode.Async ? AsyncAttempts : PageMigrator.Attempts;
        for (var attempt = 0; attempt < attempts && _pages.Count > 0; attempt++)
        {
            var isAgainWorthIt = false;
            for (var i = _pages.Count - 1; i >= 0; i--)
            {
                var page = _pages[i];
                if (!TryTarget(page, out var target))
                {
                    // Out of free pages: the scanners have met.
                    attempt = attempts;
                    break;
                }
                var outcome = _migrator.TryMove(page, target);
                if (outcome != MoveOutcome.Moved)
                {
                    _map.States[target] = 0;
                    _free.Put(target, page.Order);
                }
                if (outcome is MoveOutcome.Moved or MoveOutcome.Freed)
                    _pages.RemoveAt(i);
                isAgainWorthIt |= outcome == MoveOutcome.Busy;
            }
            if (!isAgainWorthIt)
                break;
        }
        _allocator.Events.CountNotMoved(_pages.Count);
        foreach (var page in _pages)
            _allocator.Movable.PutBack(_cpu, page);
        _pages.Clear();
        // Only in the zone can what became free merge.
        _cpu.DrainLocalPages();
    }

    private bool TryTarget(in MovingPage page, out uint target)
    {
        while (!_free.TryTake(page.Order, out target))
        {
            if (!FindFree())
                return false;
        }
        _map.States[target] = (byte)(PageState.Allocated | page.Order | (page.IsCompound ? PageState.Compound : 0));
        return true;
    }

    // Takes the free blocks of the next pageblock down; false when there is none left above the migrate scanner.
    private bool FindFree()
    {
        while (!HaveMet)
        {
            var start = (_freeEnd - 1) & ~(_blockSize - 1);
            var end = _freeEnd;
            _freeEnd = start;
            var before = _free.Pages;
            ZoneLock.Acquire(ref _zone.Area.Lock);
            var word = _allocator.Blocks[start >> _allocator.PageBlockOrder];
            if (PageBlocks.ZoneOf(word) == _zone.Number && (MigrateType)(word & PageBlocks.TypeMask) is MigrateType.Movable or MigrateType.Cma)
                TakeFreeOf(start, end);
            ZoneLock.Release(ref _zone.Area.Lock);
            if (_free.Pages > before)
                return true;
        }
        return false;
    }

    private void TakeFreeOf(uint start, uint end)
    {
        for (var at = start; at < end;)
        {
            _freeScanned++;
            if (!_zone.Area.TryFindFree(at, out var first, out var order))
            {
                at++;
                continue;
            }
            at = first + (1u << order);
            // A whole pageblock is what compaction makes; and no request below the mark is worth it.
            if (order >= _allocator.PageBlockOrder || _zone.FreePages - (1L << order) <= _zone.MinWatermark)
                continue;
            _zone.Area.TakeBlock(first, order);
            _free.Put(first, order);
            _isolated += 1u << order;
        }
    }
}
