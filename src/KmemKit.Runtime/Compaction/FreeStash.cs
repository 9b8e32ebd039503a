using System.Collections.Generic;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Compaction;

/// <summary>Free blocks that the free scanner took, by order, until pages move into them (<c>cc->freepages</c>).</summary>
internal sealed class FreeStash
{
    private readonly Stack<uint>[] _blocks = new Stack<uint>[FreeArea.OrderSlots];

    /// <summary>Free pages in it.</summary>
    public long Pages { get; private set; }

    public void Put(uint index, int order)
    {
        (_blocks[order] ??= new Stack<uint>()).Push(index);
        Pages += 1L << order;
    }

    /// <summary>The smallest block that is large enough, split down to the order.</summary>
    public bool TryTake(int order, out uint index)
    {
        for (var from = order; from < _blocks.Length; from++)
        {
            if (_blocks[from] is not { Count: > 0 } blocks)
                continue;
            index = blocks.Pop();
            Pages -= 1L << from;
            while (from-- > order)
                Put(index + (1u << from), from);
            return true;
        }
        index = 0;
        return false;
    }

    /// <summary>Gives everything back to the zone.</summary>
    public void Release(MemoryZone zone)
    {
        ZoneLock.Acquire(ref zone.Area.Lock);
        for (var order = 0; order < _blocks.Length; order++)
        {
            for (; _blocks[order] is { Count: > 0 } blocks; Pages -= 1L << order)
                zone.Area.Put(blocks.Pop(), order);
        }
        ZoneLock.Release(ref zone.Area.Lock);
    }
}
