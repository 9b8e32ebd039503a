using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Highmem;

/// <summary>Mappings of highmem pages that last (<c>kmap</c>): a small range of addresses that all CPUs share, and where there may be none left.</summary>
/// <remarks>
/// A page that is mapped already is only counted. An address whose last user has gone stays mapped until the search comes round to the start of the range: then all of
/// those are unmapped and invalidated together (<c>flush_all_zero_pkmaps</c>). Who finds none waits for a <see cref="Unmap"/>. Source: mm/highmem.c.
/// </remarks>
public sealed class PkMap
{
    private readonly IPageTables _tables;
    private readonly PageMap _map;
    private readonly PageProt _prot;
    private readonly ulong _page;
    private readonly object _sync = new();

    // As pkmap_count: 0 free, 1 mapped and without user, more by one for each user.
    private readonly int[] _counts;
    private readonly Page[] _pages;
    private readonly Dictionary<Page, int> _slots = [];
    private int _last;
    private int _waiting;

    /// <param name="tables">The kernel's tables.</param>
    /// <param name="map">The pages.</param>
    /// <param name="range">Its range (PKMAP_BASE, LAST_PKMAP pages).</param>
    /// <param name="prot">Attributes of kernel memory.</param>
    public PkMap(IPageTables tables, PageMap map, VirtRange range, PageProt prot)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(map);
        (_tables, _map, _prot, Range) = (tables, map, prot, range);
        _page = map.Pages.PageSize;
        _counts = new int[(int)Math.Min(range.Size.Value / _page, 1 << 20)];
        _pages = new Page[_counts.Length];
    }

    /// <summary>The range.</summary>
    public VirtRange Range { get; }

    /// <summary>Pages that can be mapped at a time (LAST_PKMAP).</summary>
    public int Limit => _counts.Length;

    /// <summary>Times that all mappings without a user were flushed.</summary>
    public long Flushes { get; private set; }

    /// <summary>Threads that wait.</summary>
    public int Waiting
    {
        get
        {
            lock (_sync)
                return _waiting;
        }
    }

    /// <summary>Maps a page, and waits until that is possible (<c>kmap</c>). A page of lowmem has its address already.</summary>
    /// <exception cref="KmapException">The CPU is atomic: it cannot wait.</exception>
    public VirtAddr Map(Cpu cpu, Page page)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (cpu.InAtomic)
            throw new KmapException($"kmap on CPU {cpu.Number}, which is atomic: kmap may sleep, use kmap_atomic.");
        if (_map.PageAddress(page) is { } low)
            return low;
        lock (_sync)
        {
            while (true)
            {
                if (TryMap(cpu, page) is { } address)
                    return address;
                _waiting++;
                Monitor.Wait(_sync);
                _waiting--;
            }
        }
    }

    /// <summary>Maps a page if that is possible at once.</summary>
    /// <returns>Its address; null where all addresses are in use.</returns>
    /// <exception cref="KmapException">There is no memory for a table, which a kernel has from boot on.</exception>
    public VirtAddr? TryMapNow(Cpu cpu, Page page)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (_map.PageAddress(page) is { } low)
            return low;
        lock (_sync)
            return TryMap(cpu, page);
    }

    /// <summary>Gives a mapping up (<c>kunmap</c>).</summary>
    /// <exception cref="KmapException">The page is not mapped.</exception>
    public void Unmap(Page page)
    {
        if (_map.PageAddress(page) is not null)
            return;
        lock (_sync)
        {
            if (!_slots.TryGetValue(page, out var slot) || _counts[slot] < 2)
                throw new KmapException($"kunmap of {page}, which is not mapped.");
            if (--_counts[slot] == 1)
                Monitor.PulseAll(_sync);
        }
    }

    /// <summary>Where a highmem page is mapped now; null where it is not (<c>page_address</c>).</summary>
    public VirtAddr? AddressOf(Page page)
    {
        lock (_sync)
            return _slots.TryGetValue(page, out var slot) ? AddressOf(slot) : null;
    }

    private VirtAddr AddressOf(int slot) => Range.Start + ((ulong)slot * _page);

    private VirtAddr? TryMap(Cpu cpu, Page page)
    {
        if (_slots.TryGetValue(page, out var slot))
        {
            _counts[slot]++;
            return AddressOf(slot);
        }
        for (var left = _counts.Length; left > 0; left--)
        {
            _last = (_last + 1) % _counts.Length;
            if (_last == 0)
            {
                // What was passed before may be free now.
                FlushUnused(cpu);
                left = _counts.Length;
            }
            if (_counts[_last] != 0)
                continue;
            var result = _tables.Map(cpu, AddressOf(_last), _map.PageToPhys(page), _page, _prot);
            if (!result.IsOk)
                throw new KmapException($"{page} cannot be mapped at {AddressOf(_last)}: {result}.");
            _slots.Add(page, _last);
            (_pages[_last], _counts[_last]) = (page, 2);
            return AddressOf(_last);
        }
        return null;
    }

    private void FlushUnused(Cpu cpu)
    {
        var gather = new TlbGather(cpu);
        for (var slot = 0; slot < _counts.Length; slot++)
        {
            if (_counts[slot] != 1)
                continue;
            _tables.Unmap(cpu, AddressOf(slot), _page, gather);
            _slots.Remove(_pages[slot]);
            (_pages[slot], _counts[slot]) = (Page.Null, 0);
        }
        Flushes++;
        gather.Finish();
    }
}
