using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab.Kmalloc;

namespace KmemKit.Runtime.Slab;

/// <summary>Memory of any size (<c>kmalloc</c>, <c>kfree</c>): contiguous, in the linear map.</summary>
public sealed unsafe partial class ObjectAllocator
{
    // Requests that a cache of other pages serves.
    private const uint KindFlags = (uint)(GfpFlags.DmaZone | GfpFlags.HighMem | GfpFlags.Dma32Zone | GfpFlags.Movable | GfpFlags.Reclaimable);

    private const int TableBytes = 8192;

    private KmallocClasses _classes = null!;
    private KmemCache[] _normal = [];
    private KmemCache?[] _dma = [];
    private KmemCache?[] _reclaimable = [];
    private Slob.SlobHeap? _slob;
    // Where a CPU's array of the cache for sizes of 8n+1 to 8n+8 is, in bytes from its first line.
    private int* _arrayOf;
    private nuint _tableSpan;

    /// <summary>ZERO_SIZE_PTR: what an allocation of 0 bytes gives. It may be freed and must not be read.</summary>
    public static void* ZeroSizePointer => (void*)16;

    /// <summary>The largest size that kmalloc serves, in bytes.</summary>
    public int KmallocMaxSize { get; private set; }

    /// <summary>The largest size that comes from a cache, in bytes; 0 for SLOB. Larger ones are blocks of pages.</summary>
    public int KmallocMaxCacheSize => _classes.Sizes.Count == 0 ? 0 : _classes.Sizes[^1];

    /// <summary>The sizes that kmalloc has caches for.</summary>
    public IReadOnlyList<int> KmallocSizes => _classes.Sizes;

    /// <summary>Allocates memory (<c>kmalloc</c>; <c>kzalloc</c> with <see cref="GfpFlags.Zero"/>).</summary>
    /// <param name="cpu">The CPU that the caller runs on.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="flags">What may be done to get it; <see cref="GfpFlags.DmaZone"/> for memory that ISA devices reach.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>Host address, aligned to KMALLOC_MIN_SIZE, and of a power of two to itself; null when there is no memory; <see cref="ZeroSizePointer"/> for 0 bytes.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void* Kmalloc(Cpu cpu, nuint size, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var last = unchecked(size - 1);
        if (last < _tableSpan && ((uint)flags & (cpu.SlowFlags | KindFlags)) == 0)
        {
            var array = (ObjectArray*)(cpu.Objects + _arrayOf[last >> 3]);
            Volatile.Write(ref array->Busy, 1);
            var left = unchecked(array->Count - 1);
            if (unchecked((uint)left) < (uint)Volatile.Read(ref array->Limit))
            {
                var taken = array->Stack[left];
                ObjectArray.Leave(array, left);
                return taken;
            }
            Volatile.Write(ref array->Busy, 0);
        }
        return KmallocSlow(cpu, size, flags, file, line);
    }

    /// <summary>Allocates memory of zeroes (<c>kzalloc</c>).</summary>
    public void* Kzalloc(Cpu cpu, nuint size, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        Kmalloc(cpu, size, flags | GfpFlags.Zero, file, line);

    /// <summary>Allocates an array of zeroes (<c>kcalloc</c>).</summary>
    /// <returns>As <see cref="Kmalloc"/>; null where the product is larger than any address.</returns>
    public void* Kcalloc(Cpu cpu, nuint count, nuint size, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0) =>
        size != 0 && count > nuint.MaxValue / size ? null : Kmalloc(cpu, unchecked(count * size), flags | GfpFlags.Zero, file, line);

    /// <summary>Frees memory (<c>kfree</c>). Null and <see cref="ZeroSizePointer"/> are ignored; an object of any cache may be freed so.</summary>
    /// <param name="cpu">The CPU that the caller runs on; any may free what another allocated.</param>
    /// <param name="item">The address.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <exception cref="ObjectErrorException">Nothing was allocated there, and no debugger reported it. Nothing changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Kfree(Cpu cpu, void* item, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        var offset = unchecked((nuint)((byte*)item - _ramBase));
        if (offset < _ramSpan)
        {
            int owner = _ramOwners[offset >> _pageShift];
            var header = (ObjectCpu*)cpu.Objects;
            if (owner == header->LastOwner || Remember(header, owner))
            {
                var array = header->LastArray;
                Volatile.Write(ref array->Busy, 1);
                var count = array->Count;
                if ((uint)count < (uint)Volatile.Read(ref array->Limit))
                {
                    array->Stack[count] = (byte*)item;
                    ObjectArray.Leave(array, count + 1);
                    return;
                }
                Volatile.Write(ref array->Busy, 0);
            }
        }
        KfreeSlow(cpu, item, file, line);
    }

    /// <summary>Bytes that may be used of an allocation (<c>ksize</c>): as many as were asked for, or more. 0 for null and <see cref="ZeroSizePointer"/>.</summary>
    /// <exception cref="ObjectErrorException">Nothing was allocated there.</exception>
    public nuint Ksize(void* item)
    {
        var size = SizeOf(item);
        // Who asks may use all of it.
        if (size != 0)
            Resized(item, size);
        return size;
    }

    private void Resized(void* item, nuint size)
    {
        if (Debugger is not { } debugger || !Ram.TryIndex(item, out var page))
            return;
        var owner = Ram.OwnerOf(page);
        if (owner == PageOwner.Large)
            debugger.LargeResized(item, (long)size);
        else if (CacheOf(owner) is { IsWatched: true } cache && cache.Slabs.ViewOf(cache.Slabs.HeadOf(page)) is var slab && slab.IndexOf(item, out _) is >= 0 and var index)
            debugger.Resized(slab, index, (int)size);
    }

    private nuint SizeOf(void* item)
    {
        if ((nuint)item <= (nuint)ZeroSizePointer)
            return 0;
        var owner = Ram.TryIndex(item, out var page) ? Ram.OwnerOf(page) : PageOwner.None;
        if (owner == PageOwner.Large)
            return (nuint)PageSize << Pages.Map.CompoundOrder(new Page(page));
        if (owner == PageOwner.Slob)
            return _slob!.SizeOf(item);
        if (owner == PageOwner.Guarded && Debugger?.SampledSize(item) is > 0 and var sampled)
            return (nuint)sampled;
        return CacheOf(owner) is { } cache
            ? (nuint)cache.ObjectSize
            : throw new ObjectErrorException(ObjectErrorKind.NotAnObject, $"{Describe(item)} is no object of kmalloc.");
    }

    /// <summary>Changes the size of an allocation (<c>krealloc</c>).</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="item">What was allocated; null to allocate.</param>
    /// <param name="size">New size in bytes; 0 frees it.</param>
    /// <param name="flags">As for <see cref="Kmalloc"/>.</param>
    /// <param name="file">The caller: leave it to the compiler.</param>
    /// <param name="line">The caller: leave it to the compiler.</param>
    /// <returns>The same address where the memory is large enough; else a new one with the old contents. Null when there is no memory: the old one stays.</returns>
    public void* Krealloc(Cpu cpu, void* item, nuint size, GfpFlags flags, [CallerFilePath] string file = "", [CallerLineNumber] int line = 0)
    {
        if (size == 0)
        {
            Kfree(cpu, item, file, line);
            return ZeroSizePointer;
        }
        var old = SizeOf(item);
        if (old >= size)
        {
            Resized(item, size);
            return item;
        }
        var moved = Kmalloc(cpu, size, flags, file, line);
        if (moved is not null && old != 0)
        {
            NativeMemory.Copy(item, moved, old);
            Kfree(cpu, item, file, line);
        }
        return moved;
    }

    /// <summary>The cache that serves a request (<c>kmalloc_slab</c>).</summary>
    /// <returns>Null where none does: 0 bytes, blocks of pages, SLOB.</returns>
    public KmemCache? KmallocCache(nuint size, GfpFlags flags = GfpFlags.Kernel)
    {
        if (size == 0 || size > (nuint)KmallocMaxCacheSize)
            return null;
        var at = 0;
        while ((nuint)_classes.Sizes[at] < size)
            at++;
        if ((flags & GfpFlags.DmaZone) != 0)
            return Special(_dma, at, SlabFlags.CacheDma);
        return (flags & GfpFlags.Reclaimable) != 0 && KmallocClasses.HasReclaimable(Version) ? Special(_reclaimable, at, SlabFlags.ReclaimAccount) : _normal[at];
    }

    private void SetUpKmalloc()
    {
        _ramBase = Ram.Base;
        _ramSpan = Ram.Span;
        _ramOwners = Ram.Owners;
        _pageShift = Ram.PageShift;
        _classes = KmallocClasses.Of(Kind, Version, _sizes, Ram.PageShift, Pages.Map.MaxOrder);
        KmallocMaxSize = _classes.HasLarge ? PageSize << Pages.Map.MaxOrder : _classes.Sizes[^1];
        _normal = new KmemCache[_classes.Sizes.Count];
        _dma = new KmemCache[_normal.Length];
        _reclaimable = new KmemCache[_normal.Length];
        for (var i = 0; i < _normal.Length; i++)
            _normal[i] = MakeKmalloc(_classes.Sizes[i], SlabFlags.None);
        _tableSpan = (nuint)Math.Min(TableBytes, KmallocMaxCacheSize);
        _arrayOf = (int*)NativeMemory.AlignedAlloc((nuint)TableBytes / 8 * sizeof(int), 64);
        for (nuint last = 0; last < _tableSpan; last += 8)
            _arrayOf[last >> 3] = KmallocCache(last + 1)!.Id * ObjectArray.Bytes;
    }

    private KmemCache MakeKmalloc(int size, SlabFlags flags)
    {
        var name = _classes.NameOf(size, flags, Version);
        // Powers of two are aligned to themselves, all to the smallest size.
        var align = System.Numerics.BitOperations.IsPow2(size) ? Math.Min(size, PageSize) : _sizes.KmallocMin;
        flags = FlagsFor(name, size, flags);
        return Make(name, LayoutFor(name, size, align, flags), flags, null, null, isKmalloc: true);
    }

    private KmemCache Special(KmemCache?[] caches, int at, SlabFlags flags)
    {
        lock (_sync)
            return caches[at] ??= MakeKmalloc(_classes.Sizes[at], flags);
    }

    private void FreeKmallocTable()
    {
        _tableSpan = 0;
        NativeMemory.AlignedFree(_arrayOf);
        _arrayOf = null;
    }

    // The array of the owner's cache becomes the one that the next free expects.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static bool Remember(ObjectCpu* header, int owner)
    {
        if (owner is <= 0 or >= PageOwner.MaxCaches)
            return false;
        header->LastArray = (ObjectArray*)header + owner;
        header->LastOwner = owner;
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* KmallocSlow(Cpu cpu, nuint size, GfpFlags flags, string file, int line)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (unchecked(size - 1) < _tableSpan && ((uint)flags & KindFlags) == 0)
        {
            var at = _arrayOf[(size - 1) >> 3];
            var served = _byId[(uint)at / ObjectArray.Bytes]!;
            return ((uint)flags & cpu.SlowFlags) == 0 && served.Quick is { } checks && checks.CanTake(cpu, file, line, out var site)
                ? checks.Take(cpu, (ObjectArray*)(cpu.Objects + at), flags, (int)size, file, line, site)
                : served.AllocSlow(cpu, flags, (int)size, file, line);
        }
        return KmallocLong(cpu, size, flags, file, line);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void* KmallocLong(Cpu cpu, nuint size, GfpFlags flags, string file, int line)
    {
        if (size == 0)
            return ZeroSizePointer;
        if ((flags & (GfpFlags.HighMem | GfpFlags.Movable)) != 0)
        {
            // GFP_SLAB_BUG_MASK: kernel objects have an address and stay where they are.
            Report($"kmalloc of {size} bytes: {flags & (GfpFlags.HighMem | GfpFlags.Movable)} has no effect on objects");
            flags &= ~(GfpFlags.HighMem | GfpFlags.Movable);
        }
        if (KmallocCache(size, flags) is { } cache)
            return cache.AllocSlow(cpu, flags, (int)size, file, line);
        if (size > (nuint)KmallocMaxSize)
            return null;
        if (_slob is not null && size <= (nuint)_slob.MaxKmalloc)
            return _slob.Kmalloc(cpu, (int)size, flags);
        return AllocLarge(cpu, size, flags, new AllocationSite(file, line));
    }

    private void* AllocLarge(Cpu cpu, nuint size, GfpFlags flags, AllocationSite site)
    {
        var order = cpu.GetOrder(size);
        if (Debugger is { } injector && injector.ShouldFailPages(flags, order))
            return null;
        var page = cpu.AllocPages(flags | GfpFlags.Comp, order);
        if (page.IsNull)
            return null;
        Ram.AllOwners[page.Index] = PageOwner.Large;
        var item = Ram.HostOf(page.Index);
        Interlocked.Add(ref _blockPages, 1L << Pages.Map.CompoundOrder(page));
        Debugger?.LargeAllocated(cpu, item, (long)size, site);
        return item;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void KfreeSlow(Cpu cpu, void* item, string file, int line)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var offset = unchecked((nuint)((byte*)item - _ramBase));
        if (offset < _ramSpan)
        {
            var id = _ramOwners[offset >> _pageShift] & ~PageOwner.Small;
            if ((uint)id < (uint)_byId.Length && _byId[id] is { Quick: { } checks } && checks.CanGive((byte*)item, file, line, out var site))
            {
                checks.Give(cpu, (ObjectArray*)cpu.Objects + id, (byte*)item, site);
                return;
            }
        }
        KfreeLong(cpu, item, file, line);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void KfreeLong(Cpu cpu, void* item, string file, int line)
    {
        if ((nuint)item <= (nuint)ZeroSizePointer && ((nuint)item == 0 || item == ZeroSizePointer))
            return;
        var site = new AllocationSite(file, line);
        var owner = Ram.TryIndex(item, out var page) ? Ram.OwnerOf(page) : PageOwner.None;
        if (CacheOf(owner) is { IsCheckedAlone: true, References: > 0 } alone)
        {
            alone.FreeAlone(cpu, item, site);
            return;
        }
        if (CacheOf(owner) is { } cache)
            cache.FreeSlow(cpu, item, file, line);
        else if (owner == PageOwner.Guarded && Debugger is { } sampler)
            sampler.FreeSampled(cpu, null, item, site);
        else if (owner == PageOwner.Slob)
            _slob!.Kfree(cpu, item);
        else if (owner == PageOwner.Large && item == Ram.HostOf(page))
            FreeLarge(cpu, page, item, site);
        else
            RefuseFree(cpu, null, owner, item, site);
    }

    private void FreeLarge(Cpu cpu, uint page, void* item, AllocationSite site)
    {
        Debugger?.LargeFreed(cpu, item, site);
        var order = Pages.Map.CompoundOrder(new Page(page));
        Ram.AllOwners[page] = PageOwner.None;
        Interlocked.Add(ref _blockPages, -(1L << order));
        cpu.FreePages(new Page(page), order);
    }
}
