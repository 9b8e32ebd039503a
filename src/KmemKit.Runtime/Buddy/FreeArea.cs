using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Threading;

namespace KmemKit.Runtime.Buddy;

/// <summary>The free blocks of one zone: the buddy system itself (<c>struct free_area</c>, <c>__rmqueue_smallest</c>, <c>__free_one_page</c>).</summary>
/// <remarks>
/// <para>Inside, frames are numbered from the zone's base, a multiple of the largest block; callers give and get descriptor numbers. Orders 0 to 5 live in one word per 64 frames (<see cref="GroupMask"/>);
/// orders 6 and up in one bit per block. Per order and migrate type a <see cref="FreeIndex"/> finds a block without walking a list. That is about 130 KB of
/// hot data per GiB in place of list heads in 16 MiB of page descriptors.</para>
/// <para>Invariants: (1) a block below the pageblock order is on the list of its pageblock's type. (2) Indexes of orders 6 and up are exact. (3) An index
/// below order 6 holds at least the groups that have such a block; a group that has none any more, or whose pageblock changed its type, is dropped when a search meets it, so each addition pays
/// for at most one such meeting. (4) Counts are exact.</para>
/// <para>Every member expects the caller to hold <see cref="Lock"/>; frames given to it were checked before.</para>
/// <para>Source of the rules: mm/page_alloc.c.</para>
/// </remarks>
internal sealed unsafe partial class FreeArea
{
    /// <summary>How many migrate types there are.</summary>
    public const int Types = 6;

    /// <summary>Room for orders 0 to 15 in each type's table.</summary>
    public const int OrderSlots = 16;

    private readonly FreeAreaHeader* _header;
    private readonly ulong* _masks;
    private readonly FreeIndex* _index;
    private readonly uint* _count;
    private readonly ushort* _blocks;
    private readonly int _maxOrder;
    private readonly int _blockOrder;
    private readonly uint _frames;
    private readonly uint _base;

    /// <summary>An area without free blocks, over zeroed memory of <see cref="BytesFor"/>.</summary>
    /// <param name="header">Lock and counters.</param>
    /// <param name="memory">Zeroed, 8-byte aligned.</param>
    /// <param name="baseFrame">The descriptor that the area's frame 0 stands for.</param>
    /// <param name="frames">Frames from the base, a multiple of the largest block.</param>
    /// <param name="blocks">The pageblock words of the zone's first block and on.</param>
    /// <param name="maxOrder">Largest order, at least 6.</param>
    /// <param name="blockOrder">Order of a pageblock, 6 to <paramref name="maxOrder"/>.</param>
    public FreeArea(FreeAreaHeader* header, byte* memory, uint baseFrame, uint frames, ushort* blocks, int maxOrder, int blockOrder)
    {
        _base = baseFrame;
        _header = header;
        _frames = frames;
        _blocks = blocks;
        _maxOrder = maxOrder;
        _blockOrder = blockOrder;
        _count = header->Count;
        _index = (FreeIndex*)header->Index;
        _masks = (ulong*)memory;
        var words = _masks + (frames >> GroupMask.Order);
        for (var type = 0; type < Types; type++)
        {
            for (var order = 0; order <= maxOrder; order++)
                words = _index[(type * OrderSlots) + order].Place(words, MembersOf(frames, order));
        }
    }

    /// <summary>The lock that serialises the CPUs.</summary>
    public ref int Lock => ref _header->Lock;

    /// <summary>NR_FREE_PAGES.</summary>
    public long FreePages => Volatile.Read(ref _header->Free) + Volatile.Read(ref _header->FreeCma) + Volatile.Read(ref _header->FreeHighAtomic);

    /// <summary>Where the free pages that every request may use are counted: the fast path reads it for the watermark.</summary>
    public long* FreeCounter => &_header->Free;

    /// <summary>NR_FREE_CMA_PAGES.</summary>
    public long FreeCmaPages => Volatile.Read(ref _header->FreeCma);

    /// <summary>NR_FREE_HIGHATOMIC.</summary>
    public long FreeHighAtomicPages => Volatile.Read(ref _header->FreeHighAtomic);

    /// <summary>Frames from the base that the area can hold.</summary>
    public uint Frames => _frames;

    /// <summary>Memory that an area of <paramref name="frames"/> takes in bytes.</summary>
    public static ulong BytesFor(uint frames, int maxOrder)
    {
        var words = (ulong)(frames >> GroupMask.Order);
        for (var order = 0; order <= maxOrder; order++)
            words += Types * FreeIndex.WordsFor(MembersOf(frames, order));
        return words * sizeof(ulong);
    }

    /// <summary>Free blocks of an order on the list of a type.</summary>
    public uint CountOf(int order, MigrateType type) => Volatile.Read(ref _count[((int)type * OrderSlots) + order]);

    /// <summary>Whether a type has a block of at least <paramref name="order"/>.</summary>
    public bool HasBlock(int order, int type) => _header->NonEmpty[type] >> order != 0;

    /// <summary>Whether any request may find a block of at least <paramref name="order"/>: reserved and isolated ones apart, lent ones included.</summary>
    public bool HasAnyBlock(int order)
    {
        var types = _header->NonEmpty;
        return (types[(int)MigrateType.Unmovable] | types[(int)MigrateType.Movable] | types[(int)MigrateType.Reclaimable] | types[(int)MigrateType.Cma]) >> order != 0;
    }

    /// <summary>Whether all frames of a block are free in blocks of the zone. A guess where the caller does not hold the lock.</summary>
    public bool IsFree(uint frame, int order)
    {
        frame -= _base;
        if (order >= GroupMask.Order)
            return Index(order, TypeAt(frame))->Contains(frame >> order);
        var bits = GroupMask.Ones(order) << (int)(frame & 63);
        return (_masks[frame >> GroupMask.Order] & bits) == bits;
    }

    /// <summary>The migrate type of the pageblock that holds a frame.</summary>
    public int TypeOf(uint frame) => TypeAt(frame - _base);

    /// <summary>Takes the smallest block that is large enough from the list of <paramref name="type"/>, and gives back what is left of it.</summary>
    public bool TryTake(int order, int type, out uint frame)
    {
        var orders = _header->NonEmpty[type] >> order;
        if (orders == 0)
        {
            frame = 0;
            return false;
        }
        var from = order + BitOperations.TrailingZeroCount(orders);
        frame = _base + (from < GroupMask.Order ? TakeFromGroup(order, from, type) : TakeFromIndex(order, from, type));
        Uncharge(type, 1L << order);
        return true;
    }

    /// <summary>Frees a block on the list of its pageblock's type and merges it with its buddies as far as it goes.</summary>
    public void Put(uint frame, int order)
    {
        frame -= _base;
        var type = TypeAt(frame);
        if (order > _blockOrder && !IsOfOneType(frame, order, type))
        {
            PutRange(frame, frame + (1u << order), order - 1);
            return;
        }
        Charge(type, 1L << order);
        PutBlock(frame, order, type);
    }

    private int TypeAt(uint frame) => _blocks[frame >> _blockOrder] & PageBlocks.TypeMask;

    private static uint MembersOf(uint frames, int order) => frames >> Math.Max(order, GroupMask.Order);

    private void PutBlock(uint frame, int order, int type)
    {
        if (order >= GroupMask.Order)
        {
            PutWhole(frame >> order, order, type);
            return;
        }
        var group = frame >> GroupMask.Order;
        var position = (int)(frame & 63);
        var mask = _masks[group];
        var merged = mask | (GroupMask.Ones(order) << position);
        while (true)
        {
            var size = 1 << order;
            var buddy = GroupMask.Ones(order) << (position ^ size);
            if ((mask & buddy) != buddy)
                break;
            CountDown(type, order);
            position &= ~size;
            if (++order == GroupMask.Order)
            {
                _masks[group] = 0;
                PutWhole(group, GroupMask.Order, type);
                return;
            }
        }
        _masks[group] = merged;
        CountUp(type, order);
        Index(order, type)->Add(group);
    }

    // Blocks of order 6 and up; type is that of the block's first pageblock.
    private void PutWhole(uint block, int order, int type)
    {
        while (order < _maxOrder)
        {
            var buddy = block ^ 1;
            var buddyType = order < _blockOrder ? type : TypeAt(buddy << order);
            if (buddyType != type && !(IsMergeable(type) && IsMergeable(buddyType)))
                break;
            var index = Index(order, buddyType);
            if (!index->Contains(buddy))
                break;
            index->Remove(buddy);
            CountDown(buddyType, order);
            if (buddyType != type)
                SetTypes(buddy << order, order, type);
            block >>= 1;
            order++;
        }
        Index(order, type)->Add(block);
        CountUp(type, order);
    }

    // The types that fall back on each other merge across pageblocks; reserved, lent and isolated blocks stay apart.
    private static bool IsMergeable(int type) => type < (int)MigrateType.HighAtomic;

    private void SetTypes(uint frame, int order, int type)
    {
        var first = frame >> _blockOrder;
        var end = first + (1u << Math.Max(0, order - _blockOrder));
        for (var at = first; at < end; at++)
            _blocks[at] = PageBlocks.Word(PageBlocks.ZoneOf(_blocks[at]), (MigrateType)type);
        if (_maxOrder > _blockOrder)
            MarkNeighbours(frame);
    }

    private uint TakeFromGroup(int order, int from, int type)
    {
        var group = FindGroup(from, type, out var blocks);
        if ((blocks & (blocks - 1)) == 0)
            Index(from, type)->Remove(group);
        var position = BitOperations.TrailingZeroCount(blocks);
        _masks[group] &= ~(GroupMask.Ones(order) << position);
        CountDown(type, from);
        for (; from > order; from--)
        {
            CountUp(type, from - 1);
            Index(from - 1, type)->Add(group);
        }
        return (group << GroupMask.Order) | (uint)position;
    }

    /// <summary>A group that has blocks of exactly <paramref name="order"/>; the caller knows by the count that there is one.</summary>
    private uint FindGroup(int order, int type, out ulong blocks)
    {
        var index = Index(order, type);
        while (true)
        {
            if (!index->TryFirst(out var group))
                throw new InvalidOperationException($"The buddy lists are damaged: no group has the block of order {order} that the count promises.");
            blocks = GroupMask.BlocksOf(_masks[group], order);
            if (blocks != 0 && TypeAt(group << GroupMask.Order) == type)
                return group;
            index->Remove(group);
        }
    }

    private uint TakeFromIndex(int order, int from, int type)
    {
        var block = TakeWhole(Math.Max(order, GroupMask.Order), from, type);
        if (order >= GroupMask.Order)
            return block << order;
        SetMask(block, 0, ~GroupMask.Ones(order), type);
        return block << GroupMask.Order;
    }

    // A block of order 6 and up, split down from a larger one: the upper halves go back.
    private uint TakeWhole(int order, int from, int type)
    {
        var index = Index(from, type);
        if (!index->TryFirst(out var block))
            throw new InvalidOperationException($"The buddy lists are damaged: the index of order {from} is empty where the count is not.");
        index->Remove(block);
        CountDown(type, from);
        while (from > order)
        {
            from--;
            block <<= 1;
            Index(from, type)->Add(block + 1);
            CountUp(type, from);
        }
        return block;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private FreeIndex* Index(int order, int type) => _index + (type * OrderSlots) + order;

    private void CountUp(int type, int order)
    {
        _count[(type * OrderSlots) + order]++;
        _header->NonEmpty[type] |= 1u << order;
    }

    private void CountDown(int type, int order)
    {
        if (--_count[(type * OrderSlots) + order] == 0)
            _header->NonEmpty[type] &= ~(1u << order);
    }

    // Stores a group's word and brings counts and indexes to what it says: by arithmetic, for in fragmented memory a branch on each order is a coin toss.
    private void SetMask(uint group, ulong old, ulong mask, int type)
    {
        _masks[group] = mask;
        var before = Vector128.CreateScalar(GroupMask.CountBlocks(old)).AsByte();
        var after = Vector128.CreateScalar(GroupMask.CountBlocks(mask)).AsByte();
        // Orders 6 and 7 are in the vectors as well, and change by nothing.
        var change = Vector128.WidenLower(after) - Vector128.WidenLower(before);
        CountAll(type, Vector128.WidenLower(change.AsInt16()).AsUInt32(), Vector128.WidenUpper(change.AsInt16()).AsUInt32());
        var added = Vector128.GreaterThan(after, before).ExtractMostSignificantBits();
        for (; added != 0; added &= added - 1)
            Index(BitOperations.TrailingZeroCount(added), type)->Add(group);
    }

    // Changes the counts of orders 0 to 3 and 4 to 7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CountAll(int type, Vector128<uint> lowChange, Vector128<uint> highChange)
    {
        var counts = _count + (type * OrderSlots);
        var low = Vector128.Load(counts) + lowChange;
        var high = Vector128.Load(counts + 4) + highChange;
        low.Store(counts);
        high.Store(counts + 4);
        var empty = Vector128.Equals(low, Vector128<uint>.Zero).ExtractMostSignificantBits()
            | (Vector128.Equals(high, Vector128<uint>.Zero).ExtractMostSignificantBits() << 4);
        _header->NonEmpty[type] = (_header->NonEmpty[type] & ~0xffu) | (empty ^ 0xff);
    }

    // Isolated pages are not free to anyone, so NR_FREE_PAGES does not count them (mm/page_alloc.c, account_freepages).
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Charge(int type, long pages)
    {
        if (type < (int)MigrateType.HighAtomic)
            _header->Free += pages;
        else if (type == (int)MigrateType.Cma)
            _header->FreeCma += pages;
        else if (type == (int)MigrateType.HighAtomic)
            _header->FreeHighAtomic += pages;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Uncharge(int type, long pages) => Charge(type, -pages);
}
