using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Gfp;

/// <summary>What flags mean, apart from any allocator (<c>gfp_zone</c>, <c>gfp_migratetype</c>, <c>gfp_to_alloc_flags</c>).</summary>
/// <remarks>Source: include/linux/gfp.h, mm/page_alloc.c.</remarks>
public static class GfpRules
{
    internal const GfpFlags ZoneBits = GfpFlags.DmaZone | GfpFlags.HighMem | GfpFlags.Dma32Zone | GfpFlags.Movable;

    // Indexes of the type bits: 1 is movable, 2 reclaimable, 3 both, which is an error.
    internal const int TypeShift = 3;

    /// <summary>The highest zone that a request may use (<c>gfp_zone</c>).</summary>
    /// <param name="flags">The request.</param>
    /// <param name="present">Bit n is set when the board has zones of type n; a zone that the kernel was built without falls back to Normal.</param>
    /// <returns>Null where the flags name two zones.</returns>
    public static ZoneType? ZoneOf(GfpFlags flags, int present)
    {
        var movable = (flags & GfpFlags.Movable) != 0;
        return (flags & ZoneBits & ~GfpFlags.Movable) switch
        {
            GfpFlags.None => ZoneType.Normal,
            GfpFlags.DmaZone => OrNormal(ZoneType.Dma),
            GfpFlags.Dma32Zone => OrNormal(ZoneType.Dma32),
            GfpFlags.HighMem => movable ? ZoneType.Movable : OrNormal(ZoneType.HighMem),
            _ => null,
        };

        ZoneType OrNormal(ZoneType zone) => ((present >> (int)zone) & 1) != 0 ? zone : ZoneType.Normal;
    }

    /// <summary>The kind of page that a request makes (<c>gfp_migratetype</c>); null where the flags name two.</summary>
    public static MigrateType? MigrateTypeOf(GfpFlags flags) => (flags & (GfpFlags.Movable | GfpFlags.Reclaimable)) switch
    {
        GfpFlags.None => MigrateType.Unmovable,
        GfpFlags.Movable => MigrateType.Movable,
        GfpFlags.Reclaimable => MigrateType.Reclaimable,
        _ => null,
    };

    /// <summary>Whether the caller may sleep (<c>gfpflags_allow_blocking</c>): only then is a reclaimer called.</summary>
    public static bool MaySleep(GfpFlags flags) => (flags & GfpFlags.DirectReclaim) != 0;

    // A request with __GFP_HIGH that cannot sleep is GFP_ATOMIC and goes deepest; with __GFP_NOMEMALLOC it does not.
    internal static GfpAllocation AllocationOf(GfpFlags flags, MigrateType type)
    {
        var allocation = type == MigrateType.Movable ? GfpAllocation.Cma : GfpAllocation.None;
        if ((flags & GfpFlags.High) != 0)
            allocation |= GfpAllocation.High;
        if (!MaySleep(flags) && (flags & GfpFlags.High) != 0 && (flags & GfpFlags.NoMemAlloc) == 0)
            allocation |= GfpAllocation.Harder;
        if ((flags & GfpFlags.MemAlloc) != 0 && (flags & GfpFlags.NoMemAlloc) == 0)
            allocation |= GfpAllocation.NoWatermarks;
        return allocation;
    }
}
