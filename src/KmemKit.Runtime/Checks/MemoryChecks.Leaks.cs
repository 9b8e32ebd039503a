using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Kfence;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>What is still allocated when nothing should be.</summary>
public sealed unsafe partial class MemoryChecks
{
    private const int ShownLeakBytes = 32;

    private delegate void LiveVisitor(in SlabView slab, ReadOnlySpan<int> live);

    /// <summary>
    /// Reports everything that is allocated: at shutdown, when each driver has given back what it took, that is what leaked. Caches of which no debugger keeps
    /// who allocated are looked at as well.
    /// </summary>
    /// <param name="cpu">The CPU of the calling thread. No other thread may use the allocator; CPUs' arrays are drained.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>The leaks by cache, slab and slot, then guarded objects, then blocks of pages; they are among <see cref="Reports"/> as well.</returns>
    public IReadOnlyList<LeakReport> FindLeaks(Cpu cpu, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var leaks = new List<LeakReport>();
        var by = _machine.By(cpu, new AllocationSite(file, line));
        var caches = _machine.Allocator.Caches;
        foreach (var cache in caches)
            cache.Shrink(cpu);
        var books = FindBooks(caches);
        foreach (var cache in caches)
        {
            VisitLive(cache, (in SlabView slab, ReadOnlySpan<int> live) =>
            {
                foreach (var index in live)
                {
                    var at = slab.ObjectAt(index);
                    if (StateOf(cache)?.Slub is { } slub && slub.IsFree(at))
                        continue;
                    if (!books.Contains((ulong)at) && (StateOf(cache) is not { IsKasan: true } || !_kasan!.IsFreed(at)))
                        leaks.Add(Leak(at, cache.ObjectSize, cache.Name, AllocatedBy(cache, at), by));
                }
            });
        }
        for (var i = 0; i < (_pool?.Objects ?? 0); i++)
        {
            if (_pool!.SlotOf(i) is { State: KfencePool.State.Allocated } slot)
                leaks.Add(Leak(slot.Item, slot.Size, slot.Cache?.Name ?? "", _machine.Record(slot.Allocated), by));
        }
        foreach (var block in _large.ToArray())
            leaks.Add(Leak((byte*)block.Start, block.Requested, "", _machine.Record(block.Allocated), by));
        foreach (var leak in leaks)
            _machine.Report(leak);
        return leaks;
    }

    // The allocator's own objects: tables and bitmaps of slabs, which the slabs' pages point to.
    private static HashSet<ulong> FindBooks(IReadOnlyList<KmemCache> caches)
    {
        var books = new HashSet<ulong>();
        foreach (var cache in caches)
            cache.VisitSlabs((in SlabView slab, ReadOnlySpan<ulong> free) => books.Add((ulong)slab.Cache.Slabs.BookOf(slab.Page.Index)));
        return books;
    }

    private LeakReport Leak(byte* at, long size, string cache, TrackRecord? allocated, Reporter by) => new(
        _machine.VirtAddressOf(at), size, cache, allocated,
        ImmutableArray.Create(new ReadOnlySpan<byte>(at, (int)Math.Min(size, ShownLeakBytes))), _machine.Style, by);

    private static void VisitLive(KmemCache cache, LiveVisitor visitor)
    {
        var live = new List<int>();
        cache.VisitSlabs((in SlabView slab, ReadOnlySpan<ulong> free) =>
        {
            live.Clear();
            for (var i = 0; i < slab.Objects; i++)
            {
                if (((free[i >> 6] >> (i & 63)) & 1) == 0)
                    live.Add(i);
            }
            visitor(slab, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(live));
        });
    }
}
