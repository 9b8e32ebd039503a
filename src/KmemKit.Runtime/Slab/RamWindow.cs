using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>From host addresses of simulated RAM to pages and back.</summary>
/// <remarks>
/// The largest contiguous piece of RAM is the main window: there a page's number is one subtraction and one shift, as in <see cref="PhysicalMemory"/>. The
/// pages of the other pieces are found by search.
/// </remarks>
internal sealed unsafe class RamWindow
{
    private readonly List<Piece> _pieces = [];
    private readonly Piece _main;
    private readonly nint[] _sections;

    private readonly record struct Piece(nuint Host, nuint Bytes, uint First);

    public RamWindow(PhysicalMemory memory, PageMap map)
    {
        PageShift = map.Pages.PageShift;
        AllOwners = map.Owners;
        States = map.States;
        SectionShift = map.SectionShift;
        // Where descriptor 0 would be if each section's were the only array: one addition finds any descriptor of the section.
        _sections = new nint[Math.Max(1, map.Sections)];
        for (var section = 0; section < map.Sections; section++)
        {
            var first = (uint)((ulong)section << SectionShift);
            _sections[section] = (nint)map.DescriptorAt(first) - ((nint)first * sizeof(SlabInfo));
        }
        foreach (var range in memory.Ram)
        {
            // Only whole pages: what is allocated is never less.
            var skip = unchecked(0 - range.Start.Value) & (map.Pages.PageSize - 1);
            var pages = range.Size.Value > skip ? (range.Size.Value - skip) >> PageShift : 0;
            var first = unchecked(range.Start.Value + skip);
            if (pages == 0 || !map.TryPfnToPage(new PageFrame(first >> PageShift), out var page))
                continue;
            _pieces.Add(new Piece((nuint)memory.PointerTo(new PhysAddr(first)), (nuint)(pages << PageShift), page.Index));
            if (_pieces[^1].Bytes > _main.Bytes)
                _main = _pieces[^1];
        }
        Base = (byte*)_main.Host;
        Span = _main.Bytes;
        Owners = map.Owners + _main.First;
        First = _main.First;
    }

    public int PageShift { get; }

    /// <summary>First byte of the main window.</summary>
    public byte* Base { get; }

    /// <summary>Bytes of the main window.</summary>
    public nuint Span { get; }

    /// <summary>The main window's first page.</summary>
    public uint First { get; }

    /// <summary>The owners of the main window's pages.</summary>
    public ushort* Owners { get; }

    /// <summary>The owners of all pages.</summary>
    public ushort* AllOwners { get; }

    /// <summary>The page allocator's byte of each page.</summary>
    public byte* States { get; }

    /// <summary>log2 of the descriptors in an array of theirs.</summary>
    public int SectionShift { get; }

    public int OwnerOf(uint page) => AllOwners[page];

    /// <summary>A page's descriptor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public SlabInfo* InfoOf(uint page) => (SlabInfo*)_sections[(int)((ulong)page >> SectionShift)] + page;

    /// <summary>The order of the block of pages that a page is the first of.</summary>
    public int OrderOf(uint head) => States[head] & PageState.OrderMask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryIndex(void* address, out uint page)
    {
        var offset = unchecked((nuint)((byte*)address - Base));
        page = unchecked(First + (uint)(offset >> PageShift));
        return offset < Span || TryIndexElsewhere(address, out page);
    }

    private bool TryIndexElsewhere(void* address, out uint page)
    {
        nuint offset;
        foreach (var piece in _pieces)
        {
            offset = unchecked((nuint)address - piece.Host);
            if (offset >= piece.Bytes)
                continue;
            page = piece.First + (uint)(offset >> PageShift);
            return true;
        }
        page = 0;
        return false;
    }

    public byte* HostOf(uint page)
    {
        var at = unchecked(page - _main.First);
        if (at < _main.Bytes >> PageShift)
            return (byte*)_main.Host + ((nuint)at << PageShift);
        foreach (var piece in _pieces)
        {
            at = unchecked(page - piece.First);
            if (at < piece.Bytes >> PageShift)
                return (byte*)piece.Host + ((nuint)at << PageShift);
        }
        return null;
    }

    public void SetOwner(uint page, int order, int owner)
    {
        if (order == 0)
            AllOwners[page] = (ushort)owner;
        else
            new Span<ushort>(AllOwners + page, 1 << order).Fill((ushort)owner);
    }
}
