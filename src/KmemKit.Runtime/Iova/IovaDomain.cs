using System;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Iova;

/// <summary>The addresses of one translated device or group of devices (struct iova_domain of the kernel): which are in use, and which come next.</summary>
/// <remarks>
/// <para>Ranges are aligned to their size rounded up to a power of two, and start below 4 GiB as long as there is room: devices that say they reach further
/// often do not. Ranges of 1, 2, 4 ... 32 granules go through magazines of the CPU, so that taking and giving touches nothing that another CPU writes;
/// a request of a size between is served by the next of these, as in the kernel, and has that length. Larger ones are exact.</para>
/// <para>Every range's length is kept at its first granule: giving back what is not taken, or by another size, is refused and changes nothing. A caller that has to do
/// something between finding that out and giving back claims the range first (<see cref="Claim"/>).</para>
/// <para>Where space is short the magazines of all CPUs are emptied before a request fails, so nothing is lost in them.</para>
/// <para>Threads: each CPU number by one thread at a time; different ones at once. <see cref="Dispose"/> alone.</para>
/// </remarks>
public sealed unsafe partial class IovaDomain : IDisposable
{
    private const int CachedOrders = IovaCell.LargestOrder + 1;
    private const int DepotMagazines = 32;

    private readonly IovaWindow?[] _windows;
    private readonly int _shift;
    private readonly ulong _first;
    private readonly ulong _end;
    private readonly int _cpus;
    private readonly IovaCpu* _places;
    // The cells of each window, null while there is none.
    private readonly byte** _cells;
    private readonly IovaMagazine*[] _depot = new IovaMagazine*[CachedOrders];
    private readonly int[] _depotCounts = new int[CachedOrders];
    private int _firstWithSpace;
    private int _lock;
    private bool _disposed;

    /// <summary>An empty space.</summary>
    /// <param name="granule">Smallest page of the translation: 4, 16 or 64 KiB.</param>
    /// <param name="aperture">Addresses that ranges may have; edges are multiples of the granule. Address 0 is never given out: drivers take it for an error.</param>
    /// <param name="cpus">CPUs that take and give.</param>
    /// <exception cref="ArgumentException">The aperture is empty, not aligned, or has more than 2^40 granules.</exception>
    public IovaDomain(PageGeometry granule, PhysRange aperture, int cpus)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(cpus, 1);
        _shift = granule.PageShift;
        if (aperture.IsEmpty || !aperture.Start.IsAligned(granule.PageSize) || (aperture.End.Wrapped & (granule.PageSize - 1)) != 0)
            throw new ArgumentException($"The aperture {aperture} is empty, or its edges are no multiples of {granule.PageSize} bytes.", nameof(aperture));
        _first = Math.Max(1, aperture.Start.Value >> _shift);
        _end = (aperture.End.Last >> _shift) + 1;
        var windows = ((_end - 1) >> IovaWindow.Bits) + 1;
        if (windows > 1 << 20)
            throw new ArgumentException($"The aperture {aperture} has more than 2^40 granules.", nameof(aperture));
        _windows = new IovaWindow?[windows];
        _cells = (byte**)NativeMemory.AllocZeroed((nuint)windows, (nuint)sizeof(byte*));
        _firstWithSpace = (int)(_first >> IovaWindow.Bits);
        _cpus = cpus;
        _places = (IovaCpu*)NativeMemory.AlignedAlloc((nuint)cpus * (nuint)sizeof(IovaCpu), 64);
        new Span<IovaCpu>(_places, cpus).Clear();
        for (var i = 0; i < cpus * CachedOrders; i++)
            *IovaCpu.CacheOf(_places + (i / CachedOrders), i % CachedOrders) = new IovaCpuCache { Loaded = NewMagazine(), Previous = NewMagazine() };
    }

    /// <summary>Smallest page of the translation, in bytes.</summary>
    public ulong Granule => 1UL << _shift;

    /// <summary>How often magazines of all CPUs were emptied because space was short.</summary>
    public ulong Flushes { get; private set; }

    /// <summary>Takes a range (alloc_iova_fast).</summary>
    /// <param name="cpu">Number of the CPU.</param>
    /// <param name="bytes">At least 1; rounded up to granules.</param>
    /// <param name="mask">The highest address the device can put out.</param>
    /// <param name="address">Its first address.</param>
    /// <returns>False where no aligned range of that size is free below the mask.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(int cpu, ulong bytes, ulong mask, out BusAddr address)
    {
        var count = Granules(bytes);
        return count > 1UL << IovaCell.LargestOrder ? TakeExactly(count, mask, out address) : TryTakeOrder(cpu, OrderOf(count), mask, out address);
    }

    /// <summary><see cref="TryTake"/> of one granule, for whom each nanosecond counts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTakeGranule(int cpu, ulong mask, out BusAddr address) => TryTakeOrder(cpu, 0, mask, out address);

    /// <summary>The same where the CPU has one at hand; otherwise, and where the mask is short or the CPU wrong, false, and nothing changed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryTakeGranuleAtHand(int cpu, ulong mask, out BusAddr address)
    {
        address = default;
        if ((uint)cpu >= (uint)_cpus)
            return false;
        var place = _places + cpu;
        if (!place->Gate.TryEnter())
            return false;
        var magazine = place->Granules.Loaded;
        var count = magazine->Count;
        if (count == 0 || magazine->Ranges[count - 1] is var first && !Reaches(mask, first, 1))
        {
            place->Gate.Leave();
            return false;
        }
        magazine->Count = count - 1;
        *CellOf(first) = IovaCell.OfOrder(0);
        place->Gate.Leave();
        address = new BusAddr(first << _shift);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private bool TryTakeOrder(int cpu, int order, ulong mask, out BusAddr address)
    {
        var place = PlaceOf(cpu);
        var cache = IovaCpu.CacheOf(place, order);
        place->Gate.Enter();
        var magazine = cache->Loaded;
        if (magazine->Count == 0 || !Reaches(mask, magazine->Ranges[magazine->Count - 1], 1UL << order))
        {
            // By a local of its own: the usual answer then needs no place in memory.
            var isTaken = TakeSlowly(cpu, cache, order, mask, out var slowly);
            address = slowly;
            return isTaken;
        }
        var first = magazine->Ranges[--magazine->Count];
        *CellOf(first) = IovaCell.OfOrder(order);
        place->Gate.Leave();
        address = new BusAddr(first << _shift);
        return true;
    }

    /// <summary>Gives a range back (free_iova_fast).</summary>
    /// <param name="cpu">Number of the CPU, which need not be the one that took it.</param>
    /// <param name="address">The range's first address.</param>
    /// <param name="bytes">As it was taken.</param>
    /// <exception cref="IovaException">No range of that size starts there; nothing changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Give(int cpu, BusAddr address, ulong bytes)
    {
        Claim(cpu, address, bytes);
        GiveClaimed(cpu, address, bytes);
    }

    /// <summary>Begins to give a range back: from here on nobody else can, and it is not taken anew until <see cref="GiveClaimed"/>.</summary>
    /// <remarks>No lock: of two threads that give one range back in the same few nanoseconds both may pass.</remarks>
    /// <param name="cpu">The CPU that gives.</param>
    /// <param name="address">The range's first address.</param>
    /// <param name="bytes">As it was taken.</param>
    /// <exception cref="IovaException">No range of that size starts there; nothing changed.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Claim(int cpu, BusAddr address, ulong bytes)
    {
        if ((uint)cpu >= (uint)_cpus)
            RefuseCpu(cpu);
        var count = Granules(bytes);
        var cell = FindCell(cpu, address, bytes);
        if (count <= 1UL << IovaCell.LargestOrder ? *cell != IovaCell.OfOrder(OrderOf(count)) : !IovaCell.IsTaken(cell, count))
            throw Refuse(address, bytes);
        *cell |= IovaCell.Claimed;
    }

    /// <summary><see cref="Claim"/> of one granule.</summary>
    /// <returns>Its cell, for <see cref="GiveClaimedGranule"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref byte ClaimGranule(int cpu, BusAddr address)
    {
        var cell = FindCell(cpu, address, Granule);
        if (*cell != IovaCell.OfOrder(0))
            throw Refuse(address, Granule);
        *cell = (byte)(IovaCell.OfOrder(0) | IovaCell.Claimed);
        return ref *cell;
    }

    // Where the length of a range that starts there is kept.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* FindCell(int cpu, BusAddr address, ulong bytes)
    {
        if ((uint)cpu >= (uint)_cpus)
            RefuseCpu(cpu);
        // An address inside a granule is turned to one that is far outside.
        var first = BitOperations.RotateRight(address.Value, _shift);
        byte* cells;
        if (first >= _end || (cells = _cells[first >> IovaWindow.Bits]) is null)
            throw Refuse(address, bytes);
        return cells + (first & (IovaWindow.Granules - 1));
    }

    /// <summary>The owner of a claimed range keeps it.</summary>
    internal void Unclaim(BusAddr address) => *CellOf(address.Value >> _shift) &= unchecked((byte)~IovaCell.Claimed);

    /// <summary>Gives a range back that <see cref="Claim"/> has found to be right.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void GiveClaimed(int cpu, BusAddr address, ulong bytes)
    {
        var count = Granules(bytes);
        var first = address.Value >> _shift;
        if (count > 1UL << IovaCell.LargestOrder)
        {
            GiveExactly(first);
            return;
        }
        GiveOrder(cpu, first, OrderOf(count));
    }

    /// <summary><see cref="GiveClaimed"/> of one granule, by the same CPU.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void GiveClaimedGranule(int cpu, BusAddr address, ref byte cell)
    {
        var place = _places + cpu;
        place->Gate.Enter();
        cell = (byte)(IovaCell.OfOrder(0) | IovaCell.InMagazine);
        var magazine = place->Granules.Loaded;
        if (magazine->Count == IovaMagazine.Capacity)
            magazine = MakeRoom(&place->Granules, 0);
        magazine->Ranges[magazine->Count++] = address.Value >> _shift;
        place->Gate.Leave();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void GiveOrder(int cpu, ulong first, int order)
    {
        var place = PlaceOf(cpu);
        var cache = IovaCpu.CacheOf(place, order);
        place->Gate.Enter();
        *CellOf(first) = (byte)(IovaCell.OfOrder(order) | IovaCell.InMagazine);
        var magazine = cache->Loaded;
        if (magazine->Count == IovaMagazine.Capacity)
            magazine = MakeRoom(cache, order);
        magazine->Ranges[magazine->Count++] = first;
        place->Gate.Leave();
    }

    /// <summary>Sets addresses apart, such as an interrupt doorbell or the buffer that a boot loader's display still scans (reserve_iova).</summary>
    /// <param name="range">Edges are multiples of the granule; parts outside the aperture are set apart already.</param>
    /// <exception cref="IovaException">A range in it is in use, or the edges are not aligned; nothing changed.</exception>
    public void Reserve(PhysRange range)
    {
        if (!range.Start.IsAligned(Granule) || (range.End.Wrapped & (Granule - 1)) != 0)
            throw new IovaException(IovaError.BadAddress, $"The edges of {range} are no multiples of the granule, {Text(Granule)} bytes.");
        if (range.IsEmpty)
            return;
        Flush();
        var first = Math.Max(_first, range.Start.Value >> _shift);
        var end = Math.Min(_end, (range.End.Last >> _shift) + 1);
        ZoneLock.Acquire(ref _lock);
        try
        {
            for (var at = first; at < end; at = (at | (IovaWindow.Granules - 1)) + 1)
            {
                if (!WindowAt(at >> IovaWindow.Bits).IsFree((uint)at & (IovaWindow.Granules - 1), PartIn(at, end)))
                    throw new IovaException(IovaError.InUse, $"Part of {range} is in use or set apart already.");
            }
            for (var at = first; at < end; at = (at | (IovaWindow.Granules - 1)) + 1)
                WindowAt(at >> IovaWindow.Bits).Reserve((uint)at & (IovaWindow.Granules - 1), PartIn(at, end));
        }
        finally
        {
            ZoneLock.Release(ref _lock);
        }
    }

    /// <summary>Bytes that nobody has; those that wait in magazines are among them.</summary>
    public ulong CountAvailable()
    {
        Flush();
        ZoneLock.Acquire(ref _lock);
        var granules = 0UL;
        for (var i = _first >> IovaWindow.Bits; i < (ulong)_windows.Length; i++)
            granules += _windows[i]?.Free ?? EndOf(i) - StartOf(i);
        ZoneLock.Release(ref _lock);
        return granules << _shift;
    }

    /// <summary>Empties the magazines of all CPUs and the depot: what is free can merge again.</summary>
    public void Flush()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        for (var cpu = 0; cpu < _cpus; cpu++)
            _places[cpu].Gate.Close();
        Interlocked.MemoryBarrierProcessWide();
        for (var cpu = 0; cpu < _cpus; cpu++)
            _places[cpu].Gate.WaitForOwner();
        ZoneLock.Acquire(ref _lock);
        for (var i = 0; i < _cpus * CachedOrders; i++)
        {
            var cache = IovaCpu.CacheOf(_places + (i / CachedOrders), i % CachedOrders);
            Empty(cache->Loaded);
            Empty(cache->Previous);
        }
        for (var order = 0; order < CachedOrders; order++)
        {
            while (PopDepot(order) is var magazine && magazine is not null)
            {
                Empty(magazine);
                NativeMemory.Free(magazine);
            }
        }
        Flushes++;
        ZoneLock.Release(ref _lock);
        for (var cpu = 0; cpu < _cpus; cpu++)
            _places[cpu].Gate.Open();
    }

    /// <summary>Gives the tables back.</summary>
    public void Dispose()
    {
        if (_disposed)
            return;
        Flush();
        _disposed = true;
        for (var i = 0; i < _cpus * CachedOrders; i++)
        {
            var cache = IovaCpu.CacheOf(_places + (i / CachedOrders), i % CachedOrders);
            NativeMemory.Free(cache->Loaded);
            NativeMemory.Free(cache->Previous);
        }
        NativeMemory.AlignedFree(_places);
        NativeMemory.Free(_cells);
        foreach (var window in _windows)
            window?.Dispose();
    }

    /// <summary>Verifies every window. For tests, with nobody else at work.</summary>
    internal void Verify()
    {
        foreach (var window in _windows)
            window?.Verify();
    }

    private ulong StartOf(ulong window) => Math.Max(_first, window << IovaWindow.Bits);

    private ulong EndOf(ulong window) => Math.Min(_end, (window + 1) << IovaWindow.Bits);

    private static uint PartIn(ulong at, ulong end) => (uint)Math.Min(end - at, IovaWindow.Granules - (at & (IovaWindow.Granules - 1)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Granules(ulong bytes)
    {
        if (bytes == 0)
            RefuseNothing();
        return ((bytes - 1) >> _shift) + 1;
    }

    private static void RefuseNothing() => throw new ArgumentOutOfRangeException("bytes", 0, "A range has at least one byte.");

    private static int OrderOf(ulong count) => 64 - BitOperations.LeadingZeroCount(count - 1);

    private bool Reaches(ulong mask, ulong first, ulong count) => ((first + count) << _shift) - 1 <= mask;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IovaCpu* PlaceOf(int cpu)
    {
        if ((uint)cpu >= (uint)_cpus)
            RefuseCpu(cpu);
        return _places + cpu;
    }

    private void RefuseCpu(int cpu) => throw new ArgumentOutOfRangeException(nameof(cpu), cpu, $"The space has {Text((ulong)_cpus)} CPUs.");

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private byte* CellOf(ulong first) => _cells[first >> IovaWindow.Bits] + (first & (IovaWindow.Granules - 1));

    private static IovaMagazine* NewMagazine()
    {
        var magazine = (IovaMagazine*)NativeMemory.Alloc((nuint)sizeof(IovaMagazine));
        magazine->Count = 0;
        magazine->Below = null;
        return magazine;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private IovaException Refuse(BusAddr address, ulong bytes)
    {
        var what = $"The range of {Text(bytes)} bytes at {address} cannot be given back: ";
        var first = address.Value >> _shift;
        if ((address.Value & (Granule - 1)) != 0 || first >= _end)
            return new IovaException(IovaError.BadAddress, what + "the address is no multiple of the granule, or outside the space.");
        var length = _cells[first >> IovaWindow.Bits] is null ? 0 : IovaCell.LengthOf(CellOf(first));
        return length == 0 || (*CellOf(first) & (IovaCell.InMagazine | IovaCell.Claimed)) != 0
            ? new IovaException(IovaError.NotTaken, what + "no range that is in use starts there.")
            : new IovaException(IovaError.WrongSize, what + $"the one there has {Text((ulong)length << _shift)} bytes, and {Text(Granules(bytes) << _shift)} are given back.");
    }

    private static string Text(ulong value) => value.ToString(CultureInfo.InvariantCulture);
}
