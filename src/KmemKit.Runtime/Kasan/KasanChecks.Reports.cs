using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kasan;

/// <summary>What is said of a bad access or free.</summary>
internal sealed unsafe partial class KasanChecks
{
    private const int RowBytes = 16 * ShadowMemory.GranuleSize;
    private const int RowsAround = 2;

    /// <summary>An access to bytes that may not be used.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="address">The access.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="bad">The first byte that may not be used.</param>
    /// <param name="meant">An object that the access was meant for; null where that is not known.</param>
    /// <param name="site">The caller.</param>
    public void ReportAccess(Cpu cpu, void* address, long size, bool isWrite, byte* bad, void* meant, AllocationSite site)
    {
        var shadow = Shadow.Of(bad);
        if (shadow is null)
        {
            var isNull = (nuint)address < (nuint)_machine.Allocator.PageSize;
            _machine.Report(new KasanReport(
                isNull ? KasanReportKind.NullDereference : KasanReportKind.WildAccess, isNull ? "null-ptr-deref" : "wild-memory-access",
                new VirtAddr((nuint)address), new VirtAddr((nuint)bad), size, isWrite, _machine.Style, _machine.By(cpu, site)) { IsTainted = _machine.Taint() });
            return;
        }
        // The shadow that decides is that of the granule; a part of one is bad because of what follows it.
        var value = *shadow is > 0 and < ShadowMemory.GranuleSize && Shadow.Of(bad + ShadowMemory.GranuleSize) is var next && next is not null ? *next : *shadow;
        var isFree = value is ShadowByte.SlabFree or ShadowByte.PageFree && meant is null;
        var kind = isFree ? KasanReportKind.UseAfterFree : KasanReportKind.OutOfBounds;
        var type = (isFree, value) switch
        {
            (true, ShadowByte.PageFree) => "use-after-free",
            (true, _) => "slab-use-after-free",
            _ => "slab-out-of-bounds",
        };
        _machine.Report(Create(cpu, kind, type, address, bad, size, isWrite, site) with { Object = ObjectAt(meant is null ? bad : meant) });
    }

    /// <summary>Bytes were used that nobody wrote.</summary>
    public void ReportUninitialized(Cpu cpu, void* address, int size, byte* first, AllocationSite site) => _machine.Report(
        Create(cpu, KasanReportKind.UninitializedRead, "uninit-value", address, first, size, false, site) with { Object = ObjectAt(first) });

    /// <summary>Something was freed that cannot be.</summary>
    public void ReportFree(Cpu cpu, KasanReportKind kind, void* address, AllocationSite site) => _machine.Report(
        Create(cpu, kind, kind == KasanReportKind.DoubleFree ? "double-free" : "invalid-free", address, address, 0, false, site) with { Object = ObjectAt(address) });

    private KasanReport Create(Cpu cpu, KasanReportKind kind, string type, void* address, void* bad, long size, bool isWrite, AllocationSite site)
    {
        var isRam = Shadow.Of(address) is not null;
        return new KasanReport(
            kind, type, isRam ? _machine.VirtAddressOf(address) : new VirtAddr((nuint)address), isRam ? _machine.VirtAddressOf(bad) : new VirtAddr((nuint)bad),
            size, isWrite, _machine.Style, _machine.By(cpu, site))
        {
            IsTainted = _machine.Taint(),
            Page = isRam ? _machine.PageAddressOf(address) : null,
            Shadow = isRam ? RowsAt((byte*)bad) : null,
        };
    }

    // The object in whose slot an address lies: a red zone belongs to the object before it (nearest_obj).
    private KasanObject? ObjectAt(void* address)
    {
        if (!_machine.Allocator.FindSlab(address, out var slab) || slab.IndexOf(address, out _) is not (>= 0 and var index))
            return _large.Find((nuint)address) is { } block ? LargeObject(block) : null;
        var cache = slab.Cache;
        if (cache.Layout.ExtraAt < 0)
            return null;
        var at = slab.ObjectAt(index);
        var freed = IsFreed(at);
        return new KasanObject(
            _machine.VirtAddressOf(at), cache.Name, cache.ObjectSize, freed ? cache.ObjectSize : AllocatedSize(at, cache.ObjectSize),
            _machine.Record(AllocTrack(cache, at)), freed ? _machine.Record(FreeTrack(cache, at)) : null);
    }

    private KasanObject LargeObject(LargeBlocks.LargeBlock block) => new(
        _machine.VirtAddressOf((void*)block.Start), "", (int)block.Bytes, block.Requested, _machine.Record(block.Allocated), null);

    // kasan_get_alloc_size: what may be used from the object's start on.
    private long AllocatedSize(byte* at, int objectSize)
    {
        var size = 0;
        for (var shadow = Shadow.Of(at); size < objectSize; shadow++)
        {
            if (*shadow != 0)
                return *shadow < ShadowMemory.GranuleSize ? size + *shadow : size;
            size += ShadowMemory.GranuleSize;
        }
        return objectSize;
    }

    private ShadowRows? RowsAt(byte* bad)
    {
        var address = _machine.VirtAddressOf(bad).Value;
        var before = (long)(address % RowBytes) + (RowsAround * RowBytes);
        if (address < (ulong)before)
            return null;
        var first = bad - before;
        var bytes = ImmutableArray.CreateBuilder<byte?>();
        for (var i = 0; i < (2 * RowsAround + 1) * 16; i++)
        {
            var shadow = Shadow.Of(first + (i * ShadowMemory.GranuleSize));
            bytes.Add(shadow is null ? null : *shadow);
        }
        return new ShadowRows(new VirtAddr(address - (ulong)before), bytes.ToImmutable());
    }
}
