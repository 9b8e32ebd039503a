using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Pages;

/// <summary>The page descriptors of a board (<c>mem_map</c>): which frames have one, and the way between frames, addresses and descriptors.</summary>
/// <remarks>
/// <para>Flat: one array from the first frame, rounded down to the largest block as the kernel does, to the last. Sparse: one array per section that
/// holds memory; an absent section costs nothing. Descriptors are numbered without gaps over the present sections, so that what the allocator keeps per
/// frame or per block is one dense array in either model.</para>
/// <para>All of it lies in simulated RAM taken from memblock and is charged to it: a 24-byte descriptor, a state byte (<see cref="PageState"/>), its owner's number in
/// two bytes, and the zones' bitmaps: under 29 bytes a frame. That memory has to be zero, as fresh simulated RAM is: nothing is written at boot, however large the board.</para>
/// <para>Source: mm/sparse.c, include/asm-generic/memory_model.h.</para>
/// </remarks>
public sealed unsafe partial class PageMap
{
    private readonly PhysicalMemory _memory;
    private readonly LinearMap _linear;
    private readonly Section[] _sections;
    private readonly Dictionary<ulong, int>? _ordinals;
    private readonly List<Run> _ram = [];
    private readonly List<Run> _reserved = [];
    private readonly int _sectionShift;
    private readonly byte* _states;
    private readonly ushort* _owners;

    private PageMap(MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, int maxOrder)
    {
        _memory = memory;
        _linear = layout.Linear;
        Pages = layout.Pages;
        MaxOrder = maxOrder;
        Kind = layout.Model.Kind;
        _sections = Kind == MemoryModelKind.Sparse ? SparseSections(layout, maxOrder) : FlatSection(layout, maxOrder);
        _sectionShift = Kind == MemoryModelKind.Sparse ? layout.Model.SectionSizeBits - Pages.PageShift : 32;
        if (Kind == MemoryModelKind.Sparse)
        {
            _ordinals = new Dictionary<ulong, int>(_sections.Length);
            for (var i = 0; i < _sections.Length; i++)
                _ordinals.Add(_sections[i].FirstPfn >> _sectionShift, i);
        }
        var frames = 0UL;
        foreach (var section in _sections)
            frames += section.Frames;
        if (frames > uint.MaxValue - 1)
            throw new NotSupportedException($"The board has {frames} frames to describe; up to 2^32 - 2 are supported.");
        Frames = (uint)frames;
        _states = AllocateZeroed(memblock, Frames);
        _owners = (ushort*)AllocateZeroed(memblock, Frames * 2UL);
        for (var i = 0; i < _sections.Length; i++)
            _sections[i].Descriptors = (PageDescriptor*)AllocateZeroed(memblock, _sections[i].Frames * (ulong)sizeof(PageDescriptor));
        foreach (var bank in layout.Banks)
            AddRuns(_ram, WholeFrames(bank.Range));
    }

    /// <summary>The page size.</summary>
    public PageGeometry Pages { get; }

    /// <summary>The largest block's order, MAX_ORDER of new kernels (10 where MAX_ORDER of old ones is 11).</summary>
    public int MaxOrder { get; }

    /// <summary>Flat or sparse.</summary>
    public MemoryModelKind Kind { get; }

    /// <summary>Descriptors there are.</summary>
    public uint Frames { get; }

    /// <summary>Sections that are present; 1 for flat.</summary>
    public int Sections => _sections.Length;

    /// <summary>Bytes of simulated RAM that descriptors and the zones' bitmaps take.</summary>
    public ulong MetadataBytes { get; private set; }

    internal byte* States => _states;

    /// <summary>Who has each frame, for owners that find their page by an address they are given (<see cref="Slab.PageOwner"/>).</summary>
    internal ushort* Owners => _owners;

    /// <summary>log2 of the descriptors of a section; 32 for flat.</summary>
    internal int SectionShift => _sectionShift;

    /// <summary>Takes memory for the descriptors of a layout from memblock.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="memory">Its memory; free memory has to be zero.</param>
    /// <param name="memblock">Where the descriptors are charged; reserved regions are reserved.</param>
    /// <param name="maxOrder">The largest block's order, 6 to 13; null for the kernel's of that page size.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="maxOrder"/> is outside that range, or a block is larger than a section.</exception>
    /// <exception cref="InsufficientMemoryException">memblock has no free range for them.</exception>
    public static PageMap Create(MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, int? maxOrder = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(memblock);
        var order = maxOrder ?? DefaultMaxOrder(layout.Pages);
        ArgumentOutOfRangeException.ThrowIfLessThan(order, 6, nameof(maxOrder));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(order, 13, nameof(maxOrder));
        return new PageMap(layout, memory, memblock, order);
    }

    /// <summary>The kernel's largest order for a page size: 10 for 4 KiB, 11 for 16 KiB, 13 for 64 KiB (arch/arm64/Kconfig).</summary>
    public static int DefaultMaxOrder(PageGeometry pages) => BuddyGeometry.MaxOrder(pages);

    /// <summary>Takes zeroed memory for something that is kept per frame.</summary>
    internal byte* AllocateZeroed(Memblock.Memblock memblock, ulong bytes)
    {
        var size = Math.Max(bytes, 8);
        var at = memblock.Alloc(size, 64) ?? throw new InsufficientMemoryException($"memblock has no {size} free bytes in a row for page descriptors.");
        var host = _memory.PointerTo(at, size);
        if (host is null)
            throw new InsufficientMemoryException($"{at} is free memory to memblock, but {size} bytes of RAM are not there.");
        MetadataBytes += size;
        return host;
    }

    private static Section[] FlatSection(MemoryLayout layout, int maxOrder)
    {
        if (layout.Banks.IsEmpty)
            return [];
        var shift = layout.Pages.PageShift;
        var first = layout.Banks[0].Range.Start.Value >> shift >> maxOrder << maxOrder;
        var end = layout.Pages.PagesIn(layout.Banks[^1].Range.End);
        return [new Section { FirstPfn = first, Frames = end - first }];
    }

    private static Section[] SparseSections(MemoryLayout layout, int maxOrder)
    {
        var shift = layout.Model.SectionSizeBits - layout.Pages.PageShift;
        if (shift < maxOrder)
        {
            throw new ArgumentOutOfRangeException(
                nameof(maxOrder), maxOrder, $"A block of order {maxOrder} is larger than a section of 2^{layout.Model.SectionSizeBits} bytes (MAX_ORDER exceeds SECTION_SIZE).");
        }
        var sections = new Section[layout.Model.Sections.Length];
        var first = 0UL;
        for (var i = 0; i < sections.Length; i++, first += 1UL << shift)
            sections[i] = new Section { FirstPfn = layout.Model.Sections[i].Number << shift, Frames = 1UL << shift, FirstIndex = first };
        return sections;
    }

    private (ulong First, ulong End) WholeFrames(PhysRange range)
    {
        var first = (range.Start.Value >> Pages.PageShift) + ((range.Start.Value & (Pages.PageSize - 1)) != 0 ? 1UL : 0);
        return (first, Math.Max(first, Pages.PagesIn(range.End)));
    }

    private struct Section
    {
        public ulong FirstPfn;
        public ulong FirstIndex;
        public ulong Frames;
        public PageDescriptor* Descriptors;
    }

    /// <summary>Frames in a row, by descriptor number.</summary>
    internal readonly record struct Run(uint First, uint End);
}
