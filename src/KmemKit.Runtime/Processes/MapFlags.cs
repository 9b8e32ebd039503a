using System;

namespace KmemKit.Runtime.Processes;

/// <summary>PROT_* of mmap (include/uapi/asm-generic/mman-common.h).</summary>
[Flags]
public enum MemProt
{
    /// <summary>PROT_NONE.</summary>
    None = 0,

    /// <summary>PROT_READ.</summary>
    Read = 1,

    /// <summary>PROT_WRITE; the architectures here read what they may write.</summary>
    Write = 2,

    /// <summary>PROT_EXEC.</summary>
    Exec = 4,
}

/// <summary>MAP_* of mmap, with the numbers of asm-generic.</summary>
[Flags]
public enum MapFlags
{
    /// <summary>None: refused, as one of Shared and Private has to be there.</summary>
    None = 0,

    /// <summary>MAP_SHARED.</summary>
    Shared = 1,

    /// <summary>MAP_PRIVATE.</summary>
    Private = 2,

    /// <summary>MAP_FIXED: there and nowhere else, in place of what is mapped.</summary>
    Fixed = 0x10,

    /// <summary>MAP_ANONYMOUS: no file.</summary>
    Anonymous = 0x20,

    /// <summary>MAP_GROWSDOWN: a stack.</summary>
    GrowsDown = 0x100,

    /// <summary>MAP_LOCKED: populated, and never reclaimed.</summary>
    Locked = 0x2000,

    /// <summary>MAP_NORESERVE: not counted against the commit limit, unless overcommit is never allowed.</summary>
    NoReserve = 0x4000,

    /// <summary>MAP_POPULATE: pages are brought in at once.</summary>
    Populate = 0x8000,

    /// <summary>MAP_FIXED_NOREPLACE: there, and refused where something is.</summary>
    FixedNoReplace = 0x100000,
}

/// <summary>MREMAP_* of mremap.</summary>
[Flags]
public enum RemapFlags
{
    /// <summary>In place or not at all.</summary>
    None = 0,

    /// <summary>MREMAP_MAYMOVE.</summary>
    MayMove = 1,

    /// <summary>MREMAP_FIXED: to a given address, in place of what is there; with MayMove.</summary>
    Fixed = 2,
}

/// <summary>VM_* of an area, with the kernel's numbers (include/linux/mm.h).</summary>
[Flags]
public enum VmFlags : ulong
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>VM_READ.</summary>
    Read = 1,

    /// <summary>VM_WRITE.</summary>
    Write = 2,

    /// <summary>VM_EXEC.</summary>
    Exec = 4,

    /// <summary>VM_SHARED: stores reach the file.</summary>
    Shared = 8,

    /// <summary>VM_MAYREAD: mprotect may grant it.</summary>
    MayRead = 0x10,

    /// <summary>VM_MAYWRITE.</summary>
    MayWrite = 0x20,

    /// <summary>VM_MAYEXEC.</summary>
    MayExec = 0x40,

    /// <summary>VM_MAYSHARE: mapped shared, if only for reading.</summary>
    MayShare = 0x80,

    /// <summary>VM_GROWSDOWN: a stack.</summary>
    GrowsDown = 0x100,

    /// <summary>VM_PFNMAP: frames without page descriptors' references (remap_pfn_range).</summary>
    PfnMap = 0x400,

    /// <summary>VM_LOCKED: pages stay.</summary>
    Locked = 0x2000,

    /// <summary>VM_IO: a device's memory; not in a core dump, not read by ptrace.</summary>
    Io = 0x4000,

    /// <summary>VM_DONTCOPY: not for a child.</summary>
    DontCopy = 0x20000,

    /// <summary>VM_DONTEXPAND: mremap may not make it larger.</summary>
    DontExpand = 0x40000,

    /// <summary>VM_RESERVED: not swapped out; up to 3.6, from where on <see cref="DontExpand"/> with <see cref="DontDump"/> stands for it.</summary>
    Reserved = 0x80000,

    /// <summary>VM_ACCOUNT: counted against the commit limit.</summary>
    Account = 0x100000,

    /// <summary>VM_NORESERVE.</summary>
    NoReserve = 0x200000,

    /// <summary>VM_DONTDUMP.</summary>
    DontDump = 0x4000000,

    /// <summary>VM_READ, VM_WRITE and VM_EXEC.</summary>
    Access = Read | Write | Exec,
}
