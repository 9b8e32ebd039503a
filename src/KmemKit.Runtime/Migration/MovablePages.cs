using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Migration;

/// <summary>The pages whose owners move them on request (<c>__SetPageMovable</c>, <c>isolate_movable_page</c>).</summary>
/// <remarks>
/// <para>That a page is movable is a flag of its first descriptor, its owner's number is in <c>Mapping</c>, with the kernel's PAGE_MAPPING_MOVABLE bit.
/// Moving competes with freeing: an isolator takes a reference only while the page is surely allocated. The flag alone cannot say so, for the owner may be
/// giving its last reference back at this moment. So both sides, the isolator's first step and the free of a registered page's last reference, go
/// through one lock of a small table, chosen by the page's number. Pages that are not registered never come near it.</para>
/// <para>Invariants: a registered page is allocated and its state is marked, so that no free of it is fast; an isolated page has one reference more than
/// its owner knows of. The registration ends with the page, or goes to the new page with a move.</para>
/// </remarks>
public sealed unsafe class MovablePages
{
    // PAGE_MAPPING_MOVABLE; the number of the mover above it.
    private const ulong MappingBit = 2;
    private const int NumberShift = 2;

    private const int Locks = 64;
    private const int WordsPerLock = 16;

    private readonly PageMap _map;
    private readonly int[] _locks = new int[Locks * WordsPerLock];
    private readonly Dictionary<IPageMover, int> _numbers = new(ReferenceEqualityComparer.Instance);
    private readonly Lock _sync = new();
    private IPageMover[] _movers = [];
    private long _count;

    internal MovablePages(PageMap map) => _map = map;

    /// <summary>Blocks that are registered.</summary>
    public long Count => Volatile.Read(ref _count);

    /// <summary>Registers a page: from now on its owner is asked to move it when its place is needed.</summary>
    /// <param name="page">The first page of an allocated block of any order. Its <see cref="PageDescriptor.Mapping"/> belongs to the allocator from now on.</param>
    /// <param name="mover">Its owner.</param>
    /// <exception cref="PageErrorException">It is not allocated, not the first of its block, registered already, or a slab's, table's or locked.</exception>
    public void Register(Page page, IPageMover mover)
    {
        ArgumentNullException.ThrowIfNull(mover);
        var index = _map.Check(page);
        var head = _map.HeadOf(index);
        var frame = _map.FrameAt(index);
        if (head == uint.MaxValue)
            throw new PageErrorException(PageErrorKind.NotAllocated, frame, $"{frame} is not allocated.");
        if (head != index)
            throw new PageErrorException(PageErrorKind.NotFirstPage, frame, $"{frame} lies in the block of {_map.FrameAt(head)}: register that.");
        var number = NumberOf(mover);
        var descriptor = _map.DescriptorAt(index);
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        var busy = (PageFlags)descriptor->Flags & (PageMap.BusyFlags | PageFlags.Movable);
        if (busy == 0)
        {
            _map.States[index] |= PageState.Marked;
            descriptor->Mapping = ((ulong)number << NumberShift) | MappingBit;
            Interlocked.Or(ref descriptor->Flags, (int)PageFlags.Movable);
            Interlocked.Increment(ref _count);
        }
        ZoneLock.Release(ref word);
        if (busy != 0)
            throw new PageErrorException(PageErrorKind.InUse, frame, $"{frame} is {busy}: it cannot be made movable.");
    }

    /// <summary>Ends a registration; freeing the page ends it as well (<c>__ClearPageMovable</c>). A move that has begun does not take place.</summary>
    /// <returns>False where the page was not registered.</returns>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public bool Unregister(Page page)
    {
        var index = _map.Check(page);
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        var was = IsRegistered(index);
        if (was)
            Forget(index);
        ZoneLock.Release(ref word);
        return was;
    }

    /// <summary>The owner that a page is registered with; null where it is not (<c>page_movable_ops</c>).</summary>
    /// <param name="page">The first page of a block.</param>
    /// <exception cref="PageErrorException">The page is null, or of another map.</exception>
    public IPageMover? MoverOf(Page page)
    {
        var index = _map.Check(page);
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        var mover = IsRegistered(index) ? Mover(index) : null;
        ZoneLock.Release(ref word);
        return mover;
    }

    /// <summary>Whether a block may be movable: exact while no one frees or registers it.</summary>
    internal bool IsRegistered(uint index) => (Volatile.Read(ref _map.DescriptorAt(index)->Flags) & (int)PageFlags.Movable) != 0;

    /// <summary>Isolates a block for a move, with its owner's consent.</summary>
    internal HoldResult TryIsolate(Cpu cpu, uint index, MigrateMode mode, out MovingPage page)
    {
        var result = TryHold(index, out page);
        if (result != HoldResult.Held)
            return result;
        var agreed = false;
        try
        {
            agreed = page.Mover.TryIsolate(new Page(index), mode);
        }
        finally
        {
            if (!agreed)
                LetGo(cpu, page);
        }
        return agreed ? HoldResult.Held : HoldResult.Refused;
    }

    /// <summary>Ends an isolation without a move.</summary>
    internal void PutBack(Cpu cpu, in MovingPage page)
    {
        try
        {
            // Nobody is told about a page that its owner has freed meanwhile, or has unregistered.
            if (Volatile.Read(ref _map.DescriptorAt(page.Index)->ExtraReferences) > 0 && IsRegistered(page.Index))
                page.Mover.PutBack(new Page(page.Index));
        }
        finally
        {
            LetGo(cpu, page);
        }
    }

    /// <summary>Gives the isolator's reference back: the last one frees the block.</summary>
    internal void LetGo(Cpu cpu, in MovingPage page)
    {
        ref var word = ref LockOf(page.Index);
        ZoneLock.Acquire(ref word);
        Interlocked.And(ref _map.DescriptorAt(page.Index)->Flags, ~(int)PageFlags.Isolated);
        ZoneLock.Release(ref word);
        cpu.FreePages(new Page(page.Index), page.Order);
    }

    /// <summary>The last reference to a registered page is given back: false when an isolator was faster, and its reference is the last.</summary>
    /// <exception cref="PageErrorException">The owner frees a page that it has freed before, and that is only held by an isolator.</exception>
    internal bool TryEnd(uint index)
    {
        var descriptor = _map.DescriptorAt(index);
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        var isLast = Volatile.Read(ref descriptor->ExtraReferences) == 0;
        var isIsolated = (descriptor->Flags & (int)PageFlags.Isolated) != 0;
        if (isLast && !isIsolated && IsRegistered(index))
            Forget(index);
        ZoneLock.Release(ref word);
        if (isLast && isIsolated)
        {
            var frame = _map.FrameAt(index);
            throw new PageErrorException(PageErrorKind.DoubleFree, frame, $"{frame} was freed before; only a move under way still holds it.");
        }
        return isLast;
    }

    /// <summary>Copies a registration to the page that takes its place.</summary>
    internal void Inherit(uint from, uint to)
    {
        var descriptor = _map.DescriptorAt(to);
        descriptor->Mapping = _map.DescriptorAt(from)->Mapping;
        _map.States[to] |= PageState.Marked;
        Interlocked.Or(ref descriptor->Flags, (int)PageFlags.Movable);
        Interlocked.Increment(ref _count);
    }

    /// <summary>Takes a registration, and what else the descriptors say, off a block that nobody uses: the source of a move, or a target that was not needed.</summary>
    internal void Strip(uint index, int order, int references)
    {
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        if (IsRegistered(index))
            Interlocked.Decrement(ref _count);
        for (var at = index; at < index + (1u << order); at++)
        {
            var descriptor = _map.DescriptorAt(at);
            Interlocked.And(ref descriptor->Flags, at == index ? (int)PageFlags.Isolated : 0);
            descriptor->Private = 0;
            descriptor->Mapping = 0;
        }
        Interlocked.Add(ref _map.DescriptorAt(index)->ExtraReferences, -references);
        ZoneLock.Release(ref word);
    }

    /// <summary>Checks that flags are on registered pages only, that none of those is isolated, and that the count is right. No move may be under way.</summary>
    /// <exception cref="InvalidOperationException">One does not hold.</exception>
    internal void Verify()
    {
        var registered = 0L;
        for (var index = 0u; index < _map.Frames; index++)
        {
            var flags = (PageFlags)_map.DescriptorAt(index)->Flags & PageMap.Movement;
            if (flags == PageFlags.None)
                continue;
            if (flags != PageFlags.Movable || (_map.States[index] & PageState.Marked) == 0)
                throw new InvalidOperationException($"{_map.FrameAt(index)} is {flags}, and {(_map.States[index] == 0 ? "no first page of a block" : "allocated")}.");
            registered++;
        }
        if (registered != Count)
            throw new InvalidOperationException($"{registered} blocks are movable, the count says {Count}.");
    }

    private HoldResult TryHold(uint index, out MovingPage page)
    {
        page = default;
        if (!IsRegistered(index))
            return HoldResult.NotMovable;
        var descriptor = _map.DescriptorAt(index);
        ref var word = ref LockOf(index);
        ZoneLock.Acquire(ref word);
        var flags = (PageFlags)Volatile.Read(ref descriptor->Flags);
        var result = (flags & PageFlags.Movable) == 0 ? HoldResult.NotMovable : (flags & PageFlags.Isolated) != 0 ? HoldResult.Isolated : HoldResult.Held;
        if (result == HoldResult.Held)
        {
            Interlocked.Increment(ref descriptor->ExtraReferences);
            Interlocked.Or(ref descriptor->Flags, (int)PageFlags.Isolated);
            var state = _map.States[index];
            page = new MovingPage(index, state & PageState.OrderMask, (state & PageState.Compound) != 0, Mover(index));
        }
        ZoneLock.Release(ref word);
        return result;
    }

    private void Forget(uint index)
    {
        var descriptor = _map.DescriptorAt(index);
        Interlocked.And(ref descriptor->Flags, ~(int)PageFlags.Movable);
        descriptor->Mapping = 0;
        Interlocked.Decrement(ref _count);
    }

    private IPageMover Mover(uint index) => Volatile.Read(ref _movers)[(int)(_map.DescriptorAt(index)->Mapping >> NumberShift)];

    // An owner is known from its first page on.
    private int NumberOf(IPageMover mover)
    {
        lock (_sync)
        {
            if (_numbers.TryGetValue(mover, out var number))
                return number;
            number = _movers.Length;
            Volatile.Write(ref _movers, [.. _movers, mover]);
            _numbers.Add(mover, number);
            return number;
        }
    }

    private ref int LockOf(uint index) => ref _locks[(index % Locks) * WordsPerLock];
}
