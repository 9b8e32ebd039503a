using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Processes;

/// <summary>Areas and pages that go: munmap, the end of a process, what the page cache takes back.</summary>
public sealed unsafe partial class AddressSpace
{
    private readonly List<Page> _released = [];

    /// <summary>Takes away whatever is mapped in a range (<c>munmap</c>); areas that reach beyond it are cut.</summary>
    /// <returns>EINVAL for a range that is none, ENOMEM where cutting would make too many areas.</returns>
    public Errno Munmap(VirtAddr address, ulong length)
    {
        var start = address.Value;
        if ((start & (_page - 1)) != 0 || length == 0 || length > Layout.TaskSize || start > Layout.TaskSize - Up(length, _page))
            return Errno.InvalidArgument;
        var end = start + Up(length, _page);
        if (!TrySplitEnds(start, end))
        {
            MergeAround(start, end);
            return Errno.NoMemory;
        }
        foreach (var vma in AreasIn(start, end))
        {
            Take(vma, vma.Start, vma.End, FlushPoint.Unmap);
            _table.Uncommit(vma.Flags, vma.Bytes >> _pageShift);
            Delete(vma);
        }
        // free_pgtables: tables that have nothing left, up to the neighbours.
        if (end - start >= _table.Kernel.Unit.HugeBytes)
        {
            var low = FindBelow(start)?.End ?? 0;
            var high = FindAtOrAbove(end)?.Start ?? Layout.TaskSize;
            Tables.ReclaimTables(Cpu, VirtRange.FromBounds(new VirtAddr(low), high));
        }
        return Errno.None;
    }

    /// <summary>The end of the address space: every page and every table goes back.</summary>
    internal void Exit()
    {
        if (IsDead)
            return;
        _table.LeaveOnAllCpus(this);
        foreach (var vma in new List<Vma>(Areas))
        {
            Take(vma, vma.Start, vma.End, FlushPoint.Unmap);
            _table.Uncommit(vma.Flags, vma.Bytes >> _pageShift);
            Delete(vma);
        }
        IsDead = true;
        Tables.Free(Cpu);
    }

    /// <summary>Takes one page of a file out (try_to_unmap); the next access brings it in again.</summary>
    internal void TakeOut(ulong virt, FlushPoint point)
    {
        if (!Tables.TryTranslate(new VirtAddr(virt), out var output))
            return;
        Tables.Unmap(Cpu, new VirtAddr(virt), _page, _gather);
        Flush(point);
        Release(output);
    }

    /// <summary>Makes the next store to a page of a shared file fault again (page_mkclean_one).</summary>
    internal void MakeClean(Vma vma, ulong virt)
    {
        if (!vma.IsShared || (vma.Flags & VmFlags.Access) == 0)
            return;
        Tables.Protect(Cpu, new VirtAddr(virt), _page, _table.Prots.Of(vma.Prot & ~MemProt.Write, vma.Use), _gather);
        Flush(FlushPoint.WriteBack);
    }

    /// <summary>The file's pages from one on are gone (unmap_mapping_range), private copies too.</summary>
    internal void ZapFrom(Vma vma, ulong index)
    {
        var start = index <= vma.PageOffset ? vma.Start : index - vma.PageOffset >= vma.Bytes >> _pageShift ? vma.End : vma.Start + ((index - vma.PageOffset) << _pageShift);
        if (start < vma.End)
            Take(vma, start, vma.End, FlushPoint.Truncate);
    }

    // Unmaps what is mapped in a part of an area. Pages go behind the invalidation: until then a CPU may still use them.
    private void Take(Vma vma, ulong start, ulong end, FlushPoint point)
    {
        var isFrames = (vma.Flags & VmFlags.PfnMap) != 0;
        for (var at = start; at < end && Tables.TryFindMapped(at, end - 1, out var virt, out var output); at = virt.Value + _page)
        {
            Tables.Unmap(Cpu, virt, _page, _gather);
            if (!isFrames && PageOf(output) is { IsNull: false } page)
                _released.Add(page);
        }
        TakeParked(start, end, isFrames);
        Flush(point);
        if (isFrames)
            ForgetTypes(start, end);
        foreach (var page in _released)
            Put(page);
        _released.Clear();
    }

    /// <summary>Frames whose area grants nothing yet.</summary>
    internal void Park(ulong virt, PhysAddr phys, ulong size)
    {
        for (var done = 0UL; done < size; done += _page)
            _parked.Add(virt + done, phys + done);
    }

    /// <summary>A memory type that holds as long as the area does.</summary>
    internal void Remember(TypedMapping mapping) => _typed.Add(mapping);

    private void TakeParked(ulong start, ulong end, bool isFrames)
    {
        if (_parked.Count == 0)
            return;
        foreach (var virt in new List<ulong>(_parked.Keys))
        {
            if (virt < start || virt >= end)
                continue;
            _parked.Remove(virt, out var output);
            if (!isFrames)
                _released.Add(PageOf(output));
        }
    }

    private void ForgetTypes(ulong start, ulong end)
    {
        for (var i = _typed.Count - 1; i >= 0; i--)
        {
            var mapping = _typed[i];
            if (mapping.Virt.Value < start || mapping.Virt.Value + (mapping.Phys.Size.Value - 1) >= end)
                continue;
            _table.Kernel.Types.Remove(mapping);
            _typed.RemoveAt(i);
        }
    }

    // Null for the zero page, which nobody counts.
    private Page PageOf(PhysAddr output)
    {
        var frame = _map.Pages.ToFrame(output);
        return frame != _table.ZeroFrame && _map.TryPfnToPage(frame, out var page) ? page : Page.Null;
    }

    private void Release(PhysAddr output)
    {
        if (PageOf(output) is { IsNull: false } page)
            Put(page);
    }

    private void Put(Page page)
    {
        if (_table.Cache.IsCached(page))
            FilePages--;
        else
            AnonymousPages--;
        Cpu.PutPage(page);
    }
}
