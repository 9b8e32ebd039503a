using System;
using System.Runtime.CompilerServices;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kasan;

/// <summary>Keeps the shadow of objects true (mm/kasan/common.c, generic.c): what is allocated may be used to the byte that was asked for, all else may not.</summary>
/// <remarks>
/// <para>Each object is followed by room of its own (<see cref="ExtraBytes"/>): two tracks and a red zone, none of which may be used. So a write that runs over
/// the end, or from the next object's front to the left, hits shadow that forbids it, whichever neighbours are allocated.</para>
/// <para>A freed object waits in the <see cref="Quarantine"/>. Fresh objects hold <see cref="SlabPoison.InUse"/>: a byte that still has it when it is used,
/// and that nobody marked as written so, was never written.</para>
/// </remarks>
internal sealed unsafe partial class KasanChecks : IDisposable
{
    private const int Tracks = 32;

    private readonly MachineState _machine;
    private readonly LargeBlocks _large;
    private readonly Quarantine? _quarantine;
    private readonly bool _findsUninitialized;

    public KasanChecks(MachineState machine, ShadowMemory shadow, LargeBlocks large, long quarantineBytes, bool findsUninitialized)
    {
        _machine = machine;
        Shadow = shadow;
        _large = large;
        _quarantine = quarantineBytes > 0 ? new Quarantine(quarantineBytes) : null;
        _findsUninitialized = findsUninitialized;
    }

    public ShadowMemory Shadow { get; }

    public long QuarantinedBytes => _quarantine?.Bytes ?? 0;

    /// <summary>Bytes behind an object: tracks, and a red zone that grows with the object (optimal_redzone).</summary>
    public static int ExtraBytes(int objectSize) => Tracks + objectSize switch
    {
        <= 64 - 16 => 16,
        <= 128 - 32 => 32,
        <= 512 - 64 => 64,
        <= 4096 - 128 => 128,
        <= (1 << 14) - 256 => 256,
        <= (1 << 15) - 512 => 512,
        <= (1 << 16) - 1024 => 1024,
        _ => 2048,
    };

    public void SlabCreated(in SlabView slab)
    {
        Shadow.Poison(slab.Start, slab.Bytes, ShadowByte.SlabRedZone);
        var at = slab.Cache.Layout.ExtraAt;
        for (var i = 0; at >= 0 && i < slab.Objects; i++)
            new Span<byte>(slab.ObjectAt(i) + at, Tracks).Clear();
    }

    public void SlabDestroyed(in SlabView slab) => Shadow.Poison(slab.Start, slab.Bytes, ShadowByte.PageFree);

    public void Alloc(Cpu cpu, KmemCache cache, byte* at, int requested, AllocationSite site)
    {
        var size = cache.Layout.ObjectSize;
        Shadow.Poison(at, (size + 7) & ~7, ShadowByte.SlabRedZone);
        Shadow.Unpoison(at, requested);
        AllocTrack(cache, at) = _machine.Track(cpu, site);
        FreeTrack(cache, at) = default;
        if (!_findsUninitialized || cache.KeepsContents)
            return;
        new Span<byte>(at, requested).Fill(SlabPoison.InUse);
        Shadow.Unmark(at, size);
    }

    /// <summary>Whether what is freed is an allocated object; it is reported where it is not.</summary>
    public bool IsFreeable(Cpu cpu, void* address, AllocationSite site)
    {
        if (!_machine.Allocator.FindSlab(address, out var slab) || slab.IndexOf(address, out var offset) < 0 || offset != 0)
        {
            ReportFree(cpu, KasanReportKind.InvalidFree, address, site);
            return false;
        }
        // An allocation has at least one byte, so that its first granule may be used; readers under RCU may use a free object's as well.
        var isRcu = (slab.Cache.Flags & SlabFlags.TypesafeByRcu) != 0;
        if (*Shadow.Of(address) < ShadowMemory.GranuleSize && !(isRcu && FreeTrack(slab.Cache, (byte*)address).IsSet))
            return true;
        ReportFree(cpu, KasanReportKind.DoubleFree, address, site);
        return false;
    }

    public FreeVerdict Free(Cpu cpu, KmemCache cache, byte* at, AllocationSite site)
    {
        FreeTrack(cache, at) = _machine.Track(cpu, site);
        // Readers under RCU may still look at it.
        if ((cache.Flags & SlabFlags.TypesafeByRcu) != 0)
            return FreeVerdict.Free;
        Shadow.Poison(at, (cache.Layout.ObjectSize + 7) & ~7, ShadowByte.SlabFree);
        if (_quarantine is null)
            return FreeVerdict.Free;
        _quarantine.Add(cache, (nint)at);
        return FreeVerdict.Keep;
    }

    /// <summary>Gives back what is too much in quarantine. No lock may be held.</summary>
    public void Evict(Cpu cpu)
    {
        while (_quarantine is not null && _quarantine.TryEvict(out var entry))
            entry.Cache.Release(cpu, (void*)entry.Item);
    }

    /// <summary>Gives back all quarantined objects of a cache. No lock may be held.</summary>
    public void Flush(Cpu cpu, KmemCache cache)
    {
        while (_quarantine is not null && _quarantine.TryRemove(cache, out var entry))
            entry.Cache.Release(cpu, (void*)entry.Item);
    }

    public void Resized(KmemCache cache, byte* at, int size)
    {
        Shadow.Poison(at, (cache.Layout.ObjectSize + 7) & ~7, ShadowByte.SlabRedZone);
        Shadow.Unpoison(at, size);
    }

    public void LargeAllocated(byte* at, long bytes, long requested)
    {
        Shadow.Poison(at, bytes, ShadowByte.PageRedZone);
        Shadow.Unpoison(at, requested);
    }

    public void LargeFreed(byte* at, long bytes) => Shadow.Poison(at, bytes, ShadowByte.PageFree);

    /// <summary>Whether an object is in quarantine, or free.</summary>
    public bool IsFreed(byte* at) => *Shadow.Of(at) == ShadowByte.SlabFree;

    public TrackRecord? AllocatedBy(KmemCache cache, byte* at) => cache.Layout.ExtraAt < 0 ? null : _machine.Record(AllocTrack(cache, at));

    public void Dispose() => Shadow.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref ObjectTrack AllocTrack(KmemCache cache, byte* at) => ref *(ObjectTrack*)(at + cache.Layout.ExtraAt);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ref ObjectTrack FreeTrack(KmemCache cache, byte* at) => ref *((ObjectTrack*)(at + cache.Layout.ExtraAt) + 1);
}
