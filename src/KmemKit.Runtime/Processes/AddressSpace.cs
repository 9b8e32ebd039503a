using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Tlb;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Runtime.Processes;

/// <summary>The addresses of a process: its areas, its page tables, and the pages behind them (<c>struct mm_struct</c>).</summary>
/// <remarks>
/// <para>Areas are found by address in a balanced tree, and so are the gaps between them, with the largest gap of each subtree: both in O(log n). Neighbours that say the same
/// are one area. Pages come when they are touched.</para>
/// <para>References: a page of anonymous memory has one for every address space that maps it (or has it put by behind PROT_NONE), a file's page one more for the cache. With the last one
/// it goes back to the page allocator: <see cref="Exit"/> gives back everything.</para>
/// <para>One thread at a time. Source: mm/mmap.c, mm/memory.c, mm/mprotect.c, mm/mremap.c, kernel/fork.c.</para>
/// </remarks>
public sealed unsafe partial class AddressSpace
{
    private readonly ProcessTable _table;
    private readonly PageMap _map;
    private readonly RangeTree<Vma> _areas = new();
    private readonly RangeTree<bool> _gaps = new();
    // Frames behind PROT_NONE, by address: no leaf that hardware knows keeps a page from user and kernel alike.
    private readonly Dictionary<ulong, PhysAddr> _parked = [];
    private readonly List<TypedMapping> _typed = [];
    private readonly TlbGather _gather;
    private readonly ulong _page;
    private readonly int _pageShift;

    internal AddressSpace(ProcessTable table, TaskLayout layout, IPageTables tables)
    {
        _table = table;
        _map = table.Kernel.Booted.Map;
        Layout = layout;
        Tables = tables;
        _pageShift = _map.Pages.PageShift;
        _page = _map.Pages.PageSize;
        _gather = new TlbGather(Cpu);
        _gaps.Add(layout.LowestAddress, layout.TaskSize - layout.LowestAddress, true);
    }

    /// <summary>Where things are.</summary>
    public TaskLayout Layout { get; }

    /// <summary>Its page tables.</summary>
    public IPageTables Tables { get; }

    /// <summary>The areas by address.</summary>
    public IEnumerable<Vma> Areas
    {
        get
        {
            foreach (var (_, _, vma) in _areas.InOrder())
                yield return vma;
        }
    }

    /// <summary>How many areas there are (map_count).</summary>
    public int AreaCount => _areas.Count;

    /// <summary>total_vm in bytes.</summary>
    public ulong VirtualBytes { get; private set; }

    /// <summary>Anonymous pages that it has (RssAnon).</summary>
    public long AnonymousPages { get; private set; }

    /// <summary>Pages of files that it maps (RssFile).</summary>
    public long FilePages { get; private set; }

    /// <summary>start_brk: where the heap begins.</summary>
    public VirtAddr HeapStart { get; internal set; }

    /// <summary>brk: where it ends.</summary>
    public VirtAddr HeapEnd { get; internal set; }

    internal ulong AsidGeneration { get; set; }

    internal bool IsDead { get; private set; }

    private Cpu Cpu => _table.PageCpu;

    /// <summary>The area that an address is in; null where there is none.</summary>
    public Vma? Find(VirtAddr address) => _areas.TryFind(address.Value, out _, out _, out var vma) ? vma : null;

    /// <summary>Whether the shared page of zeroes is mapped there, which is nobody's memory.</summary>
    internal bool IsZeroPage(VirtAddr address) => Tables.TryTranslate(address, out var output) && _map.Pages.ToFrame(output) == _table.ZeroFrame;

    // find_vma: the area at an address, or the next one above.
    private Vma? FindAtOrAbove(ulong address)
    {
        if (_areas.TryFind(address, out _, out _, out var vma))
            return vma;
        return _areas.TryFindAbove(address, out _, out _, out vma) ? vma : null;
    }

    private Vma? FindBelow(ulong address) =>
        address != 0 && _areas.TryFindAtOrBelow(address - 1, out _, out _, out var vma) ? vma : null;

    private List<Vma> AreasIn(ulong start, ulong end)
    {
        var found = new List<Vma>();
        for (var vma = FindAtOrAbove(start); vma is not null && vma.Start < end; vma = FindAtOrAbove(vma.End))
            found.Add(vma);
        return found;
    }

    private void Insert(Vma vma)
    {
        vma.Space = this;
        _areas.Add(vma.Start, vma.Bytes, vma);
        VirtualBytes += vma.Bytes;
        vma.Inode?.Mappings.Add(vma);
        TakeGap(vma.Start, vma.Bytes);
    }

    private void Delete(Vma vma, bool keepsFile = false)
    {
        _areas.Remove(vma.Start);
        VirtualBytes -= vma.Bytes;
        if (vma.Inode is { } inode)
        {
            inode.Mappings.Remove(vma);
            if (!keepsFile)
                _table.Cache.Unmapped(inode);
        }
        GiveGap(vma.Start, vma.Bytes);
    }

    private void TakeGap(ulong start, ulong size)
    {
        _gaps.TryFind(start, out var first, out var bytes, out _);
        _gaps.Remove(first);
        if (start > first)
            _gaps.Add(first, start - first, true);
        if (first + bytes > start + size)
            _gaps.Add(start + size, first + bytes - (start + size), true);
    }

    private void GiveGap(ulong start, ulong size)
    {
        if (start != 0 && _gaps.TryFind(start - 1, out var before, out var bytes, out _))
        {
            _gaps.Remove(before);
            (start, size) = (before, size + bytes);
        }
        if (_gaps.TryFind(start + size, out var behind, out bytes, out _))
        {
            _gaps.Remove(behind);
            size += bytes;
        }
        _gaps.Add(start, size, true);
    }

    // Cuts an area in two at an address inside it (split_vma).
    private bool TrySplit(Vma vma, ulong at, out Vma upper)
    {
        upper = vma;
        if (_areas.Count >= _table.Options.MaxMapCount)
            return false;
        var lower = vma.Copy(vma.Start, at, _pageShift);
        upper = vma.Copy(at, vma.End, _pageShift);
        Delete(vma, keepsFile: true);
        Insert(lower);
        Insert(upper);
        return true;
    }

    // Areas that reach over an end of a range are cut there. False where there may be no more areas.
    private bool TrySplitEnds(ulong start, ulong end)
    {
        if (Find(new VirtAddr(start)) is { } first && first.Start < start && !TrySplit(first, start, out _))
            return false;
        return end == 0 || Find(new VirtAddr(end - 1)) is not { } last || last.End <= end || TrySplit(last, end, out _);
    }

    // Makes one of neighbours that say the same (vma_merge), around a range.
    private void MergeAround(ulong start, ulong end)
    {
        var vma = FindBelow(start) ?? FindAtOrAbove(start);
        while (vma is not null && vma.Start <= end)
        {
            if (FindAtOrAbove(vma.End) is not { } next)
                return;
            if (!CanMerge(vma, next))
            {
                vma = next;
                continue;
            }
            var one = vma.Copy(vma.Start, next.End, _pageShift);
            Delete(vma, keepsFile: true);
            Delete(next, keepsFile: true);
            Insert(one);
            vma = one;
        }
    }

    private bool CanMerge(Vma low, Vma high) => low.End == high.Start && low.Flags == high.Flags && low.Use == high.Use && low.Name == high.Name
        && (low.Flags & (VmFlags.PfnMap | VmFlags.Io)) == 0 && SameFile(low.File, high.File)
        && low.PageOffset + (low.Bytes >> _pageShift) == high.PageOffset;

    private static bool SameFile(FileObject? one, FileObject? other) =>
        ReferenceEquals(one, other) || (one is RegularFile a && other is RegularFile b && a.Inode == b.Inode && a.Mode == b.Mode);

    // What is left to invalidate goes together, then pages may go.
    private void Flush(FlushPoint point)
    {
        if (_gather.IsEmpty)
            return;
        if (_table.IsLeftOut(point))
            _gather.FinishWithoutInvalidation();
        else
            _gather.Finish();
    }

    private static ulong Up(ulong value, ulong unit) => (value + (unit - 1)) & ~(unit - 1);
}
