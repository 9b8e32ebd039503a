using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Conformance.Allocators;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>A booted board's page allocator: addresses are physical, of all zones, and no watermark holds, so that all memory can be had.</summary>
internal sealed class BoardPages : IAllocatorSubject
{
    // One for each thread of a load, and one for the rule itself.
    private const int Cpus = 8, CpusOfFew = 4;
    private const GfpFlags Flags = GfpFlags.HighMem | GfpFlags.Movable | GfpFlags.MemAlloc | GfpFlags.NoWarn;

    private readonly BootedMemory _memory;
    private readonly ThreadLocal<Cpu> _cpu;
    private readonly ConcurrentDictionary<ulong, int>? _taken;
    private int _threads;

    /// <summary>Boots, with all memory free.</summary>
    public BoardPages(MemoryLayout layout)
        : this(BootFor(layout, 0), isShared: false)
    {
    }

    /// <summary>Uses a booted board.</summary>
    /// <param name="memory">The board, booted with <see cref="BootFor"/>.</param>
    /// <param name="isShared">Whether it stays the caller's: what was taken goes back at the end, and nothing is promised about the order of its answers.</param>
    public BoardPages(BootedMemory memory, bool isShared)
    {
        _memory = memory;
        _taken = isShared ? [] : null;
        var layout = memory.Layout;
        _cpu = new ThreadLocal<Cpu>(() => _memory.Allocator.Cpus[Interlocked.Increment(ref _threads) % _memory.Allocator.Cpus.Count]);
        var page = layout.Pages.PageSize;
        Promises = AllocatorPromises.Buddy(page, LargestOrder(memory)) with { Zeroes = true, IsThreadSafe = true, RefusesBadFrees = true, IsDeterministic = !isShared };
        Arena = [.. FreeRam(layout).Select(r => new AddressSpan(r.Start.Value, r.Size.Value))];
    }

    /// <summary>Boots for a page allocator's rules.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="freePages">Free pages to leave, about; the rest is taken for good. 0 leaves all.</param>
    public static BootedMemory BootFor(MemoryLayout layout, int freePages)
    {
        var memory = BootedMemory.Boot(layout, new MemoryBootOptions { Pages = new PageAllocatorOptions { Cpus = freePages == 0 ? Cpus : CpusOfFew } });
        Hoard(memory, Flags, freePages);
        return memory;
    }

    /// <inheritdoc/>
    public AllocatorPromises Promises { get; }

    /// <inheritdoc/>
    public IReadOnlyList<AddressSpan> Arena { get; }

    /// <inheritdoc/>
    public ulong FreeBytes => FreePagesOf(_memory) * _memory.Layout.Pages.PageSize;

    /// <inheritdoc/>
    public ulong? Allocate(ulong bytes, bool zeroed)
    {
        var order = OrderOf(bytes);
        if (order > _memory.Map.MaxOrder)
            return null;
        var flags = Flags | (zeroed ? GfpFlags.Zero : GfpFlags.None);
        var page = _cpu.Value!.AllocPages(flags, order);
        if (page == Page.Null)
        {
            // As the kernel's slow way does before it gives up.
            _memory.Allocator.DrainAllPages();
            page = _cpu.Value!.AllocPages(flags, order);
        }
        if (page == Page.Null)
            return null;
        var address = _memory.Map.PageToPhys(page).Value;
        if (_taken is not null)
            _taken[address] = order;
        return address;
    }

    /// <inheritdoc/>
    public bool Free(ulong address, ulong bytes)
    {
        try
        {
            if (!_memory.Map.TryPfnToPage(_memory.Layout.Pages.ToFrame(new PhysAddr(address)), out var page))
                return false;
            // Off the list first: once it is free, another thread may have it.
            var wasTaken = _taken is not null && _taken.TryRemove(address, out _);
            try
            {
                _cpu.Value!.FreePages(page, OrderOf(bytes));
            }
            catch (PageErrorException) when (wasTaken)
            {
                _taken![address] = OrderOf(bytes);
                return false;
            }
            return true;
        }
        catch (PageErrorException)
        {
            return false;
        }
    }

    /// <inheritdoc/>
    public void Write(ulong address, ReadOnlySpan<byte> source) => _memory.Memory.Write(new PhysAddr(address), source);

    /// <inheritdoc/>
    public void Read(ulong address, Span<byte> destination) => _memory.Memory.Read(new PhysAddr(address), destination);

    /// <summary>The allocator's own look at itself.</summary>
    public void Verify() => _memory.Allocator.Verify();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_taken is null)
        {
            _memory.Dispose();
        }
        else
        {
            foreach (var (address, order) in _taken)
                Free(address, Promises.Smallest << order);
            _memory.Allocator.DrainAllPages();
        }
        _cpu.Dispose();
    }

    // The largest block that one zone has room for in what memblock handed over: a board with a few kilobytes has none of the buddy system's largest order.
    private static int LargestOrder(BootedMemory memory)
    {
        var pages = memory.Layout.Pages;
        bool Fits(PhysRange free, Zone zone, int order)
        {
            var size = pages.PageSize << order;
            var start = Alignment.Up(Math.Max(free.Start.Value, pages.ToAddress(zone.Start).Value), size);
            var end = Math.Min(free.End.Last, pages.ToAddress(zone.Start + (zone.Spanned - 1)).Value + pages.PageSize - 1);
            return end >= start && end - start >= size - 1;
        }
        var free = memory.Memblock.FreeRanges().Select(r => r.Range).ToList();
        var order = memory.Map.MaxOrder;
        while (order > 0 && !free.Any(range => memory.Layout.Zones.Any(zone => Fits(range, zone, order))))
            order--;
        return order;
    }

    /// <summary>RAM that the kernel may give out: its banks without what is set aside for good.</summary>
    internal static List<PhysRange> FreeRam(MemoryLayout layout)
    {
        var free = layout.Banks.Select(b => b.Range).ToList();
        foreach (var taken in layout.Reserved.Where(r => !r.Region.Reusable).Select(r => r.Range).Where(r => !r.IsEmpty))
        {
            free = [.. free.SelectMany(bank => new[]
            {
                PhysRange.FromBounds(bank.Start, taken.Start < bank.Start ? bank.Start.Value : bank.End < taken.Start.Value ? bank.End : taken.Start.Value),
                PhysRange.FromBounds(taken.End <= bank.Start.Value ? bank.Start : taken.End >= bank.End ? bank.Start : new PhysAddr(taken.End.Value), taken.End >= bank.End ? bank.Start.Value : bank.End),
            }.Select((part, i) => taken.Overlaps(bank) ? part : i == 0 ? bank : default)).Where(r => !r.IsEmpty)];
        }
        // Banks that touch are one arena: a block of the buddy system does not know where one ends.
        var joined = new List<PhysRange>();
        foreach (var range in free.OrderBy(r => r))
        {
            if (joined.Count > 0 && joined[^1].End == range.Start.Value)
                joined[^1] = PhysRange.FromBounds(joined[^1].Start, range.End);
            else
                joined.Add(range);
        }
        return joined;
    }

    internal static ulong FreePagesOf(BootedMemory memory)
    {
        var pages = 0L;
        foreach (var zone in memory.Allocator.Zones)
        {
            pages += zone.FreePages;
            foreach (var cpu in memory.Allocator.Cpus)
                pages += cpu.PagesInLists(zone);
        }
        return (ulong)pages;
    }

    /// <summary>Takes all of the largest blocks for good but as many as make <paramref name="freePages"/>, at least two; what is smaller stays free.</summary>
    internal static void Hoard(BootedMemory memory, GfpFlags flags, int freePages)
    {
        if (freePages == 0)
            return;
        var cpu = memory.Allocator.Cpus[0];
        var order = memory.Map.MaxOrder;
        var blocks = new List<Page>();
        for (Page block; (block = cpu.AllocPages(flags, order)) != Page.Null;)
            blocks.Add(block);
        foreach (var block in blocks.Take(Math.Max(2, freePages >> order)))
            cpu.FreePages(block, order);
    }

    private int OrderOf(ulong bytes) => bytes <= Promises.Smallest ? 0 : BitOperations.Log2(bytes - 1) + 1 - BitOperations.Log2(Promises.Smallest);
}
