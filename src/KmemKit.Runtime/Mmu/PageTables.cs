using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>One tree of translation tables in simulated RAM, changed at run time: what a TTBR, CR3 or satp points to.</summary>
/// <remarks>
/// <para><b>Who may do what at once.</b> Any number of threads may change the tree at the same time as long as their ranges are disjoint; they do not wait for each
/// other. A missing table is put in with a compare-and-swap, a table is taken out only by an operation whose range has all of the table's addresses, and nothing is
/// counted per table. Threads that change the same addresses need a lock of their own, as callers of the kernel's functions do.</para>
/// <para><b>All or nothing.</b> An operation first looks at its whole range and takes the tables that it will need; from then on it cannot fail.</para>
/// <para><b>Cost.</b> What is done per page is a store, in vectors where the format's descriptors count up; all else is done once per table. A table that is filled
/// as a whole is filled before it is linked, and not cleared first; one that is unmapped as a whole is unlinked and given back as it is.</para>
/// <para><b>Invalidation.</b> Operations that change or remove translations tell the <see cref="TlbDomain"/> themselves, once for the range, unless the caller gathers
/// (<see cref="TlbGather"/>). Where the architecture demands break-before-make, they do so (<see cref="BreakBeforeMake"/>).</para>
/// </remarks>
/// <typeparam name="TFormat">The format.</typeparam>
public sealed unsafe partial class PageTables<TFormat> : IPageTables
    where TFormat : struct, ITranslationFormat
{
    /// <summary>Order of a root that no allocator gave.</summary>
    internal const int NotOfTheAllocator = -1;

    private readonly TFormat _format;
    private WalkStart _start;
    private TableWindow _window;
    private readonly ulong _pageMask;
    private readonly ulong _fewPages;
    private readonly ulong _addressMask;
    private readonly ulong _pageBits;
    private ulong _knownPage;
    private ulong _singlePage;
    private readonly ulong _firstLow;
    private readonly ulong _lastLow;
    private readonly ulong _firstHigh;
    private readonly ulong _lastOutput;
    private readonly PhysicalMemory _memory;
    private readonly TableAllocator _tables;
    private readonly LeafShape[] _shapes;
    private readonly LeafShape _pageShape;
    private readonly ulong _tableBits;
    private readonly UsualTable _usualTable;
    private UsualTables _usualTables;
    private readonly string _name;
    private readonly int _rootOrder;
    private readonly ulong[] _lastOutputs;
    private readonly int _largestShift;
    private readonly int _lastEntries;
    private readonly bool _breaks;

    internal PageTables(TFormat format, PageMap map, PhysicalMemory memory, TlbDomain domain, TableAllocator tables, ulong root, int rootOrder)
    {
        _format = format;
        _memory = memory;
        _tables = tables;
        _rootOrder = rootOrder;
        Domain = domain;
        Pages = map.Pages;
        Root = new PhysAddr(root);
        _shapes = [.. format.Shapes];
        _pageShape = _shapes[0];
        _tableBits = UsualTable.BitsOf(format);
        _usualTable = format.TryEncodeTable(0, format.RootLevel, default, out var table) == EncodingRefusal.None
            ? UsualTable.Of(format, _tableBits, table)
            : UsualTable.None;
        _lastOutputs = Array.ConvertAll(_shapes, shape => LastOutputOf(format, shape));
        _lastOutput = _lastOutputs[0];
        _knownPage = _singlePage = SomePage(format, _pageShape);
        _fewPages = (_shapes.Length > 1 ? _shapes[1].Bytes : 1UL << format.PageShift << format.IndexBits(format.LastLevel)) - 1;
        _lastEntries = format.TableEntries(format.LastLevel);
        _window = new TableWindow(memory).Within(format.OutputBits);
        _start = WalkStart.Of(format).At(format, root, _window);
        _usualTables = UsualTables.Of(format, _window);
        if (!_usualTables.Learn(format, _tableBits, table))
            _usualTables.Close();
        memory.Disposing += () =>
        {
            _window.Close();
            _start.Close();
        };
        _largestShift = BitOperations.Log2(_shapes[^1].Bytes);
        // One text object a format, so that attributes are known to be encoded for it by comparing references.
        _name = string.Intern(format.Name);
        _pageMask = (1UL << format.PageShift) - 1;
        _addressMask = format.OutputField(_lastOutput & ~_pageMask, _pageShape);
        _pageBits = ~_addressMask;
        _breaks = BreakBeforeMake.IsDemandedBy(format);
        var ranges = format.InputRanges;
        (_firstLow, _lastLow) = (ranges[0].Start.Value, ranges[0].Last.Value);
        _firstHigh = ranges[^1].Start.Value;
        LastHigh = ranges[^1].Last.Value;
    }

    /// <summary>The format.</summary>
    public TFormat Format => _format;

    /// <summary>Physical address of the root table.</summary>
    public PhysAddr Root { get; }

    /// <summary>The TLBs that hear of changes.</summary>
    public TlbDomain Domain { get; }

    /// <summary>The kernel's pages; the format's smallest may be of another size.</summary>
    public PageGeometry Pages { get; }

    /// <summary>The address space whose translations these are (ASID, PCID).</summary>
    public ushort Asid { get; set; }

    /// <summary>The guest whose translations these are (VMID).</summary>
    public ushort Vmid { get; set; }

    /// <summary>Whether all address spaces share the tree, as they do the kernel's: its invalidations then reach all of them.</summary>
    public bool IsShared { get; init; } = true;

    /// <summary>Tables below the root.</summary>
    public long TableCount => _tables.Tables;

    /// <summary>Pages that all tables take, the root included.</summary>
    public long TablePages => _tables.Pages;

    private ulong LastHigh { get; }

    // Asked for each time: where the memory is gone, that is an exception and not a crash.
    private byte* RootTable => Host(Root.Value);

    /// <summary>Encodes attributes for every size of leaf that can have them.</summary>
    /// <param name="attributes">The attributes.</param>
    /// <param name="prot">What <see cref="Map"/> and <see cref="Protect"/> take; null if refused.</param>
    /// <param name="largestLeaf">No leaf has more bytes than this.</param>
    /// <returns>Why the smallest page cannot have them.</returns>
    public EncodingRefusal TryProt(in PageAttributes attributes, out PageProt? prot, ulong largestLeaf = ulong.MaxValue)
    {
        prot = null;
        var above = _format.TableFor(attributes, _shapes[0]);
        var refused = _format.TryEncodeTable(0, _format.RootLevel, above, out var link);
        if (refused != EncodingRefusal.None)
            return refused;
        var made = new PageProt(attributes, _name, above, _format.Limits(link, _format.RootLevel), largestLeaf);
        for (var i = 0; i < _shapes.Length && i < PageProt.MaxShapes; i++)
        {
            var refusal = _format.TryEncodeLeaf(0, attributes, _shapes[i], out var descriptor);
            if (i == 0 && refusal != EncodingRefusal.None)
                return refusal;
            // A size that cannot say them is not used.
            made[i] = refusal == EncodingRefusal.None ? descriptor : 0;
        }
        prot = made;
        return EncodingRefusal.None;
    }

    /// <summary>Encodes attributes for every size of leaf that can have them.</summary>
    /// <exception cref="ArgumentException">The format cannot say them.</exception>
    public PageProt Prot(in PageAttributes attributes, ulong largestLeaf = ulong.MaxValue)
    {
        var refusal = TryProt(attributes, out var prot, largestLeaf);
        return prot ?? throw new ArgumentException($"{_format.Name} cannot say {attributes}: {refusal}.", nameof(attributes));
    }

    /// <summary>Where an address is mapped.</summary>
    /// <param name="address">The address.</param>
    /// <param name="output">The physical address of that byte.</param>
    /// <returns>False where nothing is mapped.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTranslate(VirtAddr address, out PhysAddr output)
    {
        var virt = address.Value;
        if (UsualWalk.TryRead(_format, _usualTables, _start, virt, out var descriptor))
        {
            // What is left where that is nothing but a page's address.
            var page = descriptor ^ _knownPage;
            if ((page & _pageBits) == 0)
            {
                if (!UsualTables.IsPlain(_format))
                    page = _format.LeafAddress(descriptor, _format.LastLevel);
                output = new PhysAddr(page | (virt & ((1UL << _format.PageShift) - 1)));
                return true;
            }
        }
        var found = TranslateBelowOthers(virt);
        output = found.GetValueOrDefault();
        return found.HasValue;
    }

    // Tables that are not like the usual ones: those of the way are from now on.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private PhysAddr? TranslateBelowOthers(ulong virt)
    {
        var descent = default(LastTable);
        if (StraightWalk.TryReach(_format, _window, _start, virt, ref descent, out var slot))
        {
            if (_usualTables.Count != 0 && !_usualTables.IsOf(_format, descent.Descriptor))
                _usualTables.Learn(_format, _tableBits, descent.Descriptor);
            var descriptor = StraightWalk.Read(_format, slot);
            if (((descriptor ^ _knownPage) & _pageBits) == 0)
                return new PhysAddr(_format.LeafAddress(descriptor, _format.LastLevel) | (virt & ((1UL << _format.PageShift) - 1)));
        }
        return TryTranslateSlowly(virt, out var output) ? output : null;
    }

    // Blocks, groups of pages, holes, pages of another kind than the last one, tables outside of the window.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TryTranslateSlowly(ulong virt, out PhysAddr output)
    {
        var found = Walk(new VirtAddr(virt));
        output = new PhysAddr(found.Output);
        if (!found.IsMapped)
            return false;
        Learn(found.Descriptor, found.Level);
        return true;
    }

    // A descriptor that differs from a known page's in its address alone is a page as well; most are alike, so the last one known is kept.
    private void Learn(ulong descriptor, int level)
    {
        if (level == _format.LastLevel && _format.LeafShift(descriptor, level) == _format.PageShift)
            Volatile.Write(ref _knownPage, descriptor & _pageBits);
    }

    /// <summary>Walks to the descriptor that decides about an address.</summary>
    public Translation Walk(VirtAddr address)
    {
        var tables = new RamDescriptors(_memory);
        return Walker.Walk(_format, ref tables, Root.Value, address.Value);
    }

    /// <summary>What is mapped at an address; null where nothing is. A page of a group was used, or written to, where any of the group was.</summary>
    public PageAttributes? AttributesAt(VirtAddr address)
    {
        var found = Walk(address);
        if (!found.IsMapped)
            return null;
        var attributes = _format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        var count = _format.ShapeOf(found.Descriptor, found.Level).Count;
        return count == 1 ? attributes : WithMarksOfGroup(attributes, Host(found.DescriptorAddress & ~((ulong)(count * _format.DescriptorSize) - 1)), 0, count, found.Level, found.Limits);
    }

    /// <summary>The size of the leaf that maps an address; null where nothing does.</summary>
    public LeafShape? ShapeAt(VirtAddr address)
    {
        var found = Walk(address);
        return found.IsMapped ? _format.ShapeOf(found.Descriptor, found.Level) : null;
    }

    /// <inheritdoc/>
    public MemoryType TypeFor(MemoryUse use) => _format.TypeFor(use);

    /// <inheritdoc/>
    public PageAttributes Canonical(in PageAttributes attributes) => _format.Canonical(attributes);

    /// <summary>What invalidates a range of this tree's translations.</summary>
    private TlbScope ScopeOf(ulong first, ulong last) =>
        TlbScope.Range(new VirtAddr(first), new VirtAddr(last), IsShared ? null : Asid, IsShared) with { Vmid = Vmid };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* Host(ulong table)
    {
        // Most tables are in the largest piece of RAM.
        return _window.TryReach(table, out var host) ? host : _memory.PointerTo(new PhysAddr(table));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Read(byte* table, int index) =>
        _format.DescriptorSize == 8 ? Volatile.Read(ref ((ulong*)table)[index]) : Volatile.Read(ref ((uint*)table)[index]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Write(byte* table, int index, ulong descriptor)
    {
        if (_format.DescriptorSize == 8)
            Volatile.Write(ref ((ulong*)table)[index], descriptor);
        else
            Volatile.Write(ref ((uint*)table)[index], unchecked((uint)descriptor));
    }

    // The first page of the range, its last byte, and whether they are good.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private PageTableError CheckRange(ulong virt, ulong size)
    {
        if (((virt | size) & _pageMask) != 0)
            return PageTableError.Unaligned;
        var last = unchecked(virt + size - 1);
        if (size == 0)
            return PageTableError.Empty;
        if (last < virt)
            return PageTableError.OutOfRange;
        return (virt >= _firstLow && last <= _lastLow) || (virt >= _firstHigh && last <= LastHigh) ? PageTableError.None : PageTableError.OutOfRange;
    }

    // A descriptor that is a page of the format, whatever its rights.
    private static ulong SomePage(TFormat format, in LeafShape page)
    {
        var type = format.TypeFor(MemoryUse.Cached);
        var shareability = type.IsNormal() ? Shareability.Inner : Shareability.None;
        foreach (var user in (ReadOnlySpan<AccessRights>)[AccessRights.None, AccessRights.All])
        {
            foreach (var privileged in (ReadOnlySpan<AccessRights>)[AccessRights.All, AccessRights.ReadWrite])
            {
                var attributes = format.Canonical(new PageAttributes(privileged, user & privileged, type, shareability) { IsDirty = true });
                if (format.TryEncodeLeaf(0, attributes, page, out var descriptor) == EncodingRefusal.None)
                    return descriptor;
            }
        }
        throw new ArgumentException($"{format.Name} has no page that can be read and written.", nameof(format));
    }

    // The last physical address that leaves of a shape can say: ARM short supersections alone go beyond 32 bits.
    private static ulong LastOutputOf(TFormat format, in LeafShape shape)
    {
        var type = format.TypeFor(MemoryUse.Cached);
        var shareability = type.IsNormal() ? Shareability.Inner : Shareability.None;
        for (var bits = Math.Min(format.OutputBits, 63); bits > 0; bits--)
        {
            if (1UL << (bits - 1) < shape.Bytes)
                break;
            // Some rights are none of the format's: stage 2 does not tell privileges apart, two-level x86 does not withhold execution.
            foreach (var user in (ReadOnlySpan<AccessRights>)[AccessRights.None, AccessRights.All])
            {
                foreach (var privileged in (ReadOnlySpan<AccessRights>)[AccessRights.All, AccessRights.ReadWrite])
                {
                    var attributes = format.Canonical(new PageAttributes(privileged, user & privileged, type, shareability) { IsDirty = true });
                    if (format.TryEncodeLeaf(1UL << (bits - 1), attributes, shape, out _) == EncodingRefusal.None)
                        return (1UL << bits) - 1;
                }
            }
        }
        return shape.Bytes - 1;
    }

    private static PageTableResult Refused(PageTableError error, ulong at) => new(new VirtAddr(at), error);

    // How many descriptors of a level from an address on, up to the end of the table or of the range.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private int RunOf(ulong virt, ulong size, int level)
    {
        var left = (ulong)(_format.TableEntries(level) - _format.Index(virt, level));
        return (int)Math.Min(left, size >> _format.LevelShift(level));
    }
}
