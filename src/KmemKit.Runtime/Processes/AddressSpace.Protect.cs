using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>Other rights (<c>mprotect</c>).</summary>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Gives a range other rights.</summary>
    /// <returns>
    /// EINVAL for an address that is not a page's; ENOMEM where some of it is not mapped or too many areas would come to be; EACCES where the mapping does not allow it. As in the kernel,
    /// what lies in front of the trouble has changed.
    /// </returns>
    public Errno Mprotect(VirtAddr address, ulong length, MemProt prot)
    {
        var start = address.Value;
        if ((start & (_page - 1)) != 0 || (prot & ~(MemProt)7) != 0)
            return Errno.InvalidArgument;
        if (length == 0)
            return Errno.None;
        if (length > Layout.TaskSize || start > Layout.TaskSize - Up(length, _page))
            return Errno.NoMemory;
        var end = start + Up(length, _page);
        var error = Errno.None;
        var at = start;
        foreach (var vma in AreasIn(start, end))
        {
            if (vma.Start > at)
                break;
            error = ProtectPart(vma, at, Math.Min(end, vma.End), prot);
            if (error != Errno.None)
                break;
            at = vma.End;
        }
        MergeAround(start, end);
        return error != Errno.None ? error : at < end ? Errno.NoMemory : Errno.None;
    }

    private Errno ProtectPart(Vma vma, ulong start, ulong end, MemProt prot)
    {
        var wanted = (VmFlags)(ulong)prot;
        // VM_MAYx is VM_x shifted by four.
        if ((wanted & ~(VmFlags)((ulong)vma.Flags >> 4) & VmFlags.Access) != 0)
            return Errno.AccessDenied;
        var flags = (vma.Flags & ~VmFlags.Access) | wanted;
        if (flags == vma.Flags)
            return Errno.None;
        var charge = (flags & VmFlags.Account) == 0 && IsCharged(flags, vma.File) ? VmFlags.Account : VmFlags.None;
        if (!_table.TryCommit(charge, (end - start) >> _pageShift))
            return Errno.NoMemory;
        if ((start > vma.Start && !TrySplit(vma, start, out vma)) || (end < vma.End && !TrySplit(vma, end, out _)))
        {
            _table.Uncommit(charge, (end - start) >> _pageShift);
            return Errno.NoMemory;
        }
        vma = Find(new VirtAddr(start))!;
        vma.Flags = flags | charge;
        ChangePages(vma);
        return Errno.None;
    }

    // change_protection. A right to write is given by the next store alone, which knows whose the page is; a page that could be written and still can, stays so.
    private void ChangePages(Vma vma)
    {
        var prot = vma.Prot;
        for (var at = vma.Start; at < vma.End && Tables.TryFindMapped(at, vma.End - 1, out var virt, out var output); at = virt.Value + _page)
        {
            if (prot == MemProt.None)
            {
                Tables.Unmap(Cpu, virt, _page, _gather);
                ParkOrRelease(vma, virt.Value, output);
                continue;
            }
            var now = Tables.AttributesAt(virt)!.Value.User;
            var canWrite = (vma.Flags & VmFlags.PfnMap) != 0 || (now & AccessRights.Write) != 0;
            Tables.Protect(Cpu, virt, _page, _table.Prots.Of(canWrite ? prot : prot & ~MemProt.Write, vma.Use), _gather);
        }
        Flush(FlushPoint.Protect);
        foreach (var page in _released)
            Put(page);
        _released.Clear();
    }

    // Memory that is nowhere else is put by; a file's page can be had again.
    private void ParkOrRelease(Vma vma, ulong virt, PhysAddr output)
    {
        var page = PageOf(output);
        if ((vma.Flags & VmFlags.PfnMap) != 0 || (!page.IsNull && !_table.Cache.IsCached(page)))
            _parked.Add(virt, output);
        else if (!page.IsNull)
            _released.Add(page);
    }
}
