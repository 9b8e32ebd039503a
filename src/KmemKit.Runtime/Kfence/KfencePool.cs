using System;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Slab;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kfence;

/// <summary>Objects that each have a page of their own between guard pages (mm/kfence/core.c).</summary>
/// <remarks>
/// <code>
///   | guard | guard | object 0 | guard | object 1 | guard | ... |        pages of the pool, one block of the page allocator
///                   |oooo......|       |......oooo|                      o: the object, at the left or the right end; .: canary
/// </code>
/// <para>An access to a guard page, to a page whose object is free, or to a page beside its object is reported by who checks accesses
/// (<see cref="Find"/>); a write that nobody checked is found by the canary when the object is freed. Objects are reused in the order in which they were
/// freed, so that a freed one stays untouched as long as possible.</para>
/// </remarks>
internal sealed unsafe class KfencePool
{
    // Canary of the bytes of a word, lowest address first: 0xaa ^ 0 ... 0xaa ^ 7.
    private const ulong CanaryWord = 0xadacafaea9a8abaa;

    private readonly Lock _lock = new();
    private readonly Slot[] _slots;
    private readonly int[] _free;
    private readonly byte* _start;
    private readonly int _pageSize;
    private int _firstFree;
    private int _freeCount;
    private uint _random;

    public enum State : byte
    {
        Unused,
        Allocated,
        Freed,
    }

    public struct Slot
    {
        public State State;
        public byte* Item;
        public int Size;
        public KmemCache? Cache;
        public ObjectTrack Allocated;
        public ObjectTrack Freed;
    }

    private KfencePool(byte* start, int pageSize, int objects, int seed)
    {
        _start = start;
        _pageSize = pageSize;
        _slots = new Slot[objects];
        _free = new int[objects];
        for (var i = 0; i < objects; i++)
            _free[i] = i;
        _freeCount = objects;
        _random = (uint)seed | 1;
        Bytes = (nuint)(2 * (objects + 1) * pageSize);
    }

    public byte* Start => _start;

    public nuint Bytes { get; }

    public int Objects => _slots.Length;

    /// <summary>Objects that are allocated now.</summary>
    public int Used
    {
        get
        {
            var used = 0;
            lock (_lock)
            {
                foreach (var slot in _slots)
                    used += slot.State == State.Allocated ? 1 : 0;
            }
            return used;
        }
    }

    /// <summary>Takes pages for a pool and claims them.</summary>
    /// <returns>Null where there are no pages to be had.</returns>
    public static KfencePool? Create(ObjectAllocator allocator, Cpu cpu, int objects, int seed)
    {
        var order = cpu.GetOrder((ulong)(2L * (objects + 1) * allocator.PageSize));
        if (order > allocator.Pages.Map.MaxOrder)
            throw new ArgumentOutOfRangeException(nameof(objects), objects, $"A pool of {objects} objects needs a block of order {order}; the largest is {allocator.Pages.Map.MaxOrder}.");
        var page = cpu.AllocPages(GfpFlags.Kernel | GfpFlags.Zero, order);
        if (page.IsNull)
            return null;
        allocator.ClaimGuarded(page, order);
        return new KfencePool(allocator.Pages.Map.PageData(page), allocator.PageSize, objects, seed);
    }

    public bool Contains(void* address) => unchecked((nuint)((byte*)address - _start)) < Bytes;

    /// <summary>Makes an object; null where the pool has none left, or it does not fit a page.</summary>
    public byte* Alloc(KmemCache cache, int size, ObjectTrack track)
    {
        if (size > _pageSize || size < 1)
            return null;
        int number;
        bool right;
        lock (_lock)
        {
            if (_freeCount == 0)
                return null;
            number = _free[_firstFree];
            _firstFree = (_firstFree + 1) % _free.Length;
            _freeCount--;
            _random ^= _random << 13;
            _random ^= _random >> 17;
            _random ^= _random << 5;
            right = (_random & 1) != 0;
        }
        var page = PageOf(number);
        // The right end as near to the guard page as the alignment of the cache's objects allows.
        var item = right ? page + ((_pageSize - size) & -cache.Layout.Align) : page;
        // The object as well: what it holds is its owner's to write.
        new Span<ulong>(page, _pageSize / sizeof(ulong)).Fill(CanaryWord);
        lock (_lock)
            _slots[number] = new Slot { State = State.Allocated, Item = item, Size = size, Cache = cache, Allocated = track };
        return item;
    }

    /// <summary>Makes an object free; false where it is none, or free already.</summary>
    /// <param name="address">What is freed.</param>
    /// <param name="track">Who does.</param>
    /// <param name="number">The object's number; -1 where none is at that page.</param>
    public bool TryFree(void* address, ObjectTrack track, out int number)
    {
        number = NumberAt((byte*)address);
        if (number < 0)
            return false;
        lock (_lock)
        {
            ref var slot = ref _slots[number];
            if (slot.State != State.Allocated || slot.Item != address)
                return false;
            slot.State = State.Freed;
            slot.Freed = track;
        }
        return true;
    }

    /// <summary>Lets a freed object be used again, behind all others.</summary>
    public void Recycle(int number)
    {
        lock (_lock)
            _free[(_firstFree + _freeCount++) % _free.Length] = number;
    }

    /// <summary>The first byte at or behind <paramref name="from"/> in an object's page and outside of the object that is not as it was left; null where all are.</summary>
    public byte* FirstDamaged(int number, byte* from)
    {
        var slot = SlotOf(number);
        var end = PageOf(number) + _pageSize;
        for (var at = from; at < end; at++)
        {
            if (((nuint)at & 7) == 0)
            {
                // Up to the object, or to the page's end, by words.
                var stop = at < slot.Item ? slot.Item : end;
                var words = at >= slot.Item && at < slot.Item + slot.Size ? 0 : (int)((stop - at) / sizeof(ulong));
                var same = new ReadOnlySpan<ulong>(at, words).IndexOfAnyExcept(CanaryWord);
                at += (same < 0 ? words : same) * sizeof(ulong);
            }
            if (at == slot.Item)
                at += slot.Size;
            if (at < end && *at != Canary(at))
                return at;
        }
        return null;
    }

    public Slot SlotOf(int number)
    {
        lock (_lock)
            return _slots[number];
    }

    public byte* PageOf(int number) => _start + ((2 * (nint)number + 2) * _pageSize);

    /// <summary>The object whose page an address lies in; -1 on a guard page.</summary>
    public int NumberAt(byte* address)
    {
        var page = (nint)(address - _start) / _pageSize;
        return (page & 1) == 0 && page >= 2 && (page / 2) - 1 < _slots.Length ? (int)(page / 2) - 1 : -1;
    }

    /// <summary>What an access means: null where it is as it should be.</summary>
    /// <param name="address">Its first byte, in the pool.</param>
    /// <param name="size">Its bytes.</param>
    /// <param name="number">The object concerned; -1 for none.</param>
    public KfenceReportKind? Find(byte* address, long size, out int number)
    {
        number = NumberAt(address);
        if (number < 0)
        {
            number = Nearest(address);
            return number < 0 ? KfenceReportKind.InvalidAccess : KfenceReportKind.OutOfBounds;
        }
        var slot = SlotOf(number);
        if (slot.State == State.Unused)
            return KfenceReportKind.InvalidAccess;
        if (slot.State == State.Freed)
            return KfenceReportKind.UseAfterFree;
        return address >= slot.Item && address + size <= slot.Item + slot.Size ? null : KfenceReportKind.OutOfBounds;
    }

    public static byte Canary(byte* at) => (byte)(0xaa ^ ((nuint)at & 7));

    // Of the allocated objects on both sides of a guard page the nearer one (kfence_handle_page_fault).
    private int Nearest(byte* address)
    {
        var left = NumberAt(address - _pageSize);
        var right = NumberAt(address + _pageSize);
        var (nearest, distance) = (-1, long.MaxValue);
        if (left >= 0 && SlotOf(left) is { State: State.Allocated } before)
            (nearest, distance) = (left, address - (before.Item + before.Size));
        if (right >= 0 && SlotOf(right) is { State: State.Allocated } after && after.Item - address < distance)
            nearest = right;
        return nearest;
    }
}
