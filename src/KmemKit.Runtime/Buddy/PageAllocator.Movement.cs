using System;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>What moving pages needs of the allocator.</summary>
public sealed partial class PageAllocator
{
    /// <summary>Pages whose owners move them on request.</summary>
    public MovablePages Movable { get; }

    /// <summary>What compaction, migration and contiguous areas have done.</summary>
    public VmEvents Events { get; } = new();

    // The zone of a frame that the allocator has (or has not, but is RAM), and how many frames from there on are like it; zone is null before the first.
    internal (ContigError Error, uint Pages) PlaceOf(uint index, bool isReserved, ref MemoryZone? zone)
    {
        if (PieceAt(index) is not { } piece)
            return (ContigError.Hole, 0);
        zone ??= ZoneArray[piece.Zone];
        if (piece.Zone != zone.Number)
            return (ContigError.CrossesZone, 0);
        return Map.IsReserved(index) != isReserved
            ? (ContigError.Reserved, 0)
            : (ContigError.None, Math.Min(piece.Run.End, Map.EndOfSameReservation(index)) - index);
    }
}
