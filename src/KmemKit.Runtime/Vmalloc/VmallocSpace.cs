using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Numerics;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Vmalloc;

/// <summary>Memory that is in a row for the CPU and anywhere in RAM: vmalloc, vmap, and the areas that ioremap uses.</summary>
/// <remarks>
/// <para>vmalloc goes through the three stages of the kernel: an area of virtual addresses with a guard page behind it; pages, one at a time from wherever they
/// are, highmem included; then the mapping. What fails in one stage takes the stages before it back.</para>
/// <para>vfree unmaps at once, gives the pages back at once, and leaves the translations in the TLBs until enough of them wait (<see cref="LazyBytes"/>) or addresses
/// run out: then all are invalidated together (<see cref="Purge"/>). A use of freed memory may therefore still reach it, as in the kernel; with
/// <see cref="Tlb.TlbDomain.Watch"/> on it is reported.</para>
/// <para>Thread-safe, with a CPU of its own for each thread. Source: mm/vmalloc.c.</para>
/// </remarks>
public sealed class VmallocSpace
{
    private readonly IPageTables _tables;
    private readonly PageMap _map;
    private readonly VmAreaAllocator _areas;
    private readonly Lock _purging = new();
    private readonly ulong _page;
    private readonly ulong _hugeBytes;
    private readonly PageProt _kernel;
    private readonly PageProt _kernelPages;
    private long _pages;

    /// <summary>The vmalloc range of a kernel.</summary>
    /// <param name="tables">The kernel's tables.</param>
    /// <param name="allocator">Where pages come from.</param>
    /// <param name="ranges">Its pieces, by page.</param>
    /// <param name="hugeBytes">Bytes of the leaf that huge areas use; a page for none.</param>
    public VmallocSpace(IPageTables tables, PageAllocator allocator, IEnumerable<VirtRange> ranges, ulong hugeBytes)
    {
        ArgumentNullException.ThrowIfNull(tables);
        ArgumentNullException.ThrowIfNull(allocator);
        ArgumentNullException.ThrowIfNull(ranges);
        _tables = tables;
        _map = allocator.Map;
        _page = _map.Pages.PageSize;
        _hugeBytes = Math.Max(hugeBytes, _page);
        Ranges = [.. ranges];
        _areas = new VmAreaAllocator(Ranges);
        Allocator = allocator;
        // lazy_max_pages: 32 MiB for each doubling of the CPUs, in the simulated machine no more than a quarter of the range.
        var cpus = BitOperations.Log2((uint)Math.Max(1, allocator.Cpus.Count)) + 1;
        LazyBytes = Math.Min((ulong)cpus * (32UL << 20), _areas.TotalBytes / 4);
        _kernel = ProtOf(MemoryUse.Cached, _hugeBytes);
        _kernelPages = ProtOf(MemoryUse.Cached, _page);
    }

    /// <summary>The pieces of the range.</summary>
    public ImmutableArray<VirtRange> Ranges { get; }

    /// <summary>Where pages come from.</summary>
    public PageAllocator Allocator { get; }

    /// <summary>Bytes that may wait for their invalidation (lazy_max_pages).</summary>
    public ulong LazyBytes { get; set; }

    /// <summary>Bytes that wait.</summary>
    public ulong WaitingBytes => _areas.RetiredBytes;

    /// <summary>Pages that vmalloc has (VmallocUsed from 5.3 on).</summary>
    public long PageCount => Interlocked.Read(ref _pages);

    /// <summary>Bytes of the range (VmallocTotal).</summary>
    public ulong TotalBytes => _areas.TotalBytes;

    /// <summary>The largest free stretch (VmallocChunk).</summary>
    public ulong LargestFree => _areas.LargestFree;

    /// <summary>The areas in use, by address.</summary>
    public IReadOnlyList<VmArea> Areas => _areas.Areas();

    /// <summary>Allocates memory that is in a row for the CPU (<c>vmalloc</c>).</summary>
    /// <param name="cpu">The CPU that asks.</param>
    /// <param name="size">Bytes; rounded up to pages.</param>
    /// <param name="flags">Null for GFP_KERNEL with highmem. With <see cref="GfpFlags.Zero"/> it is zeroed (<c>vzalloc</c>).</param>
    /// <param name="huge">Whether large leaves are used where a whole one fits (<c>vmalloc_huge</c>).</param>
    /// <param name="caller">Who asks, for <c>/proc/vmallocinfo</c>.</param>
    /// <returns>Its first address; null where there is no memory or no stretch of addresses.</returns>
    /// <exception cref="VmallocException">The size is 0, or more than all memory.</exception>
    public VirtAddr? Vmalloc(Cpu cpu, ulong size, GfpFlags? flags = null, bool huge = false, string caller = "vmalloc")
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var bytes = RoundUp(size);
        if (bytes / _page > Allocator.TotalPages)
            throw new VmallocException(VmallocErrorKind.BadSize, default, $"vmalloc of {size} bytes: more than all memory.");
        var gfp = flags ?? (GfpFlags.Kernel | GfpFlags.HighMem);
        var order = huge && bytes >= _hugeBytes ? BitOperations.Log2(_hugeBytes / _page) : 0;
        if (order > 0 && TryAllocate(cpu, RoundUpTo(bytes, _hugeBytes), order, gfp, caller) is { } large)
            return large;
        return TryAllocate(cpu, bytes, 0, gfp, caller);
    }

    /// <summary>Frees what <see cref="Vmalloc"/> gave (<c>vfree</c>).</summary>
    /// <exception cref="VmallocException">It did not give that address, or it was freed already.</exception>
    public void Vfree(Cpu cpu, VirtAddr address)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var area = Withdraw(address, VmAreaFlags.Alloc, "vfree");
        UnmapLazily(cpu, area);
        Release(cpu, area.Pages, area.PageOrder);
        Interlocked.Add(ref _pages, -area.Pages.Length);
    }

    /// <summary>Maps pages that the caller has in a row (<c>vmap</c>).</summary>
    /// <param name="cpu">The CPU that asks.</param>
    /// <param name="pages">The pages, which stay the caller's; each as often as it likes.</param>
    /// <param name="use">The memory type's use.</param>
    /// <param name="caller">Who asks.</param>
    /// <returns>Its first address; null where there is no memory for tables or no stretch of addresses.</returns>
    /// <exception cref="VmallocException">There is no page.</exception>
    public VirtAddr? Vmap(Cpu cpu, ReadOnlySpan<Page> pages, MemoryUse use = MemoryUse.Cached, string caller = "vmap")
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var bytes = RoundUp((ulong)pages.Length * _page);
        var area = TakeArea(cpu, bytes, _page, VmAreaFlags.Map, caller);
        if (area is null)
            return null;
        area.Pages = [.. pages];
        return TryMapPages(cpu, area, bytes, 0, use == MemoryUse.Cached ? _kernelPages : ProtOf(use, _page)) ? area.Start : null;
    }

    /// <summary>Takes away what <see cref="Vmap"/> mapped (<c>vunmap</c>); the pages stay the caller's.</summary>
    /// <exception cref="VmallocException">It did not map that address.</exception>
    public void Vunmap(Cpu cpu, VirtAddr address)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        UnmapLazily(cpu, Withdraw(address, VmAreaFlags.Map, "vunmap"));
    }

    /// <summary>The page behind an address (<c>vmalloc_to_page</c>): what virt_to_page cannot say, as the pages are not in a row.</summary>
    /// <returns>The null page where nothing is mapped, or no RAM.</returns>
    public Page VmallocToPage(VirtAddr address)
    {
        if (!Contains(address) || !_tables.TryTranslate(address, out var output))
            return Page.Null;
        return _map.TryPfnToPage(_map.Pages.ToFrame(output), out var page) ? page : Page.Null;
    }

    /// <summary>Whether an address is in the vmalloc range (<c>is_vmalloc_addr</c>).</summary>
    public bool Contains(VirtAddr address)
    {
        foreach (var range in Ranges)
        {
            if (range.Contains(address))
                return true;
        }
        return false;
    }

    /// <summary>The area that an address lies in (<c>find_vm_area</c>); null where none does.</summary>
    public VmArea? FindArea(VirtAddr address) => _areas.Find(address);

    /// <summary>Invalidates what waits, and makes its addresses usable again (<c>vm_unmap_aliases</c>).</summary>
    public void Purge(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        lock (_purging)
        {
            var retired = _areas.TakeRetired();
            if (retired.Count == 0)
                return;
            var (first, last) = (ulong.MaxValue, 0UL);
            foreach (var area in retired)
            {
                first = Math.Min(first, area.Start.Value);
                last = Math.Max(last, area.Start.Value + (area.Size - 1));
            }
            _tables.Domain.Invalidate(Tlb.TlbScope.Range(new VirtAddr(first), new VirtAddr(last), null, globals: true));
            // Tables go while nobody can have the addresses yet.
            foreach (var area in retired)
                _tables.ReclaimTables(cpu, new VirtRange(area.Start, area.Size));
            foreach (var area in retired)
                _areas.GiveBack(area);
        }
    }

    /// <summary>Takes addresses that are mapped already when the kernel starts (<c>vm_area_add_early</c>, <c>iotable_init</c>): nothing else is put there.</summary>
    /// <returns>False where they are not all free addresses of the range.</returns>
    internal bool TryRegister(VirtRange range, PhysAddr phys, MemoryType type, string caller)
    {
        if (_areas.TryTakeAt(range.Start.Value, range.Size.Value, VmAreaFlags.Ioremap | VmAreaFlags.NoGuard, caller) is not { } area)
            return false;
        (area.Mapped, area.Phys, area.MemoryType) = (range.Size.Value, phys, type);
        return true;
    }

    internal PageProt ProtOf(MemoryUse use, ulong largest)
    {
        var type = _tables.TypeFor(use);
        var attributes = _tables.Canonical(
            new PageAttributes(AccessRights.ReadWrite, AccessRights.None, type, type.IsNormal() ? Shareability.Inner : Shareability.None) { IsDirty = true });
        // Where execution cannot be withheld from what is read, as in two-level x86, all of it can be executed.
        if (_tables.TryProt(attributes, out var prot, largest) == EncodingRefusal.None)
            return prot!;
        var refusal = _tables.TryProt(attributes with { Privileged = AccessRights.All }, out prot, largest);
        return prot ?? throw new NotSupportedException($"The kernel's tables cannot say {attributes}: {refusal}.");
    }

    // The first stage. When addresses run out, those that wait are made usable.
    internal VmArea? TakeArea(Cpu cpu, ulong bytes, ulong alignment, VmAreaFlags flags, string caller)
    {
        var size = checked(bytes + _page);
        var area = _areas.TryTake(size, alignment, flags, caller);
        if (area is null && _areas.RetiredBytes != 0)
        {
            Purge(cpu);
            area = _areas.TryTake(size, alignment, flags, caller);
        }
        return area;
    }

    internal VmArea Withdraw(VirtAddr address, VmAreaFlags kind, string what)
    {
        var area = _areas.Withdraw(address, found => (found.Flags & kind) != 0)
            ?? throw new VmallocException(VmallocErrorKind.NoArea, address, $"{what} of {address}: no area is there. It was never allocated, or freed already.");
        if (area.Start != address)
            throw new VmallocException(VmallocErrorKind.NoArea, address, $"{what} of {address}: the area of {area.Caller} starts at {area.Start}.");
        return (area.Flags & kind) != 0
            ? area
            : throw new VmallocException(VmallocErrorKind.WrongKind, address, $"{what} of {address}: it is {area.Flags} of {area.Caller}.");
    }

    internal void UnmapLazily(Cpu cpu, VmArea area)
    {
        var result = area.Mapped == 0 ? default : _tables.UnmapOnly(cpu, area.Start, area.Mapped);
        if (!result.IsOk)
            throw new InvalidOperationException($"The tables do not have what the area of {area.Caller} at {area.Start} mapped: {result}.");
        if (_areas.Retire(area) > LazyBytes)
            Purge(cpu);
    }

    internal void Drop(VmArea area) => _areas.GiveBack(_areas.Withdraw(area.Start, _ => true)!);

    private ulong RoundUp(ulong size)
    {
        if (size == 0 || size > ulong.MaxValue - (2 * _page))
            throw new VmallocException(VmallocErrorKind.BadSize, default, $"An area of {size} bytes.");
        return RoundUpTo(size, _page);
    }

    private static ulong RoundUpTo(ulong size, ulong unit) => (size + (unit - 1)) & ~(unit - 1);

    private VirtAddr? TryAllocate(Cpu cpu, ulong bytes, int order, GfpFlags gfp, string caller)
    {
        var kind = VmAreaFlags.Alloc | (order > 0 ? VmAreaFlags.AllowHuge : 0);
        var area = TakeArea(cpu, bytes, _page << order, kind, caller);
        if (area is null)
            return null;
        var blocks = (int)(bytes / (_page << order));
        var pages = ImmutableArray.CreateBuilder<Page>(blocks);
        for (var i = 0; i < blocks; i++)
        {
            var page = cpu.AllocPages(order > 0 ? gfp | GfpFlags.NoWarn | GfpFlags.NoRetry : gfp, order);
            if (page.IsNull)
            {
                Release(cpu, pages.ToImmutable(), order);
                Drop(area);
                return null;
            }
            pages.Add(page);
        }
        area.Pages = pages.MoveToImmutable();
        area.PageOrder = order;
        if (!TryMapPages(cpu, area, bytes, order, order > 0 ? _kernel : _kernelPages))
        {
            Release(cpu, area.Pages, order);
            return null;
        }
        Interlocked.Add(ref _pages, area.Pages.Length);
        return area.Start;
    }

    // The third stage; pages in a row are mapped together. On failure the area is dropped.
    private bool TryMapPages(Cpu cpu, VmArea area, ulong bytes, int order, PageProt prot)
    {
        var each = _page << order;
        area.MemoryType = prot.Attributes.Memory;
        for (var done = 0; done < area.Pages.Length;)
        {
            var phys = _map.PageToPhys(area.Pages[done]);
            var run = 1;
            while (done + run < area.Pages.Length && _map.PageToPhys(area.Pages[done + run]).Value == phys.Value + ((ulong)run * each))
                run++;
            var at = area.Start + ((ulong)done * each);
            if (!_tables.Map(cpu, at, phys, (ulong)run * each, prot).IsOk)
            {
                if (done != 0)
                    _tables.Unmap(cpu, area.Start, (ulong)done * each);
                Drop(area);
                return false;
            }
            done += run;
        }
        area.Mapped = bytes;
        return true;
    }

    private static void Release(Cpu cpu, ImmutableArray<Page> pages, int order)
    {
        foreach (var page in pages)
            cpu.FreePages(page, order);
    }
}
