using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Vmalloc;

/// <summary>What an area of the vmalloc range is for (<c>VM_*</c> of include/linux/vmalloc.h).</summary>
[Flags]
public enum VmAreaFlags
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>VM_IOREMAP: a device's registers.</summary>
    Ioremap = 1,

    /// <summary>VM_ALLOC: pages of its own.</summary>
    Alloc = 2,

    /// <summary>VM_MAP: pages of someone else.</summary>
    Map = 4,

    /// <summary>VM_NO_GUARD: no page behind it is left unmapped.</summary>
    NoGuard = 0x40,

    /// <summary>VM_ALLOW_HUGE_VMAP: large leaves where they fit.</summary>
    AllowHuge = 0x400,
}

/// <summary>A stretch of the vmalloc range that someone has (<c>struct vm_struct</c>).</summary>
public sealed class VmArea
{
    internal VmArea(VirtAddr start, ulong size, VmAreaFlags flags, string caller)
    {
        Start = start;
        Size = size;
        Flags = flags;
        Caller = caller;
    }

    /// <summary>Its first address.</summary>
    public VirtAddr Start { get; }

    /// <summary>Bytes, the guard page included.</summary>
    public ulong Size { get; }

    /// <summary>What it is for.</summary>
    public VmAreaFlags Flags { get; }

    /// <summary>Who asked for it, as <c>/proc/vmallocinfo</c> shows it.</summary>
    public string Caller { get; }

    /// <summary>The pages behind it, in the order of their addresses; empty for a device.</summary>
    public ImmutableArray<Page> Pages { get; internal set; } = [];

    /// <summary>Order of each block of pages: 0, or that of a large leaf.</summary>
    public int PageOrder { get; internal set; }

    /// <summary>A device's first address.</summary>
    public PhysAddr? Phys { get; internal set; }

    /// <summary>Its memory type.</summary>
    public MemoryType MemoryType { get; internal set; }

    /// <summary>Bytes that are mapped.</summary>
    public ulong Mapped { get; internal set; }
}
