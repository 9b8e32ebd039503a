using System;
using System.Collections.Generic;
using System.Numerics;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Slab;

/// <summary>Making, merging and destroying caches (<c>kmem_cache_create</c>, <c>find_mergeable</c>, <c>kmem_cache_destroy</c>).</summary>
public sealed unsafe partial class ObjectAllocator
{
    private const SlabFlags Known = SlabFlags.Debug | SlabFlags.HardwareCacheAlign | SlabFlags.CacheDma | SlabFlags.ReclaimAccount | SlabFlags.Panic
        | SlabFlags.TypesafeByRcu | SlabFlags.NoTrack | SlabFlags.NoMerge | SlabFlags.FailSlab | SlabFlags.Account;

    // SLAB_NEVER_MERGE, SLAB_MERGE_SAME
    private const SlabFlags NeverMerge = SlabFlags.Debug | SlabFlags.TypesafeByRcu | SlabFlags.FailSlab | SlabFlags.NoMerge;
    private const SlabFlags MergeSame = SlabFlags.ReclaimAccount | SlabFlags.CacheDma | SlabFlags.Account;

    private static readonly LinuxVersion LeftRedZoneSince = new(4, 7);

    private int _highestId;
    private int _lastId;

    /// <summary>Makes a cache (<c>kmem_cache_create</c>), or gives one of the same shape another name.</summary>
    /// <param name="name">Its name: 1 character or more, no white space, as it is a column of /proc/slabinfo.</param>
    /// <param name="size">Bytes of an object, from a pointer's to <see cref="KmallocMaxSize"/>.</param>
    /// <param name="align">Alignment in bytes, 0 or a power of two up to a page.</param>
    /// <param name="flags">How it behaves.</param>
    /// <param name="constructor">Called for each object when its slab is made. Not with <see cref="Gfp.GfpFlags.Zero"/> allocations.</param>
    /// <param name="destructor">Called for each object when its slab goes back (kernels up to 2.6.22).</param>
    /// <returns>Null when it cannot be made; <see cref="Reported"/> says why.</returns>
    /// <exception cref="ObjectErrorException">It cannot be made, and <paramref name="flags"/> has <see cref="SlabFlags.Panic"/>.</exception>
    public KmemCache? CreateCache(
        string name, int size, int align = 0, SlabFlags flags = SlabFlags.None, ObjectConstructor? constructor = null, ObjectConstructor? destructor = null)
    {
        var cache = TryCreate(name, size, align, flags, constructor, destructor, out var reason);
        if (cache is not null)
            return cache;
        var message = $"kmem_cache_create({name}) of {size} bytes failed: {reason}";
        Report(message);
        return (flags & SlabFlags.Panic) == 0 ? null : throw new ObjectErrorException(ObjectErrorKind.CreationFailed, message);
    }

    internal KmemCache Make(
        string name, ObjectLayout layout, SlabFlags flags, ObjectConstructor? constructor, ObjectConstructor? destructor, bool isKmalloc)
    {
        lock (_sync)
        {
            // Numbers go round before one is used again: who still holds a destroyed cache does not at once meet another cache's objects.
            var id = Array.IndexOf(_byId, null, _lastId + 1 < PageOwner.MaxCaches ? _lastId + 1 : 1);
            if (id < 0)
                id = Array.IndexOf(_byId, null, 1);
            _lastId = id;
            if (id < 0)
                throw new InvalidOperationException($"There are {PageOwner.MaxCaches - 1} caches already.");
            var cache = new KmemCache(this, id, name, layout, flags, constructor, destructor) { IsKmalloc = isKmalloc };
            cache.SetUp(cache.Store.PlanArrays());
            _byId[id] = cache;
            _highestId = Math.Max(_highestId, id);
            _caches.Add(cache);
            Debugger?.CacheCreated(cache);
            cache.Quick = cache.IsCheckedAlone ? Debugger!.QuickChecks(cache) : null;
            return cache;
        }
    }

    internal ObjectStore CreateStore(KmemCache cache) => Kind switch
    {
        ObjectAllocatorKind.Slab => new Classic.SlabStore(cache),
        ObjectAllocatorKind.Slob => new Slob.SlobStore(cache, _slob!),
        _ => new Slub.SlubStore(cache),
    };

    /// <summary>Which flags stay: none of a debugger's without one, none at all with SLOB, and those it adds.</summary>
    internal SlabFlags FlagsFor(string name, int size, SlabFlags flags)
    {
        const SlabFlags Watched = SlabFlags.Debug | SlabFlags.FailSlab;
        return Debugger is not { } debugger || Kind == ObjectAllocatorKind.Slob ? flags & ~Watched : debugger.FlagsFor(name, size, flags);
    }

    internal ObjectLayout LayoutFor(string name, int size, int align, SlabFlags flags) => ObjectLayout.Calculate(
        size, align, flags, _sizes.Word, _sizes.SlabMinAlign, _sizes.CacheLine, Kind == ObjectAllocatorKind.Slab ? Classic.SlabGeometry.MinSlot(Ram.PageShift) : 1,
        Kind == ObjectAllocatorKind.Slob ? 0 : Debugger?.ExtraBytes(name, size, flags) ?? 0, Version >= LeftRedZoneSince);

    internal void Forget(KmemCache cache)
    {
        lock (_deferred)
        {
            // Its number stays taken as long as pages carry it.
            foreach (var (waiting, _) in _deferred)
            {
                if (waiting == cache)
                    return;
            }
        }
        lock (_sync)
        {
            if (_byId[cache.Id] != cache)
                return;
            foreach (var cpu in Pages.Cpus)
                ((ObjectCpu*)cpu.Objects)->LastOwner = -1;
            cache.TearDown();
            _byId[cache.Id] = null;
        }
    }

    internal void Remove(KmemCache cache)
    {
        lock (_sync)
            _caches.Remove(cache);
        Debugger?.CacheDestroyed(cache);
        Forget(cache);
    }

    private KmemCache? TryCreate(
        string name, int size, int align, SlabFlags flags, ObjectConstructor? constructor, ObjectConstructor? destructor, out string reason)
    {
        reason = string.IsNullOrEmpty(name) || name.AsSpan().ContainsAny(" \t\n\r") ? "a cache needs a name of one word"
            : size < _sizes.Word ? $"an object has at least {_sizes.Word} bytes"
            : size > KmallocMaxSize ? $"an object has at most {KmallocMaxSize} bytes"
            : align < 0 || (align != 0 && !BitOperations.IsPow2(align)) || align > PageSize ? $"an alignment of {align} is not a power of two up to a page"
            : (flags & ~Known) != 0 ? $"the flags {flags & ~Known} are unknown"
            : "";
        if (reason.Length != 0)
            return null;
        lock (_sync)
        {
            flags = FlagsFor(name, size, flags);
            var layout = LayoutFor(name, size, align, flags);
            if (constructor is null && destructor is null && FindMergeable(layout, flags) is { } same)
            {
                same.Merge(name, size);
                return same;
            }
            if (!HasOrder(layout, flags))
            {
                reason = $"no block of pages holds a slot of {layout.Size} bytes";
                return null;
            }
            if (_highestId + 1 >= PageOwner.MaxCaches && Array.IndexOf(_byId, null, 1) < 0)
            {
                reason = $"there are {PageOwner.MaxCaches - 1} caches already";
                return null;
            }
            return Make(name, layout, flags, constructor, destructor, isKmalloc: false);
        }
    }

    private bool HasOrder(ObjectLayout layout, SlabFlags flags) => Kind switch
    {
        ObjectAllocatorKind.Slub => Slub.SlubOrder.Calculate(layout.Size, Ram.PageShift, CpuIds, Pages.Map.MaxOrder) >= 0,
        ObjectAllocatorKind.Slab => Classic.SlabStore.GeometryOf(this, layout, flags).Objects != 0,
        _ => true,
    };

    // A cache that is at most a word larger, as well aligned and of the same kind of pages.
    private KmemCache? FindMergeable(ObjectLayout layout, SlabFlags flags)
    {
        if (!_merges || (flags & NeverMerge) != 0 || layout.ExtraAt >= 0)
            return null;
        for (var i = _caches.Count - 1; i >= 0; i--)
        {
            var other = _caches[i];
            if (other.Constructor is not null || other.Destructor is not null || (other.Flags & NeverMerge) != 0 || other.IsWatched
                || (other.Flags & MergeSame) != (flags & MergeSame) || layout.Size > other.Layout.Size
                || other.Layout.Size % layout.Align != 0 || other.Layout.Size - layout.Size >= _sizes.Word
                || (Kind == ObjectAllocatorKind.Slab && other.Layout.Align % layout.Align != 0))
            {
                continue;
            }
            return other;
        }
        return null;
    }
}

/// <summary>What became of <see cref="KmemCache.Destroy"/>.</summary>
/// <param name="IsDestroyed">False when objects are live: the cache stays as it is.</param>
/// <param name="Live">The board's addresses of live objects; empty for SLOB, which cannot tell them from others.</param>
/// <param name="LiveCount">How many there are.</param>
public sealed record DestroyResult(bool IsDestroyed, IReadOnlyList<VirtAddr> Live, long LiveCount);
