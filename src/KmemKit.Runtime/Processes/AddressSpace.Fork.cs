using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>The child's copy (<c>dup_mmap</c>, <c>copy_page_range</c>).</summary>
public sealed unsafe partial class AddressSpace
{
    /// <summary>
    /// A child with the same areas. Anonymous pages are shared, and taken from both as writable until one of the two writes; what a file has, the child brings in
    /// again when it touches it.
    /// </summary>
    /// <returns>Null where there is no memory (ENOMEM); nothing has changed then but that pages may fault once more.</returns>
    internal AddressSpace? Fork()
    {
        if (_table.NewSpace(Layout) is not { } child)
            return null;
        (child.HeapStart, child.HeapEnd) = (HeapStart, HeapEnd);
        var isDone = true;
        foreach (var vma in new List<Vma>(Areas))
        {
            if ((vma.Flags & VmFlags.DontCopy) != 0)
                continue;
            isDone = _table.TryCommit(vma.Flags, vma.Bytes >> _pageShift);
            if (!isDone)
                break;
            // Locks are not inherited (mlock(2)).
            var copy = vma.Copy(vma.Start, vma.End, _pageShift);
            copy.Flags &= ~VmFlags.Locked;
            child.Insert(copy);
            isDone = TryCopyPages(vma, child) && !IsDead;
            if (!isDone)
                break;
        }
        if (isDone)
            return child;
        child.Exit();
        return null;
    }

    private bool TryCopyPages(Vma vma, AddressSpace child)
    {
        var isFrames = (vma.Flags & VmFlags.PfnMap) != 0;
        if (!isFrames && !vma.IsCow)
            return true;
        var shared = new List<(ulong Virt, PhysAddr Output)>();
        var readOnly = _table.Prots.Of(vma.Prot & ~MemProt.Write, vma.Use);
        for (var at = vma.Start; at < vma.End && Tables.TryFindMapped(at, vma.End - 1, out var virt, out var output); at = virt.Value + _page)
        {
            if (isFrames)
            {
                if (!child.TryMapFrame(virt.Value, output, _table.Prots.Of(vma.Prot, vma.Use)) || IsDead)
                    return false;
                continue;
            }
            var page = PageOf(output);
            if (page.IsNull || _table.Cache.IsCached(page))
                continue;
            if ((Tables.AttributesAt(virt)!.Value.User & AccessRights.Write) != 0)
                Tables.Protect(Cpu, virt, _page, readOnly, _gather);
            shared.Add((virt.Value, output));
        }
        // The parent's right to write is gone everywhere before the child has the page.
        Flush(FlushPoint.ForkWriteProtect);
        foreach (var (virt, output) in shared)
        {
            var page = PageOf(output);
            _map.GetPage(page);
            if (!child.TryMapFrame(virt, output, readOnly))
            {
                Cpu.PutPage(page);
                return false;
            }
            child.AnonymousPages++;
            // The parent itself may have been ended for the memory of a table.
            if (IsDead)
                return false;
        }
        foreach (var (virt, output) in _parked)
        {
            if (virt < vma.Start || virt >= vma.End)
                continue;
            if (!isFrames)
            {
                _map.GetPage(PageOf(output));
                child.AnonymousPages++;
            }
            child._parked.Add(virt, output);
        }
        return true;
    }
}
