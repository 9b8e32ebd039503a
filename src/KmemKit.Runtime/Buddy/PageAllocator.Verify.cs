using System;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>The allocator's invariants, checked: each frame is looked at, those in a row together.</summary>
public sealed unsafe partial class PageAllocator
{
    /// <summary>
    /// Checks all invariants frame by frame: each managed frame is free in one block, in one CPU list, or allocated in one block, and each count is right.
    /// No other thread may use the allocator meanwhile.
    /// </summary>
    /// <exception cref="InvalidOperationException">One does not hold; the text says which and where.</exception>
    public void Verify()
    {
        var owner = new byte[Map.Frames];
        foreach (var zone in ZoneArray)
            ClaimFree(owner, zone);
        foreach (var cpu in Cpus)
            cpu.VisitLists((zone, index, order) => ClaimBlock(owner, index, order, ZoneArray[zone]));
        var states = new ReadOnlySpan<byte>(Map.States, owner.Length);
        for (int at = 0, next; at < states.Length && (next = states[at..].IndexOfAnyExcept((byte)0)) >= 0; at++)
        {
            at += next;
            ClaimBlock(owner, (uint)at, states[at] & PageState.OrderMask, null);
        }
        ExpectManaged(owner);
        Movable.Verify();
        foreach (var area in _cmaAreas)
            area.Verify();
    }

    private void ClaimFree(byte[] owner, MemoryZone zone)
    {
        var free = new bool[zone.Area.Frames];
        zone.Area.Verify(free);
        for (int at = 0, next; at < free.Length && (next = free.AsSpan(at).IndexOf(true)) >= 0;)
        {
            at += next;
            var row = free.AsSpan(at).IndexOf(false);
            row = row < 0 ? free.Length - at : row;
            Claim(owner, zone.BaseIndex + (uint)at, (uint)row, zone);
            at += row;
        }
    }

    private void ClaimBlock(byte[] owner, uint index, int order, MemoryZone? zone)
    {
        if ((index & ((1u << order) - 1)) != 0)
            throw new InvalidOperationException($"{Map.FrameAt(index)} heads a block of order {order} that is not aligned.");
        Claim(owner, index, 1u << order, zone);
    }

    private void Claim(byte[] owner, uint index, uint frames, MemoryZone? zone)
    {
        if (index >= Map.Frames || frames > Map.Frames - index)
            throw new InvalidOperationException($"{frames} frames from descriptor {index} on are in blocks: there are {Map.Frames} descriptors.");
        var row = owner.AsSpan((int)index, (int)frames);
        if (row.IndexOfAnyExcept((byte)0) is >= 0 and var twice)
            throw new InvalidOperationException($"{Map.FrameAt(index + (uint)twice)} is in two blocks.");
        for (var at = index; zone is not null && at < index + frames;)
        {
            if (PieceAt(at) is not { } piece || piece.Zone != zone.Number)
                throw new InvalidOperationException($"{Map.FrameAt(at)} is on a list of {zone}, where it does not belong.");
            at = piece.Run.End;
        }
        row.Fill(1);
    }

    private void ExpectManaged(byte[] owner)
    {
        var managed = new byte[owner.Length];
        foreach (var run in Map.RamRuns)
            managed.AsSpan((int)run.First, (int)(run.End - run.First)).Fill(1);
        foreach (var run in Map.ReservedRuns)
            managed.AsSpan((int)run.First, (int)(run.End - run.First)).Clear();
        var differs = managed.AsSpan().CommonPrefixLength(owner);
        if (differs < managed.Length)
            throw new InvalidOperationException($"{Map.FrameAt((uint)differs)} is {(managed[differs] != 0 ? "lost" : "not the allocator's, but it has it")}.");
    }
}
