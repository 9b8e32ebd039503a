using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>The object allocator of a board: SLAB, SLUB or SLOB, its caches, and kmalloc.</summary>
/// <remarks>
/// <para>Booted on a page allocator; slabs are its pages. Per page there are two bytes that say whose it is and a word that says what is free on it, both in
/// simulated RAM; the CPUs' arrays lie in host memory, as the per-CPU area of a kernel lies apart.</para>
/// <para>Source: mm/slab_common.c; which of the three and with what sizes follows from CONFIG_SLAB/SLUB/SLOB and the kernel's version.</para>
/// </remarks>
public sealed unsafe partial class ObjectAllocator : IDisposable, IReclaimer
{
    private static readonly byte* s_noObjects = (byte*)NativeMemory.AllocZeroed(PageOwner.MaxCaches, ObjectArray.Bytes);

    private readonly List<KmemCache> _caches = [];
    private readonly KmemCache?[] _byId = new KmemCache?[PageOwner.MaxCaches];
    private readonly Lock _sync = new();
    private readonly PhysicalMemory _memory;
    private readonly byte* _perCpu;
    private readonly MachineSizes _sizes;
    private readonly bool _merges;
    private KmemCache? _bitmaps;
    private bool _disposed;

    // What kfree reads.
    private byte* _ramBase;
    private nuint _ramSpan;
    private ushort* _ramOwners;
    private int _pageShift;

    private ObjectAllocator(MemoryLayout layout, PhysicalMemory memory, PageAllocator pages, ObjectAllocatorOptions options)
    {
        Pages = pages;
        _memory = memory;
        Kind = options.Kind ?? layout.Board.Policy.ObjectAllocator?.Value ?? ObjectAllocatorKind.Slub;
        Debugger = options.Debugger;
        Version = layout.Board.Policy.LinuxVersion?.Value ?? new LinuxVersion(6, 9);
        CpuIds = options.CpuIds ?? pages.Cpus.Count;
        _merges = options.Merge && Kind != ObjectAllocatorKind.Slob;
        _sizes = MachineSizes.Of(layout.Board.Architecture, Version, options);
        Ram = new RamWindow(memory, pages.Map);
        var bytes = (nuint)PageOwner.MaxCaches * ObjectArray.Bytes;
        _perCpu = (byte*)NativeMemory.AlignedAlloc(bytes * (nuint)pages.Cpus.Count, 128);
        NativeMemory.Clear(_perCpu, bytes * (nuint)pages.Cpus.Count);
        for (var i = 0; i < pages.Cpus.Count; i++)
        {
            var area = _perCpu + (bytes * (nuint)i);
            ((ObjectCpu*)area)->LastOwner = -1;
            pages.Cpus[i].Objects = area;
        }
        Debugger?.Attached(this);
        if (Kind == ObjectAllocatorKind.Slob)
            _slob = new Slob.SlobHeap(this);
        SetUpKmalloc();
        pages.RegisterReclaimer(this);
    }

    /// <summary>Boots the object allocator of a board.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="pages">Its page allocator; one object allocator at a time.</param>
    /// <param name="options">Choices; null for the kernel's.</param>
    /// <exception cref="InsufficientMemoryException">There is no memory for the allocator's own caches.</exception>
    public static ObjectAllocator Boot(MemoryLayout layout, PhysicalMemory memory, PageAllocator pages, ObjectAllocatorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(pages);
        return new ObjectAllocator(layout, memory, pages, options ?? new ObjectAllocatorOptions());
    }

    /// <summary>SLAB, SLUB or SLOB.</summary>
    public ObjectAllocatorKind Kind { get; }

    /// <summary>The page allocator below.</summary>
    public PageAllocator Pages { get; }

    /// <summary>Who looks at objects of caches with debug flags.</summary>
    public ObjectDebugger? Debugger { get; }

    /// <summary>The kernel whose rules apply.</summary>
    public LinuxVersion Version { get; }

    /// <summary>The caches, in the order in which they were made.</summary>
    public IReadOnlyList<KmemCache> Caches
    {
        get
        {
            lock (_sync)
                return _caches.ToArray();
        }
    }

    /// <summary>L1_CACHE_BYTES.</summary>
    public int CacheLineBytes => _sizes.CacheLine;

    /// <summary>Bytes of a page.</summary>
    public int PageSize => 1 << Ram.PageShift;

    /// <summary>What the kernel would print and go on: double frees, caches that cannot be made or destroyed. It must not use this allocator.</summary>
    public event Action<string>? Reported;

    internal RamWindow Ram { get; }

    internal int CpuIds { get; }

    internal MachineSizes Sizes => _sizes;

    internal PhysicalMemory Memory => _memory;

    internal int WordSize => _sizes.Word;

    /// <summary>Bitmaps of slabs that have more objects than their pages have bits.</summary>
    internal KmemCache BitmapCache
    {
        get
        {
            if (Volatile.Read(ref _bitmaps) is { } there)
                return there;
            lock (_sync)
                return _bitmaps ??= Make("kmem_cache_bitmap", ObjectLayout.Calculate(PageSize / 64, 8, SlabFlags.None, 8, 8, 8), SlabFlags.NoMerge, null, null, false);
        }
    }

    /// <summary>Pages of slabs whose cache has <see cref="SlabFlags.ReclaimAccount"/>: SReclaimable.</summary>
    public long ReclaimablePages => PagesOf(reclaimable: true);

    /// <summary>Pages of all other slabs, and of kmalloc's blocks: SUnreclaim.</summary>
    public long UnreclaimablePages => PagesOf(reclaimable: false) + Interlocked.Read(ref _blockPages);

    /// <summary>The board's address of a byte of simulated RAM.</summary>
    /// <param name="item">A host address, such as that of an object.</param>
    /// <returns>Null where it is not RAM of the linear map.</returns>
    public VirtAddr? AddressOf(void* item) => Ram.TryIndex(item, out var page) && Pages.Map.PageAddress(new Page(page)) is { } first
        ? new VirtAddr(first.Value + ((ulong)item & (ulong)(PageSize - 1)))
        : null;

    /// <summary>The host address of an address of the linear map; null where it has no RAM.</summary>
    public void* PointerTo(VirtAddr address)
    {
        try
        {
            return Ram.HostOf(Pages.Map.VirtToPage(address).Index) + (address.Value & (ulong)(PageSize - 1));
        }
        catch (PageErrorException)
        {
            return null;
        }
    }

    /// <summary>The page of an object (<c>virt_to_page</c>).</summary>
    /// <exception cref="PageErrorException">The address is not in simulated RAM.</exception>
    public Page PageOf(void* item) => Ram.TryIndex(item, out var page)
        ? new Page(page)
        : throw new PageErrorException(PageErrorKind.Hole, null, $"{(nuint)item:x} is no address of simulated RAM.");

    /// <summary>The slab that an address lies on.</summary>
    /// <returns>False where it is on none.</returns>
    public bool FindSlab(void* address, out SlabView slab)
    {
        slab = default;
        if (!Ram.TryIndex(address, out var page) || CacheOf(Ram.OwnerOf(page)) is not { } cache || !cache.HasSlabs)
            return false;
        slab = cache.Slabs.ViewOf(cache.Slabs.HeadOf(page));
        return true;
    }

    /// <summary>Gives the host memory of the CPUs' arrays back. Objects and their pages stay as they are; no cache may be used afterwards.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        Pages.UnregisterReclaimer(this);
        foreach (var cache in _caches.Append(_bitmaps).OfType<KmemCache>())
        {
            cache.References = 0;
            cache.TearDown();
        }
        foreach (var cpu in Pages.Cpus)
            cpu.Objects = s_noObjects;
        NativeMemory.AlignedFree(_perCpu);
        FreeKmallocTable();
    }

    internal KmemCache? CacheOf(int owner)
    {
        var id = owner & ~PageOwner.Small;
        return id is > 0 and < PageOwner.MaxCaches ? _byId[id] : null;
    }

    internal void Report(string message) => Reported?.Invoke(message);

    internal string Describe(void* item) => AddressOf(item)?.ToString() ?? $"host address 0x{(nuint)item:x}";

    internal void ReportDoubleFree(KmemCache cache, void* item) =>
        Report($"BUG {cache.Name}: Object already free: {Describe(item)}. It was in use twice since; nothing was changed.");

    internal void RefuseFree(Cpu cpu, KmemCache? named, int owner, void* item, AllocationSite site)
    {
        var actual = CacheOf(owner);
        if (Debugger is { } debugger && debugger.InvalidFree(cpu, named, actual, item, site))
            return;
        throw actual is not null && named is not null && actual != named
            ? new ObjectErrorException(ObjectErrorKind.WrongCache, $"{Describe(item)} is freed to {named.Name} at {site}, but is on a slab of {actual.Name}.")
            : new ObjectErrorException(ObjectErrorKind.NotAnObject, $"{Describe(item)} is freed at {site}, but is no object{(named is null ? "" : $" of {named.Name}")}.");
    }
}
