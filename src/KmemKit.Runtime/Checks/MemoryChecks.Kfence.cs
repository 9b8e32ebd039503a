using System;
using System.Collections.Immutable;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Kfence;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Checks;

/// <summary>Sampling: now and then an allocation is served from the KFENCE pool, at no cost to all others.</summary>
public sealed unsafe partial class MemoryChecks
{
    private const GfpFlags ZoneBits = GfpFlags.DmaZone | GfpFlags.Dma32Zone | GfpFlags.HighMem;
    private const int ShownBytes = 16;

    /// <summary>Takes the pages of the KFENCE pool; from then on allocations are sampled.</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    /// <returns>False where <see cref="MemoryCheckOptions.KfenceObjects"/> is 0, or there are no pages.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The pool would be larger than the largest block of pages.</exception>
    public bool StartKfence(Cpu cpu)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (_options.KfenceObjects == 0 || _pool is not null)
            return _pool is not null;
        _pool = KfencePool.Create(_machine.Allocator, cpu, _options.KfenceObjects, _options.KfenceSeed);
        if (_pool is null)
            return false;
        _shadow!.Poison(_pool.Start, (long)_pool.Bytes, ShadowByte.Guarded);
        _nextSample = Clock.Jiffies + _options.KfenceSampleInterval;
        return true;
    }

    /// <summary>Lets the next allocation of each CPU be a guarded one. Any thread may call it.</summary>
    public void SampleNow()
    {
        if (_pool is null)
            return;
        // By number: an enumerator would be garbage.
        var cpus = _machine.Allocator.Pages.Cpus;
        for (var i = 0; i < cpus.Count; i++)
            _machine.Allocator.ArmSample(cpus[i]);
    }

    /// <inheritdoc/>
    public override void* AllocSampled(Cpu cpu, KmemCache cache, int requested, GfpFlags flags, AllocationSite site)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(cache);
        // Pages of the pool are in no particular zone, and readers under RCU may look at an object after its page is guarded again.
        if (_pool is null || (flags & ZoneBits) != 0 || (cache.Flags & (SlabFlags.CacheDma | SlabFlags.TypesafeByRcu)) != 0)
            return null;
        var item = _pool.Alloc(cache, requested, _machine.Track(cpu, site));
        if (item is not null && cache.Constructor is { } construct)
            construct(item);
        return item;
    }

    /// <inheritdoc/>
    public override void FreeSampled(Cpu cpu, KmemCache? cache, void* address, AllocationSite site)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (_pool is not { } pool)
            return;
        var number = pool.NumberAt((byte*)address);
        if (number >= 0 && cache is not null && pool.SlotOf(number) is { State: KfencePool.State.Allocated, Cache: { } actual } && actual != cache)
        {
            ReportGuarded(cpu, KfenceReportKind.InvalidFree, (byte*)address, false, number, site);
            return;
        }
        if (!pool.TryFree(address, _machine.Track(cpu, site), out number))
        {
            ReportGuarded(cpu, KfenceReportKind.InvalidFree, (byte*)address, false, number, site);
            return;
        }
        ReportCorruption(cpu, pool, number, site);
        pool.Recycle(number);
    }

    /// <inheritdoc/>
    public override int SampledSize(void* address) =>
        _pool is { } pool && pool.NumberAt((byte*)address) is >= 0 and var number && pool.SlotOf(number) is { State: KfencePool.State.Allocated } slot && slot.Item == address
            ? slot.Size
            : 0;

    private void Sample(long jiffies)
    {
        if (_pool is null || _options.KfenceSampleInterval == 0 || jiffies < _nextSample)
            return;
        _nextSample = jiffies + _options.KfenceSampleInterval;
        SampleNow();
    }

    // On each side of the object the first damaged byte is named (check_canary); what it shows is up to the object, or the page's end.
    private void ReportCorruption(Cpu cpu, KfencePool pool, int number, AllocationSite site)
    {
        var slot = pool.SlotOf(number);
        var end = pool.PageOf(number) + _machine.Allocator.PageSize;
        var damaged = pool.FirstDamaged(number, pool.PageOf(number));
        if (damaged is not null && damaged < slot.Item)
        {
            Report(damaged, slot.Item);
            damaged = pool.FirstDamaged(number, slot.Item);
        }
        if (damaged is not null)
            Report(damaged, end);

        void Report(byte* first, byte* limit)
        {
            var bytes = ImmutableArray.CreateBuilder<byte?>();
            for (var at = first; at < limit && at < first + ShownBytes; at++)
                bytes.Add(*at == KfencePool.Canary(at) ? null : *at);
            _machine.Report(Create(cpu, KfenceReportKind.Corruption, first, false, number, site) with { Damaged = bytes.ToImmutable() });
        }
    }

    private void ReportGuarded(Cpu cpu, KfenceReportKind kind, byte* address, bool isWrite, int number, AllocationSite site) =>
        _machine.Report(Create(cpu, kind, address, isWrite, number, site));

    private KfenceReport Create(Cpu cpu, KfenceReportKind kind, byte* address, bool isWrite, int number, AllocationSite site)
    {
        KfenceObject? item = null;
        if (number >= 0 && _pool!.SlotOf(number) is { State: not KfencePool.State.Unused } slot)
        {
            item = new KfenceObject(
                number, _machine.VirtAddressOf(slot.Item), slot.Size, slot.Cache?.Name ?? "<destroyed>", _machine.Record(slot.Allocated),
                slot.State == KfencePool.State.Freed ? _machine.Record(slot.Freed) : null);
        }
        return new KfenceReport(kind, _machine.VirtAddressOf(address), isWrite, item, _machine.Style, Clock, _machine.By(cpu, site)) { IsTainted = _machine.Taint() };
    }
}
