using System;
using System.Numerics;
using KmemKit.Runtime.Pages;

namespace KmemKit.Runtime.Buddy;

/// <summary>What is wrong with a page that cannot be freed, found out only then; and the check of all invariants.</summary>
public sealed unsafe partial class PageAllocator
{
    internal PageErrorException ErrorOf(Page page, int order)
    {
        var index = Map.Check(page);
        var frame = Map.FrameAt(index);
        var state = Map.States[index];
        if (state != 0)
        {
            return new PageErrorException(
                PageErrorKind.WrongOrder, frame, $"{frame} was allocated with order {state & PageState.OrderMask}, not {order}.");
        }
        if (!Map.IsRam(index))
            return new PageErrorException(PageErrorKind.Hole, frame, $"{frame} is not RAM.");
        if (Map.IsReserved(index))
            return new PageErrorException(PageErrorKind.Reserved, frame, $"{frame} is reserved: it was never given to the page allocator.");
        var head = Map.HeadOf(index);
        return head != uint.MaxValue
            ? new PageErrorException(PageErrorKind.NotFirstPage, frame, $"{frame} lies in the block of {Map.FrameAt(head)}, order {Map.States[head] & PageState.OrderMask}.")
            : new PageErrorException(PageErrorKind.DoubleFree, frame, $"{frame} is free already.");
    }

    /// <summary>
    /// Checks all invariants frame by frame: each managed frame is free in one block, in one CPU list, or allocated in one block, and each count is right.
    /// No other thread may use the allocator meanwhile.
    /// </summary>
    /// <exception cref="InvalidOperationException">One does not hold; the text says which and where.</exception>
    public void Verify()
    {
        var owner = new byte[Map.Frames];
        foreach (var zone in ZoneArray)
        {
            var free = new bool[zone.Area.Frames];
            zone.Area.Verify(free);
            for (var i = 0u; i < free.Length; i++)
            {
                if (free[i])
                    Claim(owner, zone.BaseIndex + i, 0, zone);
            }
        }
        foreach (var cpu in Cpus)
            cpu.VisitLists((zone, index, order) => Claim(owner, index, order, ZoneArray[zone]));
        for (var index = 0u; index < Map.Frames; index++)
        {
            var state = Map.States[index];
            if (state != 0)
                Claim(owner, index, state & PageState.OrderMask, null);
        }
        for (var index = 0u; index < Map.Frames; index++)
        {
            var managed = Map.IsRam(index) && !Map.IsReserved(index);
            if (managed != (owner[index] != 0))
                throw new InvalidOperationException($"{Map.FrameAt(index)} is {(managed ? "lost" : "not the allocator's, but it has it")}.");
        }
        Movable.Verify();
        foreach (var area in _cmaAreas)
            area.Verify();
    }

    private void Claim(byte[] owner, uint index, int order, Zones.MemoryZone? zone)
    {
        if ((index & ((1u << order) - 1)) != 0)
            throw new InvalidOperationException($"{Map.FrameAt(index)} heads a block of order {order} that is not aligned.");
        for (var at = index; at < index + (1u << order); at++)
        {
            if (at >= Map.Frames || owner[at] != 0)
                throw new InvalidOperationException($"{Map.FrameAt(Math.Min(at, Map.Frames - 1))} is in two blocks.");
            if (zone is not null && PieceAt(at)?.Zone != zone.Number)
                throw new InvalidOperationException($"{Map.FrameAt(at)} is on a list of {zone}, where it does not belong.");
            owner[at] = 1;
        }
    }
}
