using System;
using System.Collections.Generic;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu.Placement;

/// <summary>How many regions of a unit a range takes by itself, laid over whatever is around it.</summary>
/// <remarks>
/// The unit's planner is asked, with the range as one class and everything else as "no region, or that of what is around". It depends on the address within the
/// next eight powers of two only (a region and its subregions), so that answers are kept by that.
/// </remarks>
internal sealed class PlacementCost(MpuFormat? format)
{
    private const int SubregionBits = 3;
    private const ulong PageSize = 4096;

    private readonly Dictionary<(ulong Start, ulong Size), int> _known = [];

    /// <summary>Smallest step of an address; a page where page tables protect.</summary>
    public ulong Granule => format?.Granule ?? PageSize;

    /// <summary>Addresses a multiple of this apart cost the same.</summary>
    public static ulong Period(ulong size)
    {
        var period = 1UL;
        while (period < size)
            period <<= 1;
        return period << SubregionBits;
    }

    public int Of(ulong start, ulong size)
    {
        // Ranges of base and limit, and pages, take one wherever they are.
        if (format is null || format.Shape == MpuShape.BaseAndLimit)
            return 1;
        // In the middle of the space: its ends are special to PMP.
        var period = Period(size);
        var key = (period + (start & (period - 1)), size);
        if (_known.TryGetValue(key, out var cost))
            return cost;
        var outside = new Cell(0, 0b101, 0b101);
        var bits = 1;
        while (1UL << bits < 4 * period)
            bits++;
        var map = new CellMap(Math.Min(bits, format.AddressBits), [default, default], [outside, new Cell(key.Item1, 0b010, 0b010), outside with { Start = key.Item1 + size }]);
        var plan = format.Shape == MpuShape.PowerOfTwo
            ? TreePlanner.Plan(map, format.Granule, format.SmallestWithSubregions)
            : ChainPlanner.Plan(map, format.Granule, startsAtZero: true, stateLimit: 200);
        return _known[key] = plan?.Regions.Length ?? int.MaxValue / 2;
    }

    /// <summary>The least it can be: at the start of a block, or as well at its end.</summary>
    public int Least(ulong size) => Of(0, size);
}
