using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Slob;

/// <summary>A cache of SLOB: a size and an alignment; its objects lie where there is room.</summary>
/// <remarks>
/// The free objects of a cache are not its own, so a constructor runs at each allocation, as in the kernel; a slab has nothing to shrink. Objects of a page and more are
/// blocks of pages.
/// </remarks>
internal sealed unsafe class SlobStore(KmemCache cache, SlobHeap heap) : ObjectStore(cache)
{
    private readonly List<nint> _deferred = [];
    private long _live;

    public override int Order => 0;

    public override int ObjectsPerSlab => 0;

    private bool IsLarge => Cache.Layout.Size >= Allocator.PageSize;

    public override ArrayPlan PlanArrays() => default;

    /// <summary>An object, constructed; null without memory.</summary>
    public byte* Take(Cpu cpu, GfpFlags flags)
    {
        byte* item;
        if (IsLarge)
        {
            var page = Allocator.TakePages(cpu, ObjectAllocator.CallerFlags(flags), cpu.GetOrder((ulong)Cache.Layout.Size), Cache.Id);
            item = page.IsNull ? null : Ram.HostOf(page.Index);
            if (item is not null)
                Allocator.CountBlockPages(1L << Ram.OrderOf(page.Index));
        }
        else
        {
            item = heap.Alloc(cpu, Cache.Layout.Size, Cache.Layout.Align, flags);
        }
        if (item is null)
            return null;
        Interlocked.Increment(ref _live);
        if (Cache.Constructor is { } construct)
            construct(item);
        return item;
    }

    /// <summary>Frees an object, or after a grace period.</summary>
    public void Give(Cpu cpu, void* item)
    {
        Interlocked.Decrement(ref _live);
        if ((Cache.Flags & SlabFlags.TypesafeByRcu) != 0)
        {
            lock (_deferred)
                _deferred.Add((nint)item);
            Allocator.Defer(this);
            return;
        }
        Put(cpu, item);
    }

    /// <summary>Frees what was freed before a grace period.</summary>
    public void EndGracePeriod(Cpu cpu)
    {
        nint[] items;
        lock (_deferred)
        {
            items = [.. _deferred];
            _deferred.Clear();
        }
        foreach (var item in items)
            Put(cpu, (void*)item);
    }

    public override SlabCounts Count() => new(Interlocked.Read(ref _live), Interlocked.Read(ref _live), 0, 0, 0, 0);

    // SLOB has no slabs to look at.
    public override void Visit(SlabVisitor visitor)
    {
    }

    private void Put(Cpu cpu, void* item)
    {
        if (Cache.Destructor is { } destroy)
            destroy(item);
        if (!IsLarge)
        {
            heap.Free(cpu, (byte*)item, Cache.Layout.Size);
        }
        else if (Ram.TryIndex(item, out var page))
        {
            var order = Ram.OrderOf(page);
            Allocator.CountBlockPages(-(1L << order));
            Allocator.ReturnPages(cpu, page, order);
        }
    }
}
