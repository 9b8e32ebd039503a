using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Boot.Log;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>A board's memory, taken through the kernel's boot up to the point where all free memory is with the page allocator.</summary>
/// <remarks>
/// <para>The order is that of <c>start_kernel</c>: RAM and bus; memblock from the layout; the image and fixed places reserved; vectors, zero page and node
/// data allocated (paging_init); page descriptors (free_area_init); zonelists; hash tables; then <c>mem_init</c> gives what is free to the buddy
/// allocator and prints the <c>Memory:</c> line. Everything taken on the way lies in simulated RAM and is missing from the free memory.</para>
/// <para>Source: init/main.c, mm/mm_init.c, arch/arm/kernel/setup.c.</para>
/// </remarks>
public sealed class BootedMemory : IDisposable
{
    private ObjectAllocator? _objects;

    private BootedMemory(
        MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, PageMap map, PageAllocator allocator, BootStatistics statistics)
    {
        Layout = layout;
        Memory = memory;
        Memblock = memblock;
        Map = map;
        Allocator = allocator;
        Statistics = statistics;
    }

    /// <summary>The board's layout.</summary>
    public MemoryLayout Layout { get; }

    /// <summary>RAM, devices, resources.</summary>
    public PhysicalMemory Memory { get; }

    /// <summary>The memory map of early boot, released.</summary>
    public Memblock.Memblock Memblock { get; }

    /// <summary>The page descriptors.</summary>
    public PageMap Map { get; }

    /// <summary>The page allocator.</summary>
    public PageAllocator Allocator { get; }

    /// <summary>What the boot log's lines say.</summary>
    public BootStatistics Statistics { get; }

    /// <summary>Pages that other parts of the kernel hold; they count themselves in here, and the /proc texts show them.</summary>
    public MemoryUse Use { get; set; } = MemoryUse.None;

    /// <summary>Boots the board of a compilation.</summary>
    /// <exception cref="ArgumentException">It has no layout.</exception>
    /// <exception cref="MemoryBootException">Its memory cannot be booted.</exception>
    public static BootedMemory Boot(BoardCompilation compilation, MemoryBootOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(compilation);
        return compilation.Layout is { } layout
            ? Boot(layout, options)
            : throw new ArgumentException($"{compilation.Name} has no layout: {string.Join("; ", compilation.Diagnostics)}", nameof(compilation));
    }

    /// <summary>Boots a layout.</summary>
    /// <exception cref="MemoryBootException">
    /// Its memory cannot be booted: too little for the kernel's own things, or more than this host or build can hold.
    /// </exception>
    public static BootedMemory Boot(MemoryLayout layout, MemoryBootOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        PhysicalMemory? memory = null;
        try
        {
            memory = PhysicalMemory.Create(layout, options?.SharedRam ?? false);
            return Run(layout, memory, options ?? new MemoryBootOptions());
        }
        catch (Exception exception)
        {
            memory?.Dispose();
            if (exception is PhysicalMemoryException or InsufficientMemoryException or NotSupportedException or ArgumentOutOfRangeException
                or KmemKit.Runtime.Memblock.MemblockException)
            {
                throw new MemoryBootException(FirstLine(exception.Message), exception);
            }
            throw;
        }
    }

    /// <summary>The boot log: each line without newline.</summary>
    public ImmutableArray<string> LogLines() => BootLog.Lines(Statistics, Layout);

    /// <summary>The memory of the kernel's <c>/proc</c>.</summary>
    public ProcFiles Proc => new(this);

    /// <summary>
    /// The object allocator that the policy chooses, booted when it is first asked for (<c>kmem_cache_init</c>): before the first object it takes no page, so that the
    /// free memory of a fresh board is the same with it and without.
    /// </summary>
    public ObjectAllocator Objects => _objects ??= ObjectAllocator.Boot(Layout, Memory, Allocator, ObjectOptions);

    private ObjectAllocatorOptions? ObjectOptions { get; init; }

    /// <summary>What other parts of the kernel hold, slabs included.</summary>
    internal MemoryUse UseNow => _objects?.AddTo(Use) ?? Use;

    /// <summary>Gives host memory back; nothing of it may be used afterwards.</summary>
    public void Dispose()
    {
        _objects?.Dispose();
        Allocator.Dispose();
        Memory.Dispose();
    }

    private static BootedMemory Run(MemoryLayout layout, PhysicalMemory memory, MemoryBootOptions options)
    {
        var build = options.Pages.Build ?? KernelBuild.Of(layout);
        var memblock = KmemKit.Runtime.Memblock.Memblock.FromLayout(layout);
        var regions = BootPlan.Regions(memblock, build);
        var early = new EarlyAllocations(layout, build, memblock, memory, options.InPlace);
        early.ReserveFixed();
        early.AllocateForPaging();
        var estimate = BootEstimate.Of(layout, build, BootPlan.DmaReserve(memblock, build));
        var map = PageMap.Create(layout, memory, memblock, options.MaxOrder);
        var nodes = layout.Zones.Select(static zone => zone.Node).Distinct().Count();
        var hashesAreEarly = BootPlan.HashesAreEarly(build, nodes);
        var hashes = new List<SystemHash>();
        foreach (var request in BootPlan.HashRequests(build))
        {
            var hash = LargeSystemHash.Size(request, estimate.KernelPages, estimate.AllPages, build);
            // pidhash is always early; what comes later is vmalloc's.
            hashes.Add(hashesAreEarly || request.Name == "PID" ? early.Allocate(hash) : hash);
        }
        var allocator = PageAllocator.Boot(layout, memory, memblock, map, options.Pages with { Build = build });
        return new BootedMemory(layout, memory, memblock, map, allocator, new BootStatistics
        {
            Build = build,
            CommandLine = layout.Board.Policy.Bootargs.Text,
            ZoneRanges = BootPlan.ZoneRanges(layout, build),
            MovableStarts = BootPlan.MovableStarts(layout),
            Regions = regions,
            Unavailable = UnavailableRanges.Find(layout, build, regions, allocator.PageBlockOrder),
            Estimate = estimate,
            IsMobilityGrouped = allocator.IsMobilityGrouped,
            Hashes = [.. hashes],
            HashesAreEarly = hashesAreEarly,
            Image = KernelImage.Of(layout.Board.Policy),
            Balance = Balance(layout, allocator),
            Early = [.. early.Done],
            DescriptorBytes = map.MetadataBytes,
        })
        {
            ObjectOptions = options.Objects,
        };
    }

    // Nothing was allocated yet. Contiguous areas are given back behind the Memory: line, which is printed before (cma_init_reserved_areas).
    private static MemoryBalance Balance(MemoryLayout layout, PageAllocator allocator)
    {
        ulong present = 0, available = 0, cma = 0, high = 0, end = 0;
        foreach (var zone in allocator.Zones)
        {
            var lent = zone.CmaPages;
            present += zone.PresentPages;
            available += zone.ManagedPages - lent;
            cma += lent;
            high += zone.Type == ZoneType.HighMem ? zone.ManagedPages - lent : 0;
            end = Math.Max(end, (zone.Start + zone.SpannedPages).Number);
        }
        var taken = RamPlan.NoMapRam(layout).Aggregate(0UL, (sum, range) => sum + layout.Pages.PagesIn(range.Size));
        return new MemoryBalance(present, available, cma, high, taken, end);
    }

    private static string FirstLine(string text) => text.Split('\n')[0].Trim();
}
