using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Proc;

namespace KmemKit.Runtime.Slab;

/// <summary>Pages for slabs and back, and slabs that wait for a grace period.</summary>
public sealed unsafe partial class ObjectAllocator
{
    private readonly List<(KmemCache Cache, uint Head)> _deferred = [];
    private readonly HashSet<uint> _deferredHeads = [];
    private readonly HashSet<Slob.SlobStore> _deferredStores = [];
    // Of kmalloc's large sizes and of SLOB; those of slabs are counted by their caches, under their locks.
    private long _blockPages;

    /// <summary>Says how many pages slabs have, for /proc/meminfo, zoneinfo and vmstat.</summary>
    /// <param name="use">What other parts of the kernel hold.</param>
    public MemoryUse AddTo(MemoryUse use)
    {
        ArgumentNullException.ThrowIfNull(use);
        return use with { SlabReclaimable = (ulong)ReclaimablePages, SlabUnreclaimable = (ulong)UnreclaimablePages };
    }

    internal void CountBlockPages(long pages) => Interlocked.Add(ref _blockPages, pages);

    private long PagesOf(bool reclaimable)
    {
        var pages = 0L;
        lock (_sync)
        {
            foreach (var cache in _caches)
                pages += cache.Store.IsReclaimable == reclaimable ? Interlocked.Read(ref cache.Store.PagesHeld) : 0;
        }
        lock (_deferred)
        {
            foreach (var (cache, head) in _deferred)
                pages += cache.Store.IsReclaimable == reclaimable ? 1L << Ram.OrderOf(head) : 0;
        }
        return pages;
    }

    /// <summary>Slabs of <see cref="SlabFlags.TypesafeByRcu"/> caches that wait for the grace period to end.</summary>
    public int DeferredSlabs
    {
        get
        {
            lock (_deferred)
                return _deferred.Count;
        }
    }

    /// <summary>
    /// Says that every reader that could hold a pointer into a slab freed before has let go of it (the end of an RCU grace period): those slabs' pages go back.
    /// </summary>
    /// <param name="cpu">The CPU that does it.</param>
    /// <returns>Pages.</returns>
    public long EndGracePeriod(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        (KmemCache Cache, uint Head)[] slabs;
        Slob.SlobStore[] stores;
        lock (_deferred)
        {
            slabs = [.. _deferred];
            stores = [.. _deferredStores];
            _deferredStores.Clear();
            _deferred.Clear();
            _deferredHeads.Clear();
        }
        foreach (var store in stores)
            store.EndGracePeriod(cpu);
        var pages = 0L;
        foreach (var (cache, head) in slabs)
        {
            pages += 1L << Ram.OrderOf(head);
            cache.Slabs.Destroy(cpu, head);
        }
        foreach (var (cache, _) in slabs)
        {
            if (cache.References == 0)
                Forget(cache);
        }
        return pages;
    }

    /// <summary>Marks pages of a sampling checker: a free of an address on them comes to <see cref="ObjectDebugger.FreeSampled"/>, whatever cache is named.</summary>
    /// <param name="page">Allocated pages of the caller's own.</param>
    /// <param name="order">Their order.</param>
    public void ClaimGuarded(Page page, int order) => Ram.SetOwner(Pages.Map.Check(page), order, PageOwner.Guarded);

    /// <summary>Ends what <see cref="ClaimGuarded"/> began; the pages are the caller's to free.</summary>
    public void ReleaseGuarded(Page page, int order) => Ram.SetOwner(Pages.Map.Check(page), order, PageOwner.None);

    /// <summary>
    /// Makes the next allocation on a CPU that the debugger may serve itself ask <see cref="ObjectDebugger.AllocSampled"/>. Any thread may call it, as a timer does. The
    /// fast paths pay nothing: each cache's array sends one call to the slow path.
    /// </summary>
    public void ArmSample(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var header = (ObjectCpu*)cpu.Objects;
        Volatile.Write(ref header->Armed, 1);
        for (var id = 1; id <= _highestId; id++)
            Volatile.Write(ref ((ObjectArray*)cpu.Objects + id)->Limit, 0);
    }

    internal bool IsGuarded(void* item) => Ram.TryIndex(item, out var page) && Ram.OwnerOf(page) == PageOwner.Guarded;

    internal bool TakeSample(Cpu cpu)
    {
        var header = (ObjectCpu*)cpu.Objects;
        return Volatile.Read(ref header->Armed) != 0 && Interlocked.Exchange(ref header->Armed, 0) != 0;
    }

    internal bool IsDeferred(uint head)
    {
        lock (_deferred)
            return _deferredHeads.Contains(head);
    }

    internal void Defer(Slob.SlobStore store)
    {
        lock (_deferred)
            _deferredStores.Add(store);
    }

    internal void Defer(KmemCache cache, uint head)
    {
        lock (_deferred)
        {
            _deferred.Add((cache, head));
            _deferredHeads.Add(head);
        }
    }

    /// <summary>The flags of a request for slab pages: the caller says what may be done for them, the cache where from and which kind (<c>allocate_slab</c>).</summary>
    internal static GfpFlags PageFlagsOf(KmemCache cache, GfpFlags flags)
    {
        var own = (cache.Flags & SlabFlags.CacheDma) != 0 ? GfpFlags.DmaZone : GfpFlags.None;
        if ((cache.Flags & SlabFlags.ReclaimAccount) != 0)
            own |= GfpFlags.Reclaimable;
        return CallerFlags(flags) | own;
    }

    /// <summary>What a caller's flags say about how hard to try, and nothing about where from.</summary>
    internal static GfpFlags CallerFlags(GfpFlags flags)
    {
        const GfpFlags Caller = GfpFlags.Reclaim | GfpFlags.High | GfpFlags.IO | GfpFlags.FS | GfpFlags.NoWarn | GfpFlags.RetryMayFail | GfpFlags.NoFail
            | GfpFlags.NoRetry | GfpFlags.MemAlloc | GfpFlags.NoMemAlloc | GfpFlags.HardWall | GfpFlags.ThisNode;
        return flags & Caller;
    }

    internal Page TakePages(Cpu cpu, GfpFlags flags, int order, int owner)
    {
        if (Debugger is { } debugger && debugger.ShouldFailPages(flags, order))
            return Page.Null;
        var page = cpu.AllocPages(order == 0 ? flags : flags | GfpFlags.Comp, order);
        if (page.IsNull)
            return page;
        var head = page.Index;
        // Nobody else knows the page yet: no locked instruction is needed for its flag.
        ((PageDescriptor*)Ram.InfoOf(head))->Flags = (int)PageFlags.Slab;
        Ram.States[head] |= PageState.Marked;
        Ram.SetOwner(head, order, owner);
        return page;
    }

    internal void ReturnPages(Cpu cpu, uint head, int order)
    {
        Ram.SetOwner(head, order, PageOwner.None);
        var descriptor = (PageDescriptor*)Ram.InfoOf(head);
        // Someone may hold a reference, or have set a flag: then freeing has to look at it.
        if (Volatile.Read(ref descriptor->ExtraReferences) == 0 && (descriptor->Flags & SlabInfo.PageFlagMask) == (int)PageFlags.Slab)
        {
            *descriptor = default;
            Ram.States[head] &= unchecked((byte)~PageState.Marked);
        }
        else
        {
            Interlocked.And(ref descriptor->Flags, SlabInfo.PageFlagMask & ~(int)PageFlags.Slab);
            (descriptor->Private, descriptor->Mapping) = (0, 0);
        }
        cpu.FreePages(new Page(head), order);
    }
}
