using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using KmemKit.Conformance.Allocators;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>What can be wrong with a page allocator.</summary>
public enum BuddyFault
{
    None,

    /// <summary>A frame that is taken is given out once more, now and then.</summary>
    FrameReissued,

    /// <summary>The arena is taken for one block longer than it is.</summary>
    OneTooManyAtTheEnd,

    /// <summary>The last block of the arena is never given out.</summary>
    OneTooFewAtTheEnd,

    /// <summary>The upper half of a block that is split is forgotten, now and then.</summary>
    LostOnSplit,

    /// <summary>A block joins with the one behind it, which is not always its buddy.</summary>
    WrongBuddy,

    /// <summary>Two threads may take the same block.</summary>
    NoLock,

    /// <summary>Blocks of two pages start at any page.</summary>
    Misaligned,

    /// <summary>A block of the highest order but one is freed as if it were two.</summary>
    FreesANeighbour,

    /// <summary>The last page of a block is not zeroed.</summary>
    ForgetsToZero,

    /// <summary>Free memory is not joined.</summary>
    NeverMerges,

    /// <summary>The count of free memory does not fall when a block is split twice.</summary>
    CountsWrong,

    /// <summary>Metadata is written into the block behind the one that is freed.</summary>
    WritesBehind,

    /// <summary>A block can be freed twice.</summary>
    DoubleFree,

    /// <summary>With no memory left the first block is given out.</summary>
    AnswersWhenEmpty,

    /// <summary>A request above the largest gets the largest.</summary>
    AnswersTooLarge,

    /// <summary>After memory was short once, freed blocks of the smallest size are not found again.</summary>
    DoesNotRecover,

    /// <summary>Where the search starts depends on the time of day.</summary>
    Random,
}

/// <summary>A buddy system as the textbook has it, over 4 MiB of bytes of its own, and with one fault of choice.</summary>
internal sealed class ModelBuddy : IAllocatorSubject
{
    private const int Page = 4096, Pages = 1024, MaxOrder = 6;
    private const ulong Start = 0x4000_0000;

    private int _choices;
    private int _firstThread;
    private readonly Lock _lock = new();
    private readonly BuddyFault _fault;
    private readonly byte[] _bytes = new byte[(Pages + 128) * Page];
    private readonly SortedSet<int>[] _free = [.. Enumerable.Range(0, MaxOrder + 1).Select(_ => new SortedSet<int>())];
    private readonly Dictionary<int, int> _taken = [];
    private int _operations;
    private int _freePages = Pages;
    private bool _wasEmpty;

    public ModelBuddy(BuddyFault fault)
    {
        _fault = fault;
        var blocks = Pages >> MaxOrder;
        for (var i = 0; i < blocks + (fault == BuddyFault.OneTooManyAtTheEnd ? 1 : fault == BuddyFault.OneTooFewAtTheEnd ? -1 : 0); i++)
            _free[MaxOrder].Add(i << MaxOrder);
    }

    public AllocatorPromises Promises { get; } = AllocatorPromises.Buddy(Page, MaxOrder) with
    {
        Zeroes = true, IsThreadSafe = true, RefusesBadFrees = true, IsDeterministic = true,
    };

    public IReadOnlyList<AddressSpan> Arena { get; } = [new(Start, Pages * Page)];

    public ulong FreeBytes => (ulong)_freePages * Page;

    public ulong? Allocate(ulong bytes, bool zeroed)
    {
        if (_fault == BuddyFault.NoLock)
            return AllocateAlone(bytes, zeroed);
        lock (_lock)
            return AllocateAlone(bytes, zeroed);
    }

    public bool Free(ulong address, ulong bytes)
    {
        if (_fault == BuddyFault.NoLock)
        {
            // Its lists stay whole: only the choice of a block is not guarded.
            lock (_lock)
                return FreeAlone(address, bytes);
        }
        lock (_lock)
            return FreeAlone(address, bytes);
    }

    public void Write(ulong address, ReadOnlySpan<byte> source) => source.CopyTo(_bytes.AsSpan((int)(address - Start)));

    public void Read(ulong address, Span<byte> destination) => _bytes.AsSpan((int)(address - Start), destination.Length).CopyTo(destination);

    public void Dispose()
    {
    }

    private ulong? AllocateAlone(ulong bytes, bool zeroed)
    {
        _operations++;
        var order = 0;
        while ((ulong)Page << order < bytes)
            order++;
        if (order > MaxOrder)
        {
            if (_fault != BuddyFault.AnswersTooLarge)
                return null;
            order = MaxOrder;
        }
        if (_fault == BuddyFault.FrameReissued && _operations % 13 == 0 && order == 0 && _taken.Any(t => t.Value == 0))
            return Start + (ulong)_taken.First(t => t.Value == 0).Key * Page;
        var (from, page) = Choose(order);
        if (from > MaxOrder)
        {
            _wasEmpty = true;
            return _fault == BuddyFault.AnswersWhenEmpty ? Start : null;
        }
        if (_fault == BuddyFault.NoLock)
            WaitForAnotherChoice();
        lock (_lock)
        {
            _free[from].Remove(page);
            for (var splits = 0; from > order; splits++)
            {
                from--;
                if (_fault != BuddyFault.LostOnSplit || _operations % 61 != 0)
                    _free[from].Add(page + (1 << from));
                if (_fault == BuddyFault.CountsWrong && splits == 1)
                    _freePages++;
            }
            if (_fault == BuddyFault.Misaligned && order == 1 && _operations % 5 == 0 && _free[0].Contains(page + 2))
            {
                _free[0].Remove(page + 2);
                _free[0].Add(page);
                page++;
            }
            _taken[page] = order;
            _freePages -= 1 << order;
        }
        if (zeroed)
            _bytes.AsSpan(page * Page, ((1 << order) - (_fault == BuddyFault.ForgetsToZero ? 1 : 0)) * Page).Clear();
        return Start + (ulong)page * Page;
    }

    // Between choice and removal another thread chooses, where there is one: by waiting for it, since a loaded machine may not run two threads at once.
    private void WaitForAnotherChoice()
    {
        var own = Interlocked.Increment(ref _choices);
        if (Interlocked.CompareExchange(ref _firstThread, Environment.CurrentManagedThreadId, 0) is var first && first != 0 && first != Environment.CurrentManagedThreadId)
            SpinWait.SpinUntil(() => Volatile.Read(ref _choices) != own, 100);
    }

    private (int Order, int Page) Choose(int order)
    {
        if (_fault == BuddyFault.NoLock)
        {
            int from, page;
            lock (_lock)
            {
                from = order;
                while (from <= MaxOrder && _free[from].Count == 0)
                    from++;
                page = from <= MaxOrder ? _free[from].Min : 0;
            }
            return (from, page);
        }
        for (var from = order; from <= MaxOrder; from++)
        {
            if (_free[from].Count == 0 || (_fault == BuddyFault.DoesNotRecover && from == 0 && _wasEmpty))
                continue;
            var isHigh = _fault == BuddyFault.Random && (System.Diagnostics.Stopwatch.GetTimestamp() & 0x40) != 0;
            return (from, isHigh ? _free[from].Max : _free[from].Min);
        }
        return (MaxOrder + 1, 0);
    }

    private bool FreeAlone(ulong address, ulong bytes)
    {
        var page = (int)((address - Start) / Page);
        var order = 0;
        while ((ulong)Page << order < bytes)
            order++;
        if (!_taken.TryGetValue(page, out var known) || known != order)
        {
            if (_fault != BuddyFault.DoubleFree || page >= Pages)
                return false;
        }
        _taken.Remove(page);
        _freePages += 1 << order;
        if (_fault == BuddyFault.WritesBehind)
            _bytes[(page + (1 << order)) * Page] ^= 0xff;
        if (_fault == BuddyFault.FreesANeighbour && order == 0 && _taken.TryGetValue(page + 1, out var next) && next == 0 && _operations % 7 == 0)
            _free[0].Add(page + 1);
        while (order < MaxOrder && _fault != BuddyFault.NeverMerges)
        {
            var buddy = _fault == BuddyFault.WrongBuddy && (page & (1 << order)) != 0 && _operations % 3 == 0 ? page + (1 << order) : page ^ (1 << order);
            if (!_free[order].Remove(buddy))
                break;
            page = Math.Min(page, buddy);
            order++;
        }
        _free[order].Add(page);
        return true;
    }
}

/// <summary>The one without a fault, as a type.</summary>
internal sealed class RightBuddy : IAllocatorSubject
{
    private readonly ModelBuddy _buddy = new(BuddyFault.None);

    public AllocatorPromises Promises => _buddy.Promises;

    public IReadOnlyList<AddressSpan> Arena => _buddy.Arena;

    public ulong FreeBytes => _buddy.FreeBytes;

    public ulong? Allocate(ulong bytes, bool zeroed) => _buddy.Allocate(bytes, zeroed);

    public bool Free(ulong address, ulong bytes) => _buddy.Free(address, bytes);

    public void Write(ulong address, ReadOnlySpan<byte> source) => _buddy.Write(address, source);

    public void Read(ulong address, Span<byte> destination) => _buddy.Read(address, destination);

    public void Dispose() => _buddy.Dispose();
}
