using System.Collections.Generic;
using System.Numerics;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Mmu;

/// <summary>Pages for translation tables, from the page allocator and marked as tables (<c>PG_table</c>).</summary>
/// <remarks>
/// A table of a page or more is a block of its order. Smaller ones, the 1 KiB tables of ARM short descriptors, share a page: which parts are in use is in the
/// descriptor's <see cref="PageDescriptor.Private"/>, and its place among the pages with room in <see cref="PageDescriptor.Mapping"/>. Their lock is held for some
/// instructions; whole pages take none. Tables of an image that was loaded are not the page allocator's: those that are given back are kept and taken first.
/// </remarks>
internal sealed unsafe class TableAllocator
{
    private readonly PageMap _map;
    private readonly PhysicalMemory _memory;
    private readonly GfpFlags _flags;
    private readonly ulong _bytes;
    private readonly int _order;
    private readonly int _parts;
    private readonly List<Page> _withRoom = [];
    private readonly Lock _sync = new();
    private readonly List<ulong> _kept = [];
    private ulong _imageStart;
    private ulong _imageSize;
    private int _keptCount;
    private long _tables;
    private long _pages;

    /// <param name="map">The page descriptors.</param>
    /// <param name="memory">The RAM.</param>
    /// <param name="bytes">Bytes of a table, a power of two.</param>
    /// <param name="flags">How pages are asked for.</param>
    public TableAllocator(PageMap map, PhysicalMemory memory, ulong bytes, GfpFlags flags)
    {
        _map = map;
        _memory = memory;
        _flags = flags;
        _bytes = bytes;
        _order = OrderOf(bytes);
        _parts = bytes >= map.Pages.PageSize ? 1 : (int)(map.Pages.PageSize / bytes);
    }

    /// <summary>Bytes of a table.</summary>
    public ulong Bytes => _bytes;

    /// <summary>Tables that are out.</summary>
    public long Tables => Interlocked.Read(ref _tables);

    /// <summary>Pages that they, and parts not in use, take.</summary>
    public long Pages => Interlocked.Read(ref _pages);

    /// <summary>Order of a block for a table that has a block of its own.</summary>
    public int OrderOf(ulong bytes) => bytes <= _map.Pages.PageSize ? 0 : BitOperations.Log2(bytes) - _map.Pages.PageShift;

    /// <summary>Counts the tables of an image as taken.</summary>
    /// <param name="image">Where it is.</param>
    /// <param name="tables">Tables of this size in it.</param>
    public void Adopt(PhysRange image, long tables)
    {
        (_imageStart, _imageSize) = (image.Start.Value, image.Size.Value);
        _tables = tables;
        _pages = (long)((_imageSize + _map.Pages.PageSize - 1) >> _map.Pages.PageShift);
    }

    /// <summary>Takes a table, whose contents are not defined.</summary>
    /// <param name="cpu">Who asks.</param>
    /// <param name="table">Its physical address.</param>
    /// <returns>Its host address; null where there is no memory.</returns>
    public byte* TryTake(Cpu cpu, out ulong table)
    {
        var host = Volatile.Read(ref _keptCount) != 0 && TryTakeKept(out table) ? _memory.PointerTo(new PhysAddr(table), _bytes)
            : _parts == 1 ? TryTakeBlock(cpu, _order, out table) : TryTakePart(cpu, out table);
        if (host is not null)
            Interlocked.Increment(ref _tables);
        return host;
    }

    /// <summary>Gives a table back, which nothing points to any longer.</summary>
    public void Give(Cpu cpu, ulong table)
    {
        if (unchecked(table - _imageStart) < _imageSize)
            Keep(table);
        else if (_parts == 1)
            GiveBlock(cpu, table, _order);
        else
            GivePart(cpu, table);
        Interlocked.Decrement(ref _tables);
    }

    /// <summary>Takes a block of its own, for a root of another size.</summary>
    public byte* TryTakeBlock(Cpu cpu, int order, out ulong table)
    {
        table = 0;
        var page = cpu.AllocPages(_flags, order);
        if (page.IsNull)
            return null;
        table = _map.PageToPhys(page).Value;
        _map.SetFlags(page, PageFlags.Table);
        Interlocked.Add(ref _pages, 1L << order);
        return _memory.PointerTo(new PhysAddr(table), _map.Pages.PageSize << order);
    }

    /// <summary>Gives such a block back.</summary>
    public void GiveBlock(Cpu cpu, ulong table, int order)
    {
        var page = _map.PfnToPage(_map.Pages.ToFrame(new PhysAddr(table)));
        _map.ClearFlags(page, PageFlags.Table);
        cpu.FreePages(page, order);
        Interlocked.Add(ref _pages, -(1L << order));
    }

    private void Keep(ulong table)
    {
        lock (_sync)
        {
            _kept.Add(table);
            _keptCount = _kept.Count;
        }
    }

    private bool TryTakeKept(out ulong table)
    {
        lock (_sync)
        {
            table = 0;
            if (_kept.Count == 0)
                return false;
            table = _kept[^1];
            _kept.RemoveAt(_kept.Count - 1);
            _keptCount = _kept.Count;
            return true;
        }
    }

    private byte* TryTakePart(Cpu cpu, out ulong table)
    {
        lock (_sync)
        {
            if (_withRoom.Count == 0)
            {
                if (TryTakeBlock(cpu, 0, out table) is null)
                    return null;
                var fresh = _map.PfnToPage(_map.Pages.ToFrame(new PhysAddr(table)));
                _map.Descriptor(fresh).Private = 0;
                AddToRoom(fresh);
            }
            var page = _withRoom[^1];
            ref var descriptor = ref _map.Descriptor(page);
            var part = BitOperations.TrailingZeroCount(~descriptor.Private);
            descriptor.Private |= 1UL << part;
            if (BitOperations.PopCount(descriptor.Private) == _parts)
                RemoveFromRoom(page);
            table = _map.PageToPhys(page).Value + ((ulong)part * _bytes);
            return _memory.PointerTo(new PhysAddr(table), _bytes);
        }
    }

    private void GivePart(Cpu cpu, ulong table)
    {
        lock (_sync)
        {
            var page = _map.PfnToPage(_map.Pages.ToFrame(new PhysAddr(table)));
            ref var descriptor = ref _map.Descriptor(page);
            if (BitOperations.PopCount(descriptor.Private) == _parts)
                AddToRoom(page);
            descriptor.Private &= ~(1UL << (int)((table & (_map.Pages.PageSize - 1)) / _bytes));
            if (descriptor.Private != 0)
                return;
            RemoveFromRoom(page);
            GiveBlock(cpu, table & _map.Pages.PageMask, 0);
        }
    }

    private void AddToRoom(Page page)
    {
        _map.Descriptor(page).Mapping = (ulong)_withRoom.Count;
        _withRoom.Add(page);
    }

    private void RemoveFromRoom(Page page)
    {
        ref var descriptor = ref _map.Descriptor(page);
        var last = _withRoom[^1];
        _withRoom[(int)descriptor.Mapping] = last;
        _map.Descriptor(last).Mapping = descriptor.Mapping;
        _withRoom.RemoveAt(_withRoom.Count - 1);
        descriptor.Mapping = 0;
    }
}
