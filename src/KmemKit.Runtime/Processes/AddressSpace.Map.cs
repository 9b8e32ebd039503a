using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>New areas: mmap, the heap, the first stack.</summary>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Maps a file, a device or anonymous memory (<c>mmap</c>).</summary>
    /// <param name="hint">Where; with MAP_FIXED nowhere else.</param>
    /// <param name="length">Bytes; rounded up to pages.</param>
    /// <param name="prot">Rights.</param>
    /// <param name="flags">One of MAP_SHARED and MAP_PRIVATE, and what else.</param>
    /// <param name="file">What is mapped; null with MAP_ANONYMOUS.</param>
    /// <param name="offset">Where in it, in bytes, a multiple of the page.</param>
    /// <returns>The address, or EINVAL, ENOMEM, EPERM, EEXIST, EBADF, EACCES, EOVERFLOW, or what the driver says. With an error nothing has changed.</returns>
    public MapResult Mmap(VirtAddr hint, ulong length, MemProt prot, MapFlags flags, FileObject? file = null, ulong offset = 0)
    {
        var isShared = (flags & MapFlags.Shared) != 0;
        if (length == 0 || isShared == ((flags & MapFlags.Private) != 0) || (offset & (_page - 1)) != 0 || (prot & ~(MemProt)7) != 0)
            return MapResult.Failed(Errno.InvalidArgument);
        if (length > Layout.TaskSize)
            return MapResult.Failed(Errno.NoMemory);
        length = Up(length, _page);
        if (offset > ulong.MaxValue - length)
            return MapResult.Failed(Errno.Overflow);
        if ((flags & MapFlags.Anonymous) != 0)
            (file, offset) = (null, 0);
        else if (file is null)
            return MapResult.Failed(Errno.BadFile);
        if ((flags & MapFlags.GrowsDown) != 0 && (isShared || file is not null))
            return MapResult.Failed(Errno.InvalidArgument);
        var error = PlaceFor(hint, length, flags, out var start);
        if (error == Errno.None)
            error = FlagsFor(prot, flags, file, out _);
        if (error != Errno.None)
            return MapResult.Failed(error);
        _ = FlagsFor(prot, flags, file, out var vmFlags);
        if (_areas.Count >= _table.Options.MaxMapCount || !_table.TryCommit(vmFlags, length >> _pageShift))
            return MapResult.Failed(Errno.NoMemory);
        if ((flags & MapFlags.Fixed) != 0 && Munmap(new VirtAddr(start), length) is var refused and not Errno.None)
        {
            _table.Uncommit(vmFlags, length >> _pageShift);
            return MapResult.Failed(refused);
        }
        if (isShared && file is null)
            file = new RegularFile(_table.Cache.CreateShared(length), MemProt.Read | MemProt.Write);
        var vma = new Vma(start, start + length, vmFlags, file is null ? start >> _pageShift : offset >> _pageShift, file);
        Insert(vma);
        if (file is DeviceFile device && device.Mmap(new VmaMapping(_table, this, vma)) is var failed and not Errno.None)
        {
            Take(vma, vma.Start, vma.End, FlushPoint.Unmap);
            Delete(vma);
            _table.Uncommit(vmFlags, length >> _pageShift);
            return MapResult.Failed(failed);
        }
        MergeAround(start, start + length);
        if ((flags & (MapFlags.Populate | MapFlags.Locked)) != 0)
            Populate(start, start + length);
        return IsDead ? MapResult.Failed(Errno.NoMemory) : new MapResult(new VirtAddr(start), Errno.None);
    }

    /// <summary>Moves the end of the heap (<c>brk</c>).</summary>
    /// <param name="end">Where it shall end.</param>
    /// <returns>Where it ends now: where it did before, if it could not be moved.</returns>
    public VirtAddr Brk(VirtAddr end)
    {
        if (end < HeapStart || end.Value - HeapStart.Value > _table.Options.DataLimit || end.Value > Layout.TaskSize)
            return HeapEnd;
        var (before, after) = (Up(HeapEnd.Value, _page), Up(end.Value, _page));
        if (after < before)
        {
            if (Munmap(new VirtAddr(after), before - after) != Errno.None)
                return HeapEnd;
        }
        else if (after > before)
        {
            var flags = VmFlags.Read | VmFlags.Write | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExec | VmFlags.Account;
            if (after > Layout.TaskSize || !IsFree(before, after - before) || _areas.Count >= _table.Options.MaxMapCount || !_table.TryCommit(flags, (after - before) >> _pageShift))
                return HeapEnd;
            Insert(new Vma(before, after, flags, before >> _pageShift, null) { Name = "[heap]" });
            MergeAround(before, after);
        }
        return HeapEnd = end;
    }

    /// <summary>Puts the first stack in place, as exec does: 128 KiB more than its contents, and it grows on its own.</summary>
    internal void MakeStack()
    {
        var bytes = Up(Math.Min(132UL << 10, _table.Options.StackLimit), _page);
        var flags = VmFlags.Read | VmFlags.Write | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExec | VmFlags.GrowsDown | VmFlags.Account;
        _table.TryCommit(flags, bytes >> _pageShift);
        Insert(new Vma(Layout.StackTop - bytes, Layout.StackTop, flags, (Layout.StackTop - bytes) >> _pageShift, null) { Name = "[stack]" });
    }

    /// <summary>Zeroes behind the data, from the end of its last page on as pages of their own, and the heap behind them.</summary>
    internal Errno StartHeap(ulong dataEnd, ulong bssBytes)
    {
        var (from, to) = (Up(dataEnd, _page), Up(dataEnd + bssBytes, _page));
        if (to > from)
        {
            var bss = Mmap(new VirtAddr(from), to - from, MemProt.Read | MemProt.Write, MapFlags.Private | MapFlags.Anonymous | MapFlags.FixedNoReplace);
            if (!bss.IsOk)
                return bss.Error;
        }
        HeapStart = HeapEnd = new VirtAddr(Math.Max(from, to));
        return Errno.None;
    }

    private Errno PlaceFor(VirtAddr hint, ulong length, MapFlags flags, out ulong start)
    {
        start = hint.Value;
        if ((flags & (MapFlags.Fixed | MapFlags.FixedNoReplace)) == 0)
            return TryFindPlace(hint.Value, length, out start) ? Errno.None : Errno.NoMemory;
        if ((start & (_page - 1)) != 0)
            return Errno.InvalidArgument;
        if (length > Layout.TaskSize || start > Layout.TaskSize - length)
            return Errno.NoMemory;
        if (start < Layout.LowestAddress)
            return Errno.PermissionDenied;
        return (flags & MapFlags.FixedNoReplace) != 0 && AreasIn(start, start + length).Count != 0 ? Errno.Exists : Errno.None;
    }

    // do_mmap, do_mmap_pgoff.
    private Errno FlagsFor(MemProt prot, MapFlags flags, FileObject? file, out VmFlags vmFlags)
    {
        vmFlags = (VmFlags)(ulong)prot | VmFlags.MayRead | VmFlags.MayWrite | VmFlags.MayExec;
        var isShared = (flags & MapFlags.Shared) != 0;
        if (isShared)
            vmFlags |= VmFlags.Shared | VmFlags.MayShare;
        if ((flags & MapFlags.GrowsDown) != 0)
            vmFlags |= VmFlags.GrowsDown;
        if ((flags & MapFlags.Locked) != 0)
            vmFlags |= VmFlags.Locked;
        if (file is not null)
        {
            if ((file.Mode & MemProt.Read) == 0 || (isShared && (prot & MemProt.Write) != 0 && (file.Mode & MemProt.Write) == 0))
                return Errno.AccessDenied;
            // Read-only, it can never become anything that writes.
            if (isShared && (file.Mode & MemProt.Write) == 0)
                vmFlags &= ~(VmFlags.MayWrite | VmFlags.Shared);
        }
        if ((flags & MapFlags.NoReserve) != 0 && _table.Options.Overcommit != Overcommit.Never)
            vmFlags |= VmFlags.NoReserve;
        else if (IsCharged(vmFlags, file))
            vmFlags |= VmFlags.Account;
        return Errno.None;
    }

    // accountable_mapping: what may come to need memory of its own; the memory of a shared anonymous mapping as well.
    private static bool IsCharged(VmFlags flags, FileObject? file) =>
        (flags & (VmFlags.NoReserve | VmFlags.Write)) == VmFlags.Write && ((flags & VmFlags.Shared) == 0 || file is null);

    private bool TryFindPlace(ulong hint, ulong length, out ulong start)
    {
        start = hint <= Layout.TaskSize ? Up(hint, _page) : 0;
        if (hint != 0 && start >= Layout.LowestAddress && start <= Layout.TaskSize - length && IsFree(start, length))
            return true;
        // From the top; below a stack its guard gap stays free.
        for (var last = Layout.MmapBase - 1; _gaps.TryFindHighest(length, _page, Layout.LowestAddress, last, out start);)
        {
            if (IsFree(start, length))
                return true;
            var stack = FindAtOrAbove(start + length)!.Start;
            if (stack < Guard + length)
                break;
            last = stack - Guard - 1;
        }
        for (var low = Layout.UnmappedBase; _gaps.TryFindLowest(length, _page, low, Layout.TaskSize - 1, out start); low = FindAtOrAbove(start + length)!.End)
        {
            if (IsFree(start, length))
                return true;
        }
        return false;
    }

    private ulong Guard => TaskLayout.StackGuardGap(_page);

    private bool IsFree(ulong start, ulong length) =>
        start + length <= Layout.TaskSize && (FindAtOrAbove(start) is not { } next
            || next.Start - Math.Min(next.Start, (next.Flags & VmFlags.GrowsDown) != 0 ? Guard : 0) >= start + length);

    private void Populate(ulong start, ulong end)
    {
        for (var at = start; at < end && !IsDead; at += _page)
        {
            if (Find(new VirtAddr(at)) is not { } vma)
                return;
            var access = (vma.Flags & (VmFlags.Write | VmFlags.Shared)) == VmFlags.Write ? AccessRights.Write : AccessRights.Read;
            if (Fault(new VirtAddr(at), access) != FaultResult.Retry)
                return;
        }
    }
}
