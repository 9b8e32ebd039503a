using System;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Slab;

/// <summary>Giving memory back when it is short (<c>kmem_cache_reap</c>).</summary>
public sealed unsafe partial class ObjectAllocator
{
    /// <summary>REAP_SCANLEN: caches that one call looks at.</summary>
    public const int ReapScanLength = 10;

    private int _reapHand;

    GfpFlags IReclaimer.Needs => GfpFlags.None;

    /// <summary>
    /// Looks at the next <see cref="ReapScanLength"/> caches and takes all per-CPU objects and all free slabs of the one that has most pages to give. A cache whose arrays
    /// were refilled since the last look is left alone once.
    /// </summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    /// <returns>Pages freed.</returns>
    public long Reap(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var (best, most) = ((KmemCache?)null, 0L);
        lock (_sync)
        {
            for (var scanned = 0; scanned < Math.Min(ReapScanLength, _caches.Count); scanned++)
            {
                _reapHand = (_reapHand + 1) % _caches.Count;
                var cache = _caches[_reapHand];
                if (!cache.HasSlabs || !cache.IsReapable())
                    continue;
                var counts = cache.Count();
                var free = counts.Objects - counts.ActiveObjects + cache.CachedObjects;
                var pages = counts.Objects == 0 ? 0 : free * counts.Pages / counts.Objects;
                if (pages > most || (best is null && free > 0))
                    (best, most) = (cache, pages);
            }
        }
        return best?.Shrink(cpu) ?? 0;
    }

    /// <summary>Shrinks every cache.</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    /// <returns>Pages freed.</returns>
    public long ShrinkAll(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var pages = 0L;
        // Tables and bitmaps of slabs are objects too: those caches are emptied when the others are.
        foreach (var cache in Caches)
            pages += cache.Shrink(cpu);
        foreach (var cache in Caches)
            pages += cache.Shrink(cpu);
        return pages;
    }

    long IReclaimer.Reclaim(Cpu cpu, MemoryZone zone, int order, long pages)
    {
        var freed = 0L;
        for (var turn = 0; turn <= 2 * Caches.Count / ReapScanLength && freed < pages; turn++)
            freed += Reap(cpu);
        return freed;
    }
}
