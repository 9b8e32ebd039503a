using System.Threading;

namespace KmemKit.Runtime.Compaction;

/// <summary>What a zone remembers of its compactions: where the scanners were, and whether the next one is worth its time.</summary>
/// <remarks>Source: mm/compaction.c, defer_compaction, compaction_deferred, compaction_defer_reset. Each value is by itself: a race costs one needless attempt.</remarks>
public sealed class ZoneCompaction
{
    private const int MaxDeferShift = 6;

    private int _considered;
    private int _deferShift;
    private int _orderFailed;
    private int _running;

    internal ZoneCompaction()
    {
    }

    /// <summary>compact_defer_shift: after a failure, 2^this requests pass before the next attempt.</summary>
    public int DeferShift => Volatile.Read(ref _deferShift);

    /// <summary>compact_considered: requests that have passed since.</summary>
    public int Considered => Volatile.Read(ref _considered);

    /// <summary>compact_order_failed: requests below this order are not deferred.</summary>
    public int OrderFailed => Volatile.Read(ref _orderFailed);

    /// <summary>Where the migrate scanner goes on, by whether unmovable pageblocks are looked at as well; 0 for the start.</summary>
    internal uint[] CachedMigrate { get; } = new uint[2];

    /// <summary>Behind the pageblock where the free scanner goes on; 0 for the end.</summary>
    internal uint CachedFree { get; set; }

    /// <summary>Makes the caller the only one; no one waits, since who waits may hold what a mover needs.</summary>
    internal bool TryBegin() => Interlocked.Exchange(ref _running, 1) == 0;

    internal void End() => Volatile.Write(ref _running, 0);

    internal void Defer(int order)
    {
        Volatile.Write(ref _considered, 0);
        if (_deferShift < MaxDeferShift)
            Interlocked.Increment(ref _deferShift);
        if (order < _orderFailed)
            Volatile.Write(ref _orderFailed, order);
    }

    internal bool IsDeferred(int order)
    {
        var limit = 1 << DeferShift;
        if (order < OrderFailed)
            return false;
        if (Interlocked.Increment(ref _considered) < limit)
            return true;
        Volatile.Write(ref _considered, limit);
        return false;
    }

    internal void Reset(int order, bool isAllocated)
    {
        if (isAllocated)
        {
            Volatile.Write(ref _considered, 0);
            Volatile.Write(ref _deferShift, 0);
        }
        if (order >= OrderFailed)
            Volatile.Write(ref _orderFailed, order + 1);
    }
}
