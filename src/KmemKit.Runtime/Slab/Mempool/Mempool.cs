using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Slab.Mempool;

/// <summary>Elements of which some are kept back for when memory is exhausted (<c>mempool_t</c>): who frees what it takes always comes forward.</summary>
/// <remarks>
/// <para>An allocation first asks the memory below, without waiting; when that has nothing, it takes one of the elements kept back; when those are out as well and the
/// request may sleep, it waits until one is freed. A free fills the reserve up first. So a request that may sleep fails only when nobody frees anything.</para>
/// <para>Threads may use a pool at once, each with its own CPU. Source: mm/mempool.c.</para>
/// </remarks>
public abstract unsafe class Mempool
{
    // Not a Lock: who waits for an element waits on it.
    private readonly object _sync = new();
    private readonly Stack<nint> _reserve = [];
    private bool _destroyed;

    /// <summary>A pool that is still empty: <see cref="TryFill"/> makes it whole.</summary>
    /// <param name="minimum">Elements kept back, at least 1.</param>
    private protected Mempool(int minimum)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        Minimum = minimum;
    }

    /// <summary>How many elements are kept back (<c>min_nr</c>).</summary>
    public int Minimum { get; private set; }

    /// <summary>How many of them are there now (<c>curr_nr</c>).</summary>
    public int Reserved
    {
        get
        {
            lock (_sync)
                return _reserve.Count;
        }
    }

    /// <summary>How long a request that may sleep waits for an element to be freed, 5 s unless set. The kernel's waits for ever.</summary>
    public TimeSpan Patience { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>A pool over a cache (<c>mempool_create_slab_pool</c>).</summary>
    /// <returns>Null when there is no memory for the reserve.</returns>
    public static Mempool? OfCache(Cpu cpu, KmemCache cache, int minimum)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return Created(cpu, new CachePool(cache, minimum));
    }

    /// <summary>A pool over kmalloc (<c>mempool_create_kmalloc_pool</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="objects">The allocator.</param>
    /// <param name="size">Bytes of an element.</param>
    /// <param name="minimum">Elements kept back.</param>
    /// <returns>Null when there is no memory for the reserve.</returns>
    public static Mempool? OfKmalloc(Cpu cpu, ObjectAllocator objects, int size, int minimum)
    {
        ArgumentNullException.ThrowIfNull(objects);
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        return Created(cpu, new KmallocPool(objects, size, minimum));
    }

    /// <summary>A pool of blocks of 2^<paramref name="order"/> pages (<c>mempool_create_page_pool</c>); its elements are the blocks' host addresses.</summary>
    /// <returns>Null when there is no memory for the reserve.</returns>
    public static Mempool? OfPages(Cpu cpu, ObjectAllocator objects, int order, int minimum)
    {
        ArgumentNullException.ThrowIfNull(objects);
        return Created(cpu, new PagePool(objects, order, minimum));
    }

    /// <summary>Takes an element (<c>mempool_alloc</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="flags">What may be done for it; <see cref="GfpFlags.Zero"/> is refused, as elements of the reserve are not cleared.</param>
    /// <returns>Null only when the reserve is out and the request may not sleep, or <see cref="Patience"/> ended.</returns>
    public void* Alloc(Cpu cpu, GfpFlags flags)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if ((flags & GfpFlags.Zero) != 0)
            throw new ArgumentException("Elements of a pool's reserve hold what they held: clear them where they are used.", nameof(flags));
        ObjectDisposedException.ThrowIf(_destroyed, this);
        flags |= GfpFlags.NoMemAlloc | GfpFlags.NoRetry | GfpFlags.NoWarn;
        var start = Stopwatch.GetTimestamp();
        for (var hurried = flags & ~(GfpFlags.DirectReclaim | GfpFlags.IO); ; hurried = flags)
        {
            var element = AllocElement(cpu, hurried);
            if (element is not null)
                return element;
            lock (_sync)
            {
                if (_reserve.TryPop(out var kept))
                    return (void*)kept;
                if (hurried != flags)
                    continue;
                var left = Patience - Stopwatch.GetElapsedTime(start);
                if (!GfpRules.MaySleep(flags) || left <= TimeSpan.Zero || !Monitor.Wait(_sync, left))
                    return null;
            }
        }
    }

    /// <summary>Gives an element back (<c>mempool_free</c>): to the reserve until it is full, else to the memory below. Null is ignored.</summary>
    public void Free(Cpu cpu, void* element)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (element is null)
            return;
        lock (_sync)
        {
            if (_reserve.Count < Minimum)
            {
                _reserve.Push((nint)element);
                Monitor.Pulse(_sync);
                return;
            }
        }
        FreeElement(cpu, element);
    }

    /// <summary>Changes how many elements are kept back (<c>mempool_resize</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="minimum">At least 1.</param>
    /// <returns>False when there is no memory for more: then it keeps what it has, and fills up as elements are freed.</returns>
    public bool Resize(Cpu cpu, int minimum)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentOutOfRangeException.ThrowIfLessThan(minimum, 1);
        var surplus = new List<nint>();
        lock (_sync)
        {
            Minimum = minimum;
            while (_reserve.Count > minimum)
                surplus.Add(_reserve.Pop());
        }
        foreach (var element in surplus)
            FreeElement(cpu, (void*)element);
        return TryFill(cpu);
    }

    /// <summary>Gives the reserve back (<c>mempool_destroy</c>).</summary>
    /// <returns>False when elements are still out: the reserve is given back all the same, and nothing can be allocated any more.</returns>
    public bool Destroy(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        nint[] kept;
        lock (_sync)
        {
            _destroyed = true;
            kept = _reserve.ToArray();
            _reserve.Clear();
        }
        foreach (var element in kept)
            FreeElement(cpu, (void*)element);
        return kept.Length == Minimum;
    }

    /// <summary>Asks the memory below.</summary>
    private protected abstract void* AllocElement(Cpu cpu, GfpFlags flags);

    /// <summary>Gives back to the memory below.</summary>
    private protected abstract void FreeElement(Cpu cpu, void* element);

    private static Mempool? Created(Cpu cpu, Mempool pool)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (pool.TryFill(cpu))
            return pool;
        pool.Destroy(cpu);
        return null;
    }

    private bool TryFill(Cpu cpu)
    {
        while (Reserved < Minimum)
        {
            var element = AllocElement(cpu, GfpFlags.Kernel | GfpFlags.NoWarn);
            if (element is null)
                return false;
            Free(cpu, element);
        }
        return true;
    }

    private sealed class CachePool(KmemCache cache, int minimum) : Mempool(minimum)
    {
        private protected override void* AllocElement(Cpu cpu, GfpFlags flags) => cache.Alloc(cpu, flags);

        private protected override void FreeElement(Cpu cpu, void* element) => cache.Free(cpu, element);
    }

    private sealed class KmallocPool(ObjectAllocator objects, int size, int minimum) : Mempool(minimum)
    {
        private protected override void* AllocElement(Cpu cpu, GfpFlags flags) => objects.Kmalloc(cpu, (nuint)size, flags);

        private protected override void FreeElement(Cpu cpu, void* element) => objects.Kfree(cpu, element);
    }

    private sealed class PagePool(ObjectAllocator objects, int order, int minimum) : Mempool(minimum)
    {
        private protected override void* AllocElement(Cpu cpu, GfpFlags flags)
        {
            var page = cpu.AllocPages(flags & ~GfpFlags.HighMem, order);
            return page.IsNull ? null : objects.Ram.HostOf(page.Index);
        }

        private protected override void FreeElement(Cpu cpu, void* element) => cpu.FreePages(objects.PageOf(element), order);
    }
}
