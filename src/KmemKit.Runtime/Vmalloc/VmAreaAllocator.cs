using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Vmalloc;

/// <summary>Who has which virtual addresses of the vmalloc range, which may be in several pieces (<c>alloc_vmap_area</c>, <c>find_vm_area</c>).</summary>
/// <remarks>
/// An area is taken at the lowest place where it fits. One that is given up stays out of use until its translations are invalidated, which is done for many at once:
/// between <see cref="Retire"/> and <see cref="TakeRetired"/>. Thread-safe. Source: mm/vmalloc.c.
/// </remarks>
internal sealed class VmAreaAllocator
{
    private readonly Lock _sync = new();
    private readonly RangeTree<bool> _free = new();
    private readonly RangeTree<VmArea> _busy = new();
    private List<VmArea> _retired = [];
    private ulong _retiredBytes;

    /// <param name="ranges">Addresses to give out; disjoint, none up to 2^64 in size.</param>
    public VmAreaAllocator(IEnumerable<VirtRange> ranges)
    {
        foreach (var range in ranges)
        {
            if (range.IsEmpty)
                continue;
            _free.Add(range.Start.Value, range.Size.Value, true);
            TotalBytes += range.Size.Value;
        }
    }

    /// <summary>Bytes of all ranges (VmallocTotal).</summary>
    public ulong TotalBytes { get; }

    /// <summary>The largest free stretch in bytes (VmallocChunk).</summary>
    public ulong LargestFree
    {
        get
        {
            lock (_sync)
                return _free.Largest;
        }
    }

    /// <summary>Bytes given up and not yet usable again.</summary>
    public ulong RetiredBytes
    {
        get
        {
            lock (_sync)
                return _retiredBytes;
        }
    }

    /// <summary>All areas in use, by address.</summary>
    public List<VmArea> Areas()
    {
        lock (_sync)
        {
            var areas = new List<VmArea>(_busy.Count);
            foreach (var (_, _, area) in _busy.InOrder())
                areas.Add(area);
            return areas;
        }
    }

    /// <summary>Takes an area.</summary>
    /// <returns>Null where no stretch is large enough.</returns>
    public VmArea? TryTake(ulong size, ulong alignment, VmAreaFlags flags, string caller)
    {
        lock (_sync)
        {
            if (!_free.TryFindLowest(size, alignment, 0, ulong.MaxValue, out var place))
                return null;
            _free.TryFind(place, out var start, out var bytes, out _);
            return Cut(start, bytes, place, size, flags, caller);
        }
    }

    /// <summary>Takes an area at a place that is free.</summary>
    /// <returns>Null where it is not.</returns>
    public VmArea? TryTakeAt(ulong place, ulong size, VmAreaFlags flags, string caller)
    {
        lock (_sync)
        {
            if (!_free.TryFind(place, out var start, out var bytes, out _) || place - start > bytes - Math.Min(bytes, size))
                return null;
            return Cut(start, bytes, place, size, flags, caller);
        }
    }

    /// <summary>The area that an address lies in, guard page included.</summary>
    public VmArea? Find(VirtAddr address)
    {
        lock (_sync)
            return _busy.TryFind(address.Value, out _, out _, out var area) ? area : null;
    }

    /// <summary>The area that starts at an address goes out of use; it cannot be found any longer.</summary>
    /// <param name="address">Its first address.</param>
    /// <param name="isFine">Whether it is the right kind of area.</param>
    /// <returns>The area, or what is there instead: one that is not fine stays in use.</returns>
    public VmArea? Withdraw(VirtAddr address, Func<VmArea, bool> isFine)
    {
        lock (_sync)
        {
            if (!_busy.TryFind(address.Value, out var start, out _, out var area))
                return null;
            if (start == address.Value && isFine(area))
                _busy.Remove(start);
            return area;
        }
    }

    /// <summary>A withdrawn area that was mapped waits for the invalidation.</summary>
    /// <returns>Bytes that wait.</returns>
    public ulong Retire(VmArea area)
    {
        lock (_sync)
        {
            _retired.Add(area);
            return _retiredBytes += area.Size;
        }
    }

    /// <summary>Takes the areas that wait, for the invalidation; <see cref="GiveBack"/> them afterwards.</summary>
    public List<VmArea> TakeRetired()
    {
        lock (_sync)
        {
            var retired = _retired;
            (_retired, _retiredBytes) = ([], 0);
            return retired;
        }
    }

    /// <summary>Makes the addresses of a withdrawn area usable again.</summary>
    /// <returns>The whole free stretch that they are now part of.</returns>
    public VirtRange GiveBack(VmArea area)
    {
        lock (_sync)
        {
            var (start, size) = (area.Start.Value, area.Size);
            if (_free.TryFindAtOrBelow(start, out var before, out var bytes, out _) && before + bytes == start)
            {
                _free.Remove(before);
                (start, size) = (before, size + bytes);
            }
            if (_free.TryFindAbove(start, out var after, out bytes, out _) && start + size == after)
            {
                _free.Remove(after);
                size += bytes;
            }
            _free.Add(start, size, true);
            return new VirtRange(new VirtAddr(start), size);
        }
    }

    // Takes addresses out of a free stretch that holds them; what is in front and behind stays free.
    private VmArea Cut(ulong start, ulong bytes, ulong place, ulong size, VmAreaFlags flags, string caller)
    {
        _free.Remove(start);
        if (place > start)
            _free.Add(start, place - start, true);
        var behind = bytes - (place - start) - size;
        if (behind != 0)
            _free.Add(place + size, behind, true);
        var area = new VmArea(new VirtAddr(place), size, flags, caller);
        _busy.Add(place, size, area);
        return area;
    }
}
