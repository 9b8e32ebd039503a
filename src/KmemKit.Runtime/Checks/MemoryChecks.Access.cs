using System;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Kasan;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.SlubDebug;

namespace KmemKit.Runtime.Checks;

/// <summary>What a checked access asks when its shadow does not say at once that it is good.</summary>
public sealed unsafe partial class MemoryChecks
{
    /// <summary>Whether an access can be done at all; what is wrong with it is reported.</summary>
    /// <param name="cpu">The CPU.</param>
    /// <param name="address">Its first byte.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="meant">The object that it leaves; null where that is not known.</param>
    /// <param name="site">The caller.</param>
    internal bool CheckRange(Cpu cpu, void* address, nint length, bool isWrite, void* meant, AllocationSite site)
    {
        if (length == 0)
            return true;
        var at = (byte*)address;
        if (meant is null && _pool is { } pool && pool.Contains(at))
        {
            if (pool.Find(at, length, out var number) is { } wrong)
                ReportGuarded(cpu, wrong, at, isWrite, number, site);
            return pool.Contains(at + length - 1);
        }
        var bad = _shadow!.FirstBad(at, length);
        while (bad is not null && _shadow.Of(bad) is var shadow && shadow is not null && *shadow == ShadowByte.PageFree && IsInUseAgain(bad))
            bad = _shadow.FirstBad(at, length);
        if (bad is null && meant is null)
            return true;
        _kasan!.ReportAccess(cpu, address, length, isWrite, bad is null ? at : bad, meant, site);
        return IsRam(at, length);
    }

    /// <summary>Whether all bytes lie in the object that starts at an address.</summary>
    internal bool IsInside(void* item, void* address, int size)
    {
        // Of what is no object nothing is known.
        return !TryFindExtent(item, out var start, out var bytes) || ((byte*)address >= start && (byte*)address + size <= start + bytes);
    }

    /// <summary>Reports the first byte that still has what fresh objects are filled with.</summary>
    internal void CheckWritten(Cpu cpu, byte* at, int size, AllocationSite site)
    {
        for (var i = 0; i < size; i++)
        {
            if (_shadow!.Of(at + i) is null || at[i] != SlabPoison.InUse || _shadow.IsMarked(at + i) || !IsFilledObject(at + i))
                continue;
            _kasan!.ReportUninitialized(cpu, at, size, at + i, site);
            return;
        }
    }

    /// <summary>Remembers bytes that were written with what fresh objects are filled with.</summary>
    internal void MarkWritten(byte* at, ReadOnlySpan<byte> bytes)
    {
        if (!_options.Kasan || !_options.FindUninitialized)
            return;
        for (var i = bytes.IndexOf(SlabPoison.InUse); i >= 0 && i < bytes.Length; i++)
        {
            if (bytes[i] == SlabPoison.InUse)
                _shadow!.Mark(at + i, 1);
        }
    }

    /// <summary>The host address of a kernel address; where no RAM is, the address itself, which no access gets through.</summary>
    internal void* HostOf(VirtAddr address)
    {
        var host = _machine.Allocator.PointerTo(address);
        return host is not null ? host : (void*)(nuint)address.Value;
    }

    // A page that went back may be anybody's by now: then what it holds is not ours to guard.
    private bool IsInUseAgain(byte* at)
    {
        var allocator = _machine.Allocator;
        if (!allocator.Ram.TryIndex(at, out var page) || allocator.Pages.Map.HeadOf(page) == uint.MaxValue)
            return false;
        _shadow!.Poison((byte*)((nuint)at & ~(nuint)(allocator.PageSize - 1)), allocator.PageSize, ShadowByte.Accessible);
        return true;
    }

    private bool IsRam(byte* at, nint length) => _shadow!.Of(at) is not null && _shadow.Of(at + length - 1) is not null;

    private bool IsFilledObject(byte* at) => _machine.Allocator.FindSlab(at, out var slab) && StateOf(slab.Cache) is { IsKasan: true } && !slab.Cache.KeepsContents
        && slab.IndexOf(at, out var offset) is >= 0 and var index && offset >= 0 && offset < slab.Cache.ObjectSize && !_kasan!.IsFreed(slab.ObjectAt(index));

    private bool TryFindExtent(void* item, out byte* start, out long bytes)
    {
        start = null;
        bytes = 0;
        if (_pool is { } pool && pool.Contains(item))
        {
            if (pool.NumberAt((byte*)item) is not (>= 0 and var number) || pool.SlotOf(number) is not { State: not Kfence.KfencePool.State.Unused } slot)
                return false;
            start = slot.Item;
            bytes = slot.Size;
        }
        else if (_machine.Allocator.FindSlab(item, out var slab) && slab.IndexOf(item, out _) is >= 0 and var index)
        {
            start = slab.ObjectAt(index);
            bytes = slab.Cache.ObjectSize;
        }
        else if (_large.Find((nuint)item) is { } block)
        {
            start = (byte*)block.Start;
            bytes = block.Requested;
        }
        return start is not null;
    }
}
