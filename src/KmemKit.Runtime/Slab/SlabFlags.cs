using System;

namespace KmemKit.Runtime.Slab;

/// <summary>How a cache behaves (<c>SLAB_*</c>).</summary>
/// <remarks>The kernel's bits. Source: include/linux/slab.h.</remarks>
[Flags]
public enum SlabFlags
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>SLAB_CONSISTENCY_CHECKS (SLAB_DEBUG_FREE of old kernels): each allocation and free is checked. <c>slub_debug=F</c>.</summary>
    ConsistencyChecks = 0x100,

    /// <summary>SLAB_RED_ZONE: bytes of a known value stand on both sides of an object. <c>slub_debug=Z</c>.</summary>
    RedZone = 0x400,

    /// <summary>SLAB_POISON: free objects, fresh objects and padding hold known values. <c>slub_debug=P</c>.</summary>
    Poison = 0x800,

    /// <summary>SLAB_HWCACHE_ALIGN: objects start on cache lines; small ones on a half, a quarter... of one.</summary>
    HardwareCacheAlign = 0x2000,

    /// <summary>SLAB_CACHE_DMA: pages come from ZONE_DMA.</summary>
    CacheDma = 0x4000,

    /// <summary>SLAB_STORE_USER: who allocated and who freed an object is kept behind it. <c>slub_debug=U</c>.</summary>
    StoreUser = 0x10000,

    /// <summary>SLAB_RECLAIM_ACCOUNT: a shrinker can empty it; its pages count as SReclaimable and stand among reclaimable ones.</summary>
    ReclaimAccount = 0x20000,

    /// <summary>SLAB_PANIC: creation throws where it would give null.</summary>
    Panic = 0x40000,

    /// <summary>SLAB_TYPESAFE_BY_RCU: pages go back only after a grace period, so that a stale pointer still sees an object of this type.</summary>
    TypesafeByRcu = 0x80000,

    /// <summary>SLAB_TRACE: each allocation and free is reported. <c>slub_debug=T</c>.</summary>
    Trace = 0x200000,

    /// <summary>SLAB_NOTRACK: accepted; there is no kmemcheck here.</summary>
    NoTrack = 0x800000,

    /// <summary>SLAB_NO_MERGE: never shared with another cache.</summary>
    NoMerge = 0x1000000,

    /// <summary>SLAB_FAILSLAB: allocations fail when fault injection says so. <c>slub_debug=A</c>.</summary>
    FailSlab = 0x2000000,

    /// <summary>SLAB_ACCOUNT: accepted; there are no memory control groups here.</summary>
    Account = 0x4000000,

    /// <summary>The flags of <c>slub_debug</c> that change what is done for each object: such a cache has no per-CPU objects.</summary>
    Debug = ConsistencyChecks | RedZone | Poison | StoreUser | Trace,
}
