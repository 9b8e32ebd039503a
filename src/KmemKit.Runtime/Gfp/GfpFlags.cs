using System;
using System.Diagnostics.CodeAnalysis;

namespace KmemKit.Runtime.Gfp;

/// <summary>GFP flags: from which zones a page may come, what the allocator may do to get it, and what kind of page it becomes.</summary>
/// <remarks>The kernel's names in .NET casing (<c>__GFP_HIGHMEM</c> is <see cref="HighMem"/>, <c>GFP_KERNEL</c> is <see cref="Kernel"/>) and its bits. Source: include/linux/gfp_types.h.</remarks>
[Flags]
[SuppressMessage("Design", "CA1069:Enums values should not be duplicated", Justification = "GFP_NOWAIT and __GFP_KSWAPD_RECLAIM are the same bits under two names, as in the kernel.")]
public enum GfpFlags
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>__GFP_DMA: from ZONE_DMA.</summary>
    DmaZone = 0x01,

    /// <summary>__GFP_HIGHMEM: may come from ZONE_HIGHMEM.</summary>
    HighMem = 0x02,

    /// <summary>__GFP_DMA32: from ZONE_DMA32 or below.</summary>
    Dma32Zone = 0x04,

    /// <summary>__GFP_MOVABLE: can be moved; with <see cref="HighMem"/> it may come from ZONE_MOVABLE.</summary>
    Movable = 0x08,

    /// <summary>__GFP_RECLAIMABLE: given up by a shrinker.</summary>
    Reclaimable = 0x10,

    /// <summary>__GFP_HIGH: may dip into the reserves.</summary>
    High = 0x20,

    /// <summary>__GFP_IO: a reclaimer may start I/O.</summary>
    IO = 0x40,

    /// <summary>__GFP_FS: a reclaimer may call into a file system.</summary>
    FS = 0x80,

    /// <summary>__GFP_ZERO: filled with zeroes.</summary>
    Zero = 0x100,

    /// <summary>__GFP_DIRECT_RECLAIM: the caller can sleep, so reclaimers may be called on its behalf.</summary>
    DirectReclaim = 0x400,

    /// <summary>__GFP_KSWAPD_RECLAIM: kswapd is woken when memory is low.</summary>
    KswapdReclaim = 0x800,

    /// <summary>__GFP_RECLAIM: both.</summary>
    Reclaim = DirectReclaim | KswapdReclaim,

    /// <summary>__GFP_NOWARN: a failure is not reported.</summary>
    NoWarn = 0x2000,

    /// <summary>__GFP_RETRY_MAYFAIL: tries hard, and may fail.</summary>
    RetryMayFail = 0x4000,

    /// <summary>__GFP_NOFAIL: never gives null.</summary>
    NoFail = 0x8000,

    /// <summary>__GFP_NORETRY: one round of reclaim at most.</summary>
    NoRetry = 0x10000,

    /// <summary>__GFP_MEMALLOC: no watermark holds; the caller will free more than it takes.</summary>
    MemAlloc = 0x20000,

    /// <summary>__GFP_COMP: the pages form a compound page.</summary>
    Comp = 0x40000,

    /// <summary>__GFP_NOMEMALLOC: watermarks hold, <see cref="MemAlloc"/> notwithstanding.</summary>
    NoMemAlloc = 0x80000,

    /// <summary>__GFP_HARDWALL: accepted; there are no cpusets here.</summary>
    HardWall = 0x100000,

    /// <summary>__GFP_THISNODE: from the CPU's own node only.</summary>
    ThisNode = 0x200000,

    /// <summary>GFP_ATOMIC: cannot sleep, may use part of the reserves.</summary>
    Atomic = High | KswapdReclaim,

    /// <summary>GFP_KERNEL: the kernel's own pages; may sleep.</summary>
    Kernel = Reclaim | IO | FS,

    /// <summary>GFP_NOWAIT: cannot sleep, does not use the reserves.</summary>
    NoWait = KswapdReclaim,

    /// <summary>GFP_NOIO: may sleep, starts no I/O.</summary>
    NoIO = Reclaim,

    /// <summary>GFP_NOFS: may sleep and start I/O, calls no file system.</summary>
    NoFS = Reclaim | IO,

    /// <summary>GFP_USER: user pages that the kernel reaches directly.</summary>
    User = Reclaim | IO | FS | HardWall,

    /// <summary>GFP_DMA.</summary>
    Dma = DmaZone,

    /// <summary>GFP_DMA32.</summary>
    Dma32 = Dma32Zone,

    /// <summary>GFP_HIGHUSER: user pages from anywhere.</summary>
    HighUser = User | HighMem,

    /// <summary>GFP_HIGHUSER_MOVABLE: user pages from anywhere that can be moved.</summary>
    HighUserMovable = HighUser | Movable,
}
