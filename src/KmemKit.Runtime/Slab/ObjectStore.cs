using System;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>Where the objects of one cache come from: slabs of its own (<see cref="SlabbedStore"/>), or SLOB's pages, which all caches share (<see cref="Slob.SlobStore"/>).</summary>
internal abstract unsafe class ObjectStore
{
    protected ObjectStore(KmemCache cache)
    {
        Cache = cache;
        Allocator = cache.Allocator;
        Map = Allocator.Pages.Map;
        Ram = Allocator.Ram;
    }

    /// <summary>Order of a usual slab; 0 without slabs.</summary>
    public abstract int Order { get; }

    /// <summary>Objects of a usual slab; 0 without slabs.</summary>
    public abstract int ObjectsPerSlab { get; }

    protected KmemCache Cache { get; }

    protected ObjectAllocator Allocator { get; }

    protected PageMap Map { get; }

    protected RamWindow Ram { get; }

    /// <summary>Pages of the slabs on its lists or in use; changed under the lock.</summary>
    public long PagesHeld;

    /// <summary>Whether its pages count as reclaimable.</summary>
    public bool IsReclaimable => (Cache.Flags & SlabFlags.ReclaimAccount) != 0;

    /// <summary>The arrays in front.</summary>
    public abstract ArrayPlan PlanArrays();

    public abstract SlabCounts Count();

    public abstract void Visit(SlabVisitor visitor);
}
