using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>Areas that grow, shrink and move (<c>mremap</c>).</summary>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Changes the size of a mapping, and its place if need be.</summary>
    /// <param name="address">Its first address.</param>
    /// <param name="oldLength">Bytes of it; 0 for a second mapping of shared memory.</param>
    /// <param name="newLength">Bytes it shall have.</param>
    /// <param name="flags">Whether it may move, and to where alone.</param>
    /// <param name="target">Where to, with MREMAP_FIXED.</param>
    /// <returns>Where it is now, or EINVAL, EFAULT (not wholly in one area, or it may not grow), ENOMEM, EPERM.</returns>
    public MapResult Mremap(VirtAddr address, ulong oldLength, ulong newLength, RemapFlags flags = RemapFlags.None, VirtAddr target = default)
    {
        var isFixed = (flags & RemapFlags.Fixed) != 0;
        var start = address.Value;
        if ((flags & ~(RemapFlags.MayMove | RemapFlags.Fixed)) != 0 || flags == RemapFlags.Fixed || (start & (_page - 1)) != 0 || newLength == 0)
            return MapResult.Failed(Errno.InvalidArgument);
        if (oldLength > Layout.TaskSize || newLength > Layout.TaskSize)
            return MapResult.Failed(isFixed ? Errno.InvalidArgument : Errno.NoMemory);
        (oldLength, newLength) = (Up(oldLength, _page), Up(newLength, _page));
        if (Find(address) is null)
            return MapResult.Failed(Errno.BadAddress);
        if (isFixed)
            return MoveTo(start, oldLength, newLength, target.Value);
        if (newLength <= oldLength)
        {
            var error = newLength == oldLength ? Errno.None : Munmap(new VirtAddr(start + newLength), oldLength - newLength);
            return error == Errno.None ? new MapResult(address, Errno.None) : MapResult.Failed(error);
        }
        var refused = CheckGrowth(start, oldLength, newLength, out var vma);
        if (refused != Errno.None)
            return MapResult.Failed(refused);
        if (oldLength != 0 && start + oldLength == vma.End && IsFree(vma.End, newLength - oldLength))
        {
            if (!_table.TryCommit(vma.Flags, (newLength - oldLength) >> _pageShift))
                return MapResult.Failed(Errno.NoMemory);
            var grown = vma.Copy(vma.Start, start + newLength, _pageShift);
            Delete(vma, keepsFile: true);
            Insert(grown);
            MergeAround(grown.Start, grown.End);
            return new MapResult(address, Errno.None);
        }
        if ((flags & RemapFlags.MayMove) == 0 || !TryFindPlace(0, newLength, out var place))
            return MapResult.Failed(Errno.NoMemory);
        return Move(start, oldLength, newLength, place);
    }

    private MapResult MoveTo(ulong start, ulong oldLength, ulong newLength, ulong target)
    {
        if ((target & (_page - 1)) != 0 || newLength > Layout.TaskSize || target > Layout.TaskSize - newLength
            || (target < start + oldLength && start < target + newLength))
            return MapResult.Failed(Errno.InvalidArgument);
        if (target < Layout.LowestAddress)
            return MapResult.Failed(Errno.PermissionDenied);
        var error = Munmap(new VirtAddr(target), newLength);
        if (error == Errno.None && oldLength > newLength)
        {
            error = Munmap(new VirtAddr(start + newLength), oldLength - newLength);
            oldLength = newLength;
        }
        if (error == Errno.None)
            error = CheckGrowth(start, oldLength, newLength, out _);
        return error != Errno.None ? MapResult.Failed(error) : Move(start, oldLength, newLength, target);
    }

    // vma_to_resize
    private Errno CheckGrowth(ulong start, ulong oldLength, ulong newLength, out Vma vma)
    {
        vma = null!;
        if (Find(new VirtAddr(start)) is not { } found)
            return Errno.BadAddress;
        vma = found;
        if (oldLength == 0 && (vma.Flags & VmFlags.MayShare) == 0)
            return Errno.InvalidArgument;
        if (oldLength > vma.End - start)
            return Errno.BadAddress;
        if (newLength != oldLength && (vma.Flags & (VmFlags.DontExpand | VmFlags.PfnMap)) != 0)
            return Errno.BadAddress;
        return Errno.None;
    }

    private MapResult Move(ulong start, ulong oldLength, ulong newLength, ulong target)
    {
        var vma = Find(new VirtAddr(start))!;
        if (_areas.Count >= _table.Options.MaxMapCount - 3 || !_table.TryCommit(vma.Flags, newLength >> _pageShift))
            return MapResult.Failed(Errno.NoMemory);
        if (oldLength != 0)
        {
            TrySplitEnds(start, start + oldLength);
            vma = Find(new VirtAddr(start))!;
        }
        // What starts at the moved address has its place in the file there too; the name of a heap does not come along.
        var moved = new Vma(target, target + newLength, vma.Flags, vma.PageOffset + ((start - vma.Start) >> _pageShift), vma.File) { Use = vma.Use };
        Insert(moved);
        if (oldLength != 0)
        {
            MovePages(vma, moved);
            if (IsDead)
                return MapResult.Failed(Errno.NoMemory);
            _table.Uncommit(vma.Flags, oldLength >> _pageShift);
            Delete(vma);
            MergeAround(start, start + oldLength);
        }
        MergeAround(target, target + newLength);
        return new MapResult(new VirtAddr(target), Errno.None);
    }

    // move_page_tables: out of the old place, invalidated, then into the new one with the rights that each page had.
    private void MovePages(Vma from, Vma to)
    {
        var pages = new List<(ulong Offset, PhysAddr Output, bool CanWrite)>();
        for (var at = from.Start; at < from.End && Tables.TryFindMapped(at, from.End - 1, out var virt, out var output); at = virt.Value + _page)
        {
            pages.Add((virt.Value - from.Start, output, (Tables.AttributesAt(virt)!.Value.User & AccessRights.Write) != 0));
            Tables.Unmap(Cpu, virt, _page, _gather);
        }
        Flush(FlushPoint.Move);
        foreach (var virt in new List<ulong>(_parked.Keys))
        {
            if (virt >= from.Start && virt < from.End && _parked.Remove(virt, out var output))
                _parked.Add(virt - from.Start + to.Start, output);
        }
        for (var i = 0; i < pages.Count; i++)
        {
            var (offset, output, canWrite) = pages[i];
            if (!IsDead && TryMapFrame(to.Start + offset, output, _table.Prots.Of(canWrite ? to.Prot : to.Prot & ~MemProt.Write, to.Use)))
                continue;
            // No memory for a table: the page waits until it is touched. Of a process that was ended for it, it goes.
            if (IsDead)
                Release(output);
            else
                ParkOrRelease(to, to.Start + offset, output);
        }
        foreach (var page in _released)
            Put(page);
        _released.Clear();
    }
}
