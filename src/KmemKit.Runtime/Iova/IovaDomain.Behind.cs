using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Iova;

/// <summary>Behind the CPUs' magazines, under the lock: the depot of full magazines, and the windows that ranges are cut from.</summary>
public sealed unsafe partial class IovaDomain
{
    // Called inside the CPU's gate, which it leaves.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeSlowly(int cpu, IovaCpuCache* cache, int order, ulong mask, out BusAddr address)
    {
        if (cache->Loaded->Count == 0)
            Refill(cache, order, mask);
        var magazine = cache->Loaded;
        // From the top down, as the kernel does for devices with a narrow mask.
        for (var i = magazine->Count - 1; i >= 0; i--)
        {
            var first = magazine->Ranges[i];
            if (!Reaches(mask, first, 1UL << order))
                continue;
            magazine->Ranges[i] = magazine->Ranges[--magazine->Count];
            *CellOf(first) = IovaCell.OfOrder(order);
            _places[cpu].Gate.Leave();
            address = new BusAddr(first << _shift);
            return true;
        }
        _places[cpu].Gate.Leave();
        return TakeExactly(1UL << order, mask, out address);
    }

    private void Refill(IovaCpuCache* cache, int order, ulong mask)
    {
        if (cache->Previous->Count != 0)
        {
            cache->Swap();
            return;
        }
        ZoneLock.Acquire(ref _lock);
        if (PopDepot(order) is var full && full is not null)
        {
            NativeMemory.Free(cache->Loaded);
            cache->Loaded = full;
        }
        else
        {
            // One way into the windows for many ranges. A small batch: what a CPU holds and does not use is missing elsewhere until space is short.
            const int batch = 32;
            var magazine = cache->Loaded;
            while (magazine->Count < batch && TryTakeFromWindows(1u << order, mask, out var first))
            {
                *CellOf(first) |= IovaCell.InMagazine;
                magazine->Ranges[magazine->Count++] = first;
            }
            // The lowest on top.
            new Span<ulong>(magazine->Ranges, magazine->Count).Reverse();
        }
        ZoneLock.Release(ref _lock);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeExactly(ulong count, ulong mask, out BusAddr address)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (var isFlushed = false; ; isFlushed = true)
        {
            var taken = false;
            var first = 0UL;
            if (count <= IovaWindow.Granules)
            {
                ZoneLock.Acquire(ref _lock);
                taken = TryTakeFromWindows((uint)count, mask, out first);
                ZoneLock.Release(ref _lock);
            }
            address = new BusAddr(first << _shift);
            if (taken || isFlushed || count > IovaWindow.Granules)
                return taken;
            Flush();
        }
    }

    // With the lock. Windows rise in address, so the first that has room is below 4 GiB as long as there is any.
    private bool TryTakeFromWindows(uint count, ulong mask, out ulong first)
    {
        first = 0;
        var limit = Math.Min(_end, mask == ulong.MaxValue ? ulong.MaxValue : (mask + 1) >> _shift);
        for (var i = _firstWithSpace; i < _windows.Length && (ulong)i << IovaWindow.Bits < limit; i++)
        {
            var window = WindowAt((ulong)i);
            if (window.Free == 0)
            {
                if (i == _firstWithSpace)
                    _firstWithSpace++;
                continue;
            }
            var below = Math.Min(limit - ((ulong)i << IovaWindow.Bits), IovaWindow.Granules);
            if (!window.TryTake(count, (uint)below, out var granule))
                continue;
            first = ((ulong)i << IovaWindow.Bits) + granule;
            return true;
        }
        return false;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private IovaMagazine* MakeRoom(IovaCpuCache* cache, int order)
    {
        if (cache->Previous->Count == 0)
        {
            cache->Swap();
            return cache->Loaded;
        }
        ZoneLock.Acquire(ref _lock);
        if (_depotCounts[order] < DepotMagazines)
        {
            cache->Loaded->Below = _depot[order];
            _depot[order] = cache->Loaded;
            _depotCounts[order]++;
            cache->Loaded = NewMagazine();
        }
        else
        {
            Empty(cache->Loaded);
        }
        ZoneLock.Release(ref _lock);
        return cache->Loaded;
    }

    private void Empty(IovaMagazine* magazine)
    {
        for (var i = 0; i < magazine->Count; i++)
            GiveToWindow(magazine->Ranges[i]);
        magazine->Count = 0;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void GiveExactly(ulong first)
    {
        ZoneLock.Acquire(ref _lock);
        GiveToWindow(first);
        ZoneLock.Release(ref _lock);
    }

    private void GiveToWindow(ulong first)
    {
        var window = (int)(first >> IovaWindow.Bits);
        _windows[window]!.Give((uint)first & (IovaWindow.Granules - 1));
        _firstWithSpace = Math.Min(_firstWithSpace, window);
    }

    private IovaMagazine* PopDepot(int order)
    {
        var magazine = _depot[order];
        if (magazine is not null)
        {
            _depot[order] = magazine->Below;
            _depotCounts[order]--;
        }
        return magazine;
    }

    private IovaWindow WindowAt(ulong index) => _windows[index] ?? MakeWindow(index);

    private IovaWindow MakeWindow(ulong index)
    {
        var window = new IovaWindow((uint)(StartOf(index) - (index << IovaWindow.Bits)), (uint)(EndOf(index) - (index << IovaWindow.Bits)));
        _windows[index] = window;
        Volatile.Write(ref *(nint*)(_cells + index), (nint)window.Cells);
        return window;
    }
}
