using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>What the allocator calls for each slab and object.</summary>
public sealed unsafe partial class MemoryChecks
{
    /// <inheritdoc/>
    public override void SlabCreated(Cpu cpu, in SlabView slab)
    {
        if (StateOf(slab.Cache) is not { } state)
            return;
        state.Slub?.SlabCreated(slab);
        if (state.IsKasan)
            _kasan!.SlabCreated(slab);
    }

    /// <inheritdoc/>
    public override void SlabDestroyed(Cpu cpu, in SlabView slab)
    {
        if (StateOf(slab.Cache) is not { } state)
            return;
        state.Slub?.SlabDestroyed(cpu, slab);
        if (state.IsKasan)
            _kasan!.SlabDestroyed(slab);
    }

    /// <inheritdoc/>
    public override bool AllocProcessing(Cpu cpu, in SlabView slab, int index, int requested, AllocationSite site)
    {
        var at = slab.ObjectAt(index);
        return AllocChecked(cpu, slab.Cache, at, requested, site);
    }

    /// <inheritdoc/>
    public override bool AllocChecked(Cpu cpu, KmemCache cache, void* item, int requested, AllocationSite site)
    {
        if (StateOf(cache) is not { } state)
            return true;
        if (state.Slub is { } slub && !slub.Alloc(cpu, (byte*)item, requested, site))
            return false;
        if (state.IsKasan)
            _kasan!.Alloc(cpu, cache, (byte*)item, requested, site);
        return true;
    }

    /// <inheritdoc/>
    public override FreeVerdict FreeChecked(Cpu cpu, KmemCache cache, void* item, AllocationSite site)
    {
        if (StateOf(cache) is not { } state)
            return FreeVerdict.Free;
        if (state.IsKasan && !_kasan!.IsFreeable(cpu, item, site))
            return FreeVerdict.Refuse;
        if (state.Slub is { } slub && !slub.Free(cpu, item, isFree: false, site))
            return FreeVerdict.Refuse;
        return state.IsKasan ? _kasan!.Free(cpu, cache, (byte*)item, site) : FreeVerdict.Free;
    }

    /// <inheritdoc/>
    public override FreeVerdict FreeProcessing(Cpu cpu, in SlabView slab, void* address, bool isFree, AllocationSite site)
    {
        if (StateOf(slab.Cache) is not { Slub: { } slub })
            return base.FreeProcessing(cpu, slab, address, isFree, site);
        return slub.Free(cpu, address, isFree, site) ? FreeVerdict.Free : FreeVerdict.Refuse;
    }

    /// <inheritdoc/>
    public override void Kept(Cpu cpu) => _kasan?.Evict(cpu);

    /// <inheritdoc/>
    public override void Flushing(Cpu cpu, KmemCache cache) => _kasan?.Flush(cpu, cache);

    /// <inheritdoc/>
    public override void Resized(in SlabView slab, int index, int size)
    {
        if (StateOf(slab.Cache) is not { } state)
            return;
        var at = slab.ObjectAt(index);
        state.Slub?.Resized(at, size);
        if (state.IsKasan)
            _kasan!.Resized(slab.Cache, at, size);
    }

    /// <inheritdoc/>
    public override bool InvalidFree(Cpu cpu, KmemCache? named, KmemCache? actual, void* address, AllocationSite site)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (actual is not null && named is not null && actual != named)
        {
            // cache_from_obj: it is said, and the object goes to the cache that it is from.
            _machine.Report(new SlabReport(
                SlabReportKind.WrongCache, named.Name, $"Wrong slab cache. {named.Name} but object is from {actual.Name}", _machine.Taint(), _machine.Style, _machine.By(cpu, site))
            {
                Object = _machine.VirtAddressOf(address),
                Allocated = AllocatedBy(actual, (byte*)address),
            });
            actual.Free(cpu, address, site.File, site.Line);
            return true;
        }
        var isRam = _shadow!.Of(address) is not null;
        if (_options.Kasan && isRam && *_shadow.Of(address) == ShadowByte.PageFree)
        {
            _kasan!.ReportFree(cpu, KasanReportKind.DoubleFree, address, site);
            return true;
        }
        if (_options.Kasan && isRam)
        {
            _kasan!.ReportFree(cpu, KasanReportKind.InvalidFree, address, site);
            return true;
        }
        var at = isRam ? _machine.VirtAddressOf(address) : new VirtAddr((nuint)address);
        var pointer = _machine.Style.Pointer(at);
        _machine.Report(new SlabReport(
            SlabReportKind.OutsideOfSlab, named?.Name ?? "kmalloc", $"Attempt to free object({pointer}) outside of slab", _machine.Taint(), _machine.Style, _machine.By(cpu, site))
        {
            Object = at,
            Fixes = [$"Object at {pointer} not freed"],
        });
        return true;
    }

    /// <inheritdoc/>
    public override void LargeAllocated(Cpu cpu, void* address, long requested, AllocationSite site)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var pages = _machine.Allocator.Pages.Map;
        var bytes = (long)_machine.Allocator.PageSize << pages.CompoundOrder(_machine.Allocator.PageOf(address));
        _large.Add(new LargeBlocks.LargeBlock((nuint)address, requested, bytes, _machine.Track(cpu, site)));
        if (_options.Kasan)
            _kasan!.LargeAllocated((byte*)address, bytes, requested);
    }

    /// <inheritdoc/>
    public override void LargeResized(void* address, long size)
    {
        if (!_large.Resize((nuint)address, size, out var block) || !_options.Kasan)
            return;
        _kasan!.LargeAllocated((byte*)address, block.Bytes, size);
    }

    /// <inheritdoc/>
    public override void LargeFreed(Cpu cpu, void* address, AllocationSite site)
    {
        if (_large.Remove((nuint)address, out var block) && _options.Kasan)
            _kasan!.LargeFreed((byte*)address, block.Bytes);
    }

    /// <inheritdoc/>
    public override void LiveAtDestroy(in SlabView slab, ReadOnlySpan<int> live) =>
        StateOf(slab.Cache)?.Slub?.ReportRemaining(_machine.Allocator.Pages.Cpus[0], slab, live);

    private TrackRecord? AllocatedBy(KmemCache cache, byte* at) => StateOf(cache) switch
    {
        { Slub: { } slub } when slub.AllocatedBy(at) is { } track => track,
        { IsKasan: true } => _kasan!.AllocatedBy(cache, at),
        _ => null,
    };
}
