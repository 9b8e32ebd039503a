using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Compaction;

/// <summary>What a compaction is for.</summary>
/// <param name="Order">Order of the request; below 0 for the whole zone.</param>
/// <param name="Type">Kind of the request.</param>
internal readonly record struct CompactTarget(int Order, MigrateType Type)
{
    /// <summary>Everything, for its own sake (<c>is_via_compact_memory</c>).</summary>
    public static CompactTarget WholeZone => new(-1, MigrateType.Movable);

    public bool IsWholeZone => Order < 0;

    /// <summary>Blocks below this order are moved: larger ones would not make a better place free.</summary>
    public int LargestToMove(int pageBlockOrder) => IsWholeZone ? pageBlockOrder : System.Math.Min(Order, pageBlockOrder);

    /// <summary>Whether the zone has a block that the request would get, of its own kind or of one that it can claim.</summary>
    public bool IsThere(MemoryZone zone, int pageBlockOrder)
    {
        var area = zone.Area;
        if (area.HasBlock(Order, (int)Type))
            return true;
        if (Type != MigrateType.Movable)
            return area.HasBlock(Order, (int)MigrateType.Unmovable) || area.HasBlock(Order, (int)MigrateType.Reclaimable) || area.HasBlock(Order, (int)MigrateType.Movable);
        if (area.HasBlock(Order, (int)MigrateType.Cma))
            return true;
        var claimed = System.Math.Max(Order, pageBlockOrder / 2);
        return area.HasBlock(claimed, (int)MigrateType.Reclaimable) || area.HasBlock(claimed, (int)MigrateType.Unmovable);
    }
}
