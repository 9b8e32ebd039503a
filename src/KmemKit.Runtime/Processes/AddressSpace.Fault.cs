using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Processes;

/// <summary>What became of a page fault.</summary>
internal enum FaultResult
{
    /// <summary>The access can be made now.</summary>
    Retry,

    /// <summary>No area there: SEGV_MAPERR.</summary>
    MapError,

    /// <summary>The area does not grant it: SEGV_ACCERR.</summary>
    AccessError,

    /// <summary>Nothing behind the mapping: SIGBUS.</summary>
    Bus,

    /// <summary>No memory, and the process was ended for it.</summary>
    OutOfMemory,
}

/// <summary>Page faults: pages come when they are touched, copies when they are written (<c>handle_mm_fault</c>).</summary>
public sealed unsafe partial class AddressSpace
{
    /// <summary>Makes an access possible, or says why it cannot be.</summary>
    internal FaultResult Fault(VirtAddr address, AccessRights access)
    {
        if (IsDead)
            return FaultResult.OutOfMemory;
        if (FindForFault(address.Value) is not { } vma)
            return FaultResult.MapError;
        if (!Grants(vma, access))
            return FaultResult.AccessError;
        var virt = address.Value & ~(_page - 1);
        var isWrite = (access & AccessRights.Write) != 0;
        if (Tables.TryTranslate(new VirtAddr(virt), out var output))
            return FaultOnPresent(vma, virt, output, isWrite);
        if (_parked.Remove(virt, out output))
        {
            var canWrite = (vma.Flags & VmFlags.PfnMap) != 0;
            if (TryMapFrame(virt, output, _table.Prots.Of(canWrite ? vma.Prot : vma.Prot & ~MemProt.Write, vma.Use)))
                return FaultResult.Retry;
            Release(output);
            return FaultResult.OutOfMemory;
        }
        if ((vma.Flags & VmFlags.PfnMap) != 0)
            return FaultResult.Bus;
        return vma.Inode is { } inode ? FaultFile(vma, inode, virt, isWrite) : vma.File is null ? FaultAnonymous(vma, virt, isWrite) : FaultResult.Bus;
    }

    // Below a stack it grows, up to its limit, and not nearer than the guard gap to what is mapped below (expand_stack).
    private Vma? FindForFault(ulong address)
    {
        var vma = FindAtOrAbove(address);
        if (vma is null || vma.Start <= address)
            return vma;
        var start = address & ~(_page - 1);
        if ((vma.Flags & VmFlags.GrowsDown) == 0 || start < Layout.LowestAddress || vma.End - start > _table.Options.StackLimit)
            return null;
        if (FindBelow(vma.Start) is { } below && (below.Flags & (VmFlags.GrowsDown | VmFlags.Access)) is not 0 and var flags && (flags & VmFlags.GrowsDown) == 0 && start - below.End < Guard)
            return null;
        if (!_table.TryCommit(vma.Flags, (vma.Start - start) >> _pageShift))
            return null;
        var grown = new Vma(start, vma.End, vma.Flags, vma.PageOffset - ((vma.Start - start) >> _pageShift), null) { Name = vma.Name };
        Delete(vma);
        Insert(grown);
        return grown;
    }

    // access_error. Two-level x86 cannot tell a fetch from a read.
    private bool Grants(Vma vma, AccessRights access) => access switch
    {
        _ when (access & AccessRights.Write) != 0 => (vma.Flags & VmFlags.Write) != 0,
        AccessRights.Execute when _table.Prots.HasExecuteNever => (vma.Flags & VmFlags.Exec) != 0,
        _ => (vma.Flags & VmFlags.Access) != 0,
    };

    private FaultResult FaultOnPresent(Vma vma, ulong virt, PhysAddr output, bool isWrite)
    {
        var now = Tables.AttributesAt(new VirtAddr(virt))!.Value.User;
        if (!isWrite || (now & AccessRights.Write) != 0)
        {
            // The tables grant it already: the processor waits for a mark, or what the TLB holds is older (flush_tlb_fix_spurious_fault).
            Tables.MarkUsed(new VirtAddr(virt), isWrite);
            _table.FlushHere(virt, Tables.Asid);
            return FaultResult.Retry;
        }
        var page = PageOf(output);
        if (vma.IsShared)
        {
            // page_mkwrite: from here on the file's page is dirty.
            if (!page.IsNull)
                _table.Cache.MarkDirty(page);
            return Upgrade(vma, virt);
        }
        // do_wp_page: nobody else's, and not a file's.
        if (!page.IsNull && !_table.Cache.IsCached(page) && _map.PageCount(page) == 1)
            return Upgrade(vma, virt);
        var copy = AllocPage();
        if (copy.IsNull)
            return FaultResult.OutOfMemory;
        // It may have been taken out meanwhile, for the memory that the copy needed.
        var source = Tables.TryTranslate(new VirtAddr(virt), out output) ? output : default(PhysAddr?);
        if (source is null)
        {
            Cpu.PutPage(copy);
            return FaultResult.Retry;
        }
        Buffer.MemoryCopy(_table.Kernel.Memory.PointerTo(output, _page), _map.PageData(copy), (long)_page, (long)_page);
        // Another page at the same address: out, invalidated, in.
        Tables.Unmap(Cpu, new VirtAddr(virt), _page, _gather);
        Flush(FlushPoint.CopyOnWrite);
        Release(output);
        return MapAnonymous(vma, virt, copy, vma.Prot);
    }

    private FaultResult Upgrade(Vma vma, ulong virt)
    {
        Tables.Protect(Cpu, new VirtAddr(virt), _page, _table.Prots.Of(vma.Prot, vma.Use), _gather);
        Tables.MarkUsed(new VirtAddr(virt), write: true);
        Flush(FlushPoint.CopyOnWrite);
        return FaultResult.Retry;
    }

    private FaultResult FaultAnonymous(Vma vma, ulong virt, bool isWrite)
    {
        if (!isWrite)
            return TryMapFrame(virt, _map.Pages.ToAddress(_table.ZeroFrame), _table.Prots.Of(vma.Prot & ~MemProt.Write, vma.Use)) ? FaultResult.Retry : FaultResult.OutOfMemory;
        var page = AllocPage();
        if (page.IsNull)
            return FaultResult.OutOfMemory;
        new Span<byte>(_map.PageData(page), (int)_page).Clear();
        return MapAnonymous(vma, virt, page, vma.Prot);
    }

    private FaultResult FaultFile(Vma vma, Inode inode, ulong virt, bool isWrite)
    {
        var index = vma.PageOffset + ((virt - vma.Start) >> _pageShift);
        if (index >= (inode.Length + (_page - 1)) >> _pageShift)
            return FaultResult.Bus;
        Page page;
        while (!_table.Cache.TryGet(Cpu, inode, index, out page))
        {
            if (!_table.TryRelieve(this))
                return FaultResult.OutOfMemory;
        }
        // The reference of the mapping, taken first: nobody reclaims it meanwhile.
        _map.GetPage(page);
        FilePages++;
        if (isWrite && !vma.IsShared)
        {
            var copy = AllocPage();
            if (!copy.IsNull)
                Buffer.MemoryCopy(_map.PageData(page), _map.PageData(copy), (long)_page, (long)_page);
            Put(page);
            return copy.IsNull ? FaultResult.OutOfMemory : MapAnonymous(vma, virt, copy, vma.Prot);
        }
        if (isWrite)
            _table.Cache.MarkDirty(page);
        if (TryMapFrame(virt, _map.PageToPhys(page), _table.Prots.Of(isWrite ? vma.Prot : vma.Prot & ~MemProt.Write, vma.Use)))
            return FaultResult.Retry;
        Put(page);
        return FaultResult.OutOfMemory;
    }

    // The page becomes the process's, or is given back.
    private FaultResult MapAnonymous(Vma vma, ulong virt, Page page, MemProt prot)
    {
        if (!IsDead && TryMapFrame(virt, _map.PageToPhys(page), _table.Prots.Of(prot, vma.Use)))
        {
            AnonymousPages++;
            return FaultResult.Retry;
        }
        Cpu.PutPage(page);
        return FaultResult.OutOfMemory;
    }

    private Page AllocPage()
    {
        while (!IsDead)
        {
            var page = Cpu.AllocPage(GfpFlags.HighUserMovable | GfpFlags.NoWarn);
            if (!page.IsNull)
                return page;
            if (!_table.TryRelieve(this))
                break;
        }
        return Page.Null;
    }

    // False where there is no memory for a table, even after a process was ended for it.
    private bool TryMapFrame(ulong virt, PhysAddr phys, PageProt prot)
    {
        while (true)
        {
            var result = Tables.Map(Cpu, new VirtAddr(virt), phys, _page, prot);
            if (result.IsOk)
                return true;
            if (result.Error != PageTableError.NoMemory)
                throw new InvalidOperationException($"The tables of a process refuse {phys} at {new VirtAddr(virt)}: {result}.");
            if (!_table.TryRelieve(this))
                return false;
        }
    }
}
