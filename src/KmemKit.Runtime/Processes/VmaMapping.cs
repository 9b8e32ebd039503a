using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Mmu;

namespace KmemKit.Runtime.Processes;

/// <summary>A new area as its driver sees it (<c>struct vm_area_struct</c> in <c>file_operations.mmap</c>).</summary>
public sealed class VmaMapping
{
    private readonly ProcessTable _table;
    private readonly AddressSpace _space;
    private readonly Vma _vma;

    internal VmaMapping(ProcessTable table, AddressSpace space, Vma vma) => (_table, _space, _vma) = (table, space, vma);

    /// <summary>vm_start.</summary>
    public VirtAddr Start => _vma.FirstAddress;

    /// <summary>vm_end less vm_start.</summary>
    public ulong Bytes => _vma.Bytes;

    /// <summary>vm_pgoff in bytes: where in the device's memory.</summary>
    public ulong Offset => _vma.PageOffset << _table.Kernel.Layout.Pages.PageShift;

    /// <summary>vm_flags; the driver adds VM_IO, VM_RESERVED and others.</summary>
    public VmFlags Flags
    {
        get => _vma.Flags;
        set => _vma.Flags = value;
    }

    /// <summary>vm_page_prot's memory type: pgprot_noncached, pgprot_writecombine, or cached as RAM is.</summary>
    public MemoryUse Use
    {
        get => _vma.Use;
        set => _vma.Use = value;
    }

    /// <summary>Maps frames in a row, a device's or reserved RAM (<c>remap_pfn_range</c>).</summary>
    /// <param name="address">A user address in the area.</param>
    /// <param name="frame">The first frame.</param>
    /// <param name="size">Bytes.</param>
    /// <returns>
    /// EINVAL for addresses that are no whole pages of the area, for a part of a private writable area, for frames that the tables cannot say, and for RAM or registers that are mapped
    /// with another memory type; EEXIST where something is mapped; ENOMEM.
    /// </returns>
    /// <remarks>The frames are not counted: who gave them keeps them as long as the mapping lives. The area becomes VM_IO and VM_PFNMAP, and VM_RESERVED up to kernel 3.6 or VM_DONTEXPAND and VM_DONTDUMP from 3.7 on.</remarks>
    public Errno RemapPfnRange(VirtAddr address, PageFrame frame, ulong size)
    {
        var kernel = _table.Kernel;
        var page = kernel.Layout.Pages.PageSize;
        if (size == 0 || ((address.Value | size) & (page - 1)) != 0 || address < Start || size > Bytes || address.Value - Start.Value > Bytes - size)
            return Errno.InvalidArgument;
        if (_vma.IsCow)
        {
            if (size != Bytes)
                return Errno.InvalidArgument;
            _vma.PageOffset = frame.Number;
        }
        var prot = _table.Prots.Of(_vma.Prot, Use);
        var phys = kernel.Layout.Pages.ToAddress(frame);
        if (size - 1 > ulong.MaxValue - phys.Value)
            return Errno.InvalidArgument;
        // track_pfn_remap: all mappings of a frame have one memory type.
        var typed = new TypedMapping(new PhysRange(phys, size), prot.Attributes.Memory, address, _vma.File?.Path ?? "");
        if (kernel.Types.TryAdd(typed) is not null)
            return Errno.InvalidArgument;
        if (_vma.Prot != MemProt.None)
        {
            var result = _space.Tables.Map(_table.PageCpu, address, phys, size, prot);
            if (!result.IsOk)
            {
                kernel.Types.Remove(typed);
                return result.Error switch
                {
                    PageTableError.NoMemory => Errno.NoMemory,
                    PageTableError.AlreadyMapped => Errno.Exists,
                    _ => Errno.InvalidArgument,
                };
            }
        }
        else
        {
            _space.Park(address.Value, phys, size);
        }
        _space.Remember(typed);
        _vma.Flags |= VmFlags.Io | VmFlags.PfnMap
            | (_table.Kernel.Booted.Statistics.Build.IsSince(3, 7) ? VmFlags.DontExpand | VmFlags.DontDump : VmFlags.Reserved);
        return Errno.None;
    }
}
