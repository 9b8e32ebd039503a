using System;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab;

/// <summary>The slabs of one cache: what lies behind the CPUs' arrays. SLAB and SLUB differ here and nowhere else.</summary>
/// <remarks>
/// <para>Locks: a CPU's array, then <see cref="Lock"/>, then the page allocator's. Pages are allocated and freed with none of them held, as the request may
/// come back to shrink this very cache. So a batch is taken under the lock, and when there is none, <see cref="Grow"/> brings a slab and one tries again.</para>
/// <para>A slab is named by the number of its first page. <see cref="Give"/> and <see cref="PutBack"/> return slabs that are no longer wanted, linked by
/// <see cref="SlabInfo.Next"/>; the caller lets go of its locks and hands them to <see cref="Discard"/>.</para>
/// </remarks>
internal abstract unsafe class SlabbedStore(KmemCache cache) : ObjectStore(cache)
{
    /// <summary>list_lock.</summary>
    public int Lock;

    /// <summary>Slabs that went back after all their objects were freed, and how many wait for a grace period.</summary>
    public long SlabsFreed { get; private set; }

    /// <summary>Takes up to <paramref name="wanted"/> objects from slabs that are there.</summary>
    public abstract int Take(int cpu, byte** into, int wanted);

    /// <summary>Gives objects back.</summary>
    /// <returns>Slabs for <see cref="Discard"/>.</returns>
    public abstract uint Give(int cpu, byte** objects, int count);

    /// <summary>A slot to give out; the lock is held.</summary>
    public abstract bool TryTakeSlot(int cpu, out uint head, out int index);

    /// <summary>Frees a slot; the lock is held.</summary>
    /// <returns>Slabs for <see cref="Discard"/>.</returns>
    public abstract uint PutBack(int cpu, uint head, int index);

    /// <summary>Whether a slot is free; the lock is held.</summary>
    public abstract bool IsFree(uint head, int index);

    /// <summary>Slots of a slab that are not free.</summary>
    public abstract int UsedOf(uint head);

    /// <summary>The slot of a slab that would be given out next; -1 where none is free.</summary>
    public abstract int NextFreeOf(uint head);

    /// <summary>Takes a damaged slab out of use: its slots count as used for ever. The lock is held.</summary>
    public abstract void WriteOff(uint head);

    /// <summary>Whether a slab was taken out of use.</summary>
    public abstract bool IsWrittenOff(uint head);

    /// <summary>Takes all slabs without used objects off the lists; arrays are empty.</summary>
    /// <returns>Slabs for <see cref="Discard"/>.</returns>
    public abstract uint TakeEmpty();

    /// <summary>Gives up to <paramref name="slabs"/> wholly free slabs up that wait for use.</summary>
    public abstract uint TakeEmpty(int slabs);

    public abstract SlabView ViewOf(uint head);

    /// <summary>The object that a slab's bitmap or table lies in; null where it needs none.</summary>
    public virtual byte* BookOf(uint head) => null;

    /// <summary>The first page of the slab that a page of this cache belongs to.</summary>
    public uint HeadOf(uint page) => page & ~((1u << ((Ram.OwnerOf(page) & PageOwner.Small) != 0 ? SmallOrder : Order)) - 1);

    /// <summary>An object that the debugger has looked at; the lock is held.</summary>
    public byte* TakeChecked(Cpu cpu, int requested, AllocationSite site)
    {
        while (TryTakeSlot(cpu.Number, out var head, out var index))
        {
            var view = ViewOf(head);
            if (Allocator.Debugger?.AllocProcessing(cpu, view, index, requested, site) ?? true)
                return view.ObjectAt(index);
            WriteOff(head);
        }
        return null;
    }

    /// <summary>Brings a slab.</summary>
    /// <returns>False when there are no pages.</returns>
    public bool Grow(Cpu cpu, GfpFlags flags)
    {
        var want = ObjectAllocator.PageFlagsOf(Cache, flags);
        // A large slab is a wish: it may take nobody's time, and its failure is no news.
        var small = SmallOrder;
        var wish = Order == small ? want : (want | GfpFlags.NoWarn | GfpFlags.NoRetry) & ~(GfpFlags.DirectReclaim | GfpFlags.NoFail);
        var order = Order;
        var page = Allocator.TakePages(cpu, wish, order, Cache.Id);
        if (page.IsNull && Order != small)
        {
            order = small;
            page = Allocator.TakePages(cpu, want, order, Cache.Id | PageOwner.Small);
        }
        if (page.IsNull)
            return false;
        var head = page.Index;
        var info = Ram.InfoOf(head);
        info->Start();
        if (!Prepare(cpu, flags, head, info))
        {
            Allocator.ReturnPages(cpu, head, order);
            return false;
        }
        var view = ViewOf(head);
        if (Cache.IsWatched)
            Allocator.Debugger?.SlabCreated(cpu, view);
        if (Cache.Constructor is { } construct)
        {
            for (var i = 0; i < view.Objects; i++)
                construct(view.ObjectAt(i));
        }
        ZoneLock.Acquire(ref Lock);
        PagesHeld += 1L << order;
        Add(cpu.Number, head, info);
        ZoneLock.Release(ref Lock);
        return true;
    }

    /// <summary>Gives slabs of free objects back to the page allocator, at once or after a grace period. No lock is held.</summary>
    /// <returns>Pages.</returns>
    public long Discard(Cpu cpu, uint slabs)
    {
        var pages = 0L;
        while (slabs != SlabInfo.None)
        {
            var head = slabs;
            var info = Ram.InfoOf(head);
            slabs = info->Next;
            pages += 1L << Ram.OrderOf(head);
            SlabsFreed++;
            if ((Cache.Flags & SlabFlags.TypesafeByRcu) != 0)
                Allocator.Defer(Cache, head);
            else
                Destroy(cpu, head);
        }
        return pages;
    }

    /// <summary>The end of a slab.</summary>
    public void Destroy(Cpu cpu, uint head)
    {
        var view = ViewOf(head);
        if (Cache.IsWatched)
            Allocator.Debugger?.SlabDestroyed(cpu, view);
        if (Cache.Destructor is { } destroy)
        {
            for (var i = 0; i < view.Objects; i++)
                destroy(view.ObjectAt(i));
        }
        var order = Ram.OrderOf(head);
        Dispose(cpu, head);
        Allocator.ReturnPages(cpu, head, order);
    }

    /// <summary>Order of a slab when memory is fragmented; the usual one where it cannot be less.</summary>
    protected virtual int SmallOrder => Order;

    /// <summary>Makes the books of a fresh slab, all of whose slots are free.</summary>
    /// <returns>False when there is no memory for them.</returns>
    protected abstract bool Prepare(Cpu cpu, GfpFlags flags, uint head, SlabInfo* info);

    /// <summary>Puts a fresh slab to use; the lock is held.</summary>
    protected abstract void Add(int cpu, uint head, SlabInfo* info);

    /// <summary>Gives up what <see cref="Prepare"/> took.</summary>
    protected abstract void Dispose(Cpu cpu, uint head);
}
