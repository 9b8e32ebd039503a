using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The regions that <see cref="StaticSearch"/> tries.</summary>
internal sealed class StaticPool
{
    private readonly ProtectionCells _cells;
    private readonly MpuFormat _format;
    private readonly IReadOnlyList<Cell>[] _states;

    public StaticPool(ProtectionCells cells, MpuFormat format)
    {
        _cells = cells;
        _format = format;
        Points = cells.Points;
        _states = [.. Enumerable.Range(0, cells.States.Length).Select(cells.CellsOf)];
        Add(format.AddressBits, 0, 0, Points.Count - 1);
        Regions = Useful(Regions);
    }

    /// <summary>Where what some state wants changes.</summary>
    public IReadOnlyList<ulong> Points { get; }

    /// <summary>From the lowest block up, the smaller before the larger.</summary>
    public List<PaintedRegion> Regions { get; private set; } = [];

    /// <summary>Those that some state needs for itself, and those that make a hole in one of these: where no region is, the background is as good.</summary>
    private List<PaintedRegion> Useful(List<PaintedRegion> regions)
    {
        var kept = regions.Where(IsNeeded).ToList();
        return [.. regions.Where(r => kept.Contains(r) || kept.Any(k => k.Class != r.Class && k.Size > r.Size && k.Covers(r.Start)))];
    }

    private bool IsNeeded(PaintedRegion region)
    {
        var end = region.Start + region.Size;
        for (var i = _cells.PointAt(region.Start); i < Points.Count && Points[i] < end; i++)
        {
            foreach (var cells in _states)
            {
                if ((cells[i].Allowed & (1UL << region.Class | 1)) == 1UL << region.Class)
                    return true;
            }
        }
        return false;
    }

    /// <summary>Adds the regions of a block that holds the points from <paramref name="first"/> (which may be below it) to <paramref name="last"/>.</summary>
    /// <returns>The classes that some state wants in it.</returns>
    private ulong Add(int level, ulong start, int first, int last)
    {
        ulong wanted;
        if (first == last || 1UL << level == _format.Granule)
        {
            wanted = 0;
            foreach (var cells in _states)
                wanted |= cells[first].Allowed == _cells.Everything ? 0 : cells[first].Allowed & ~1UL;
            AddRegions(level, start, wanted);
            return wanted;
        }
        var middle = start + (1UL << (level - 1));
        var cut = first;
        while (cut < last && Points[cut + 1] < middle)
            cut++;
        var low = Add(level - 1, start, first, cut);
        var high = Add(level - 1, middle, cut < last && Points[cut + 1] == middle ? cut + 1 : cut, last);
        AddRegions(level, start, low & high);
        return low | high;
    }

    private void AddRegions(int level, ulong start, ulong classes)
    {
        var size = 1UL << level;
        for (var left = classes; left != 0; left &= left - 1)
        {
            var painted = TreePlanner.Lowest(left);
            Regions.Add(new PaintedRegion(start, size, 0, painted, default));
            if (_format.SmallestWithSubregions == 0 || size < _format.SmallestWithSubregions)
                continue;
            var counts = new int[8];
            for (var i = 0; i < 8; i++)
                counts[i] = CountOf(start + (ulong)i * (size / 8), size / 8, painted);
            var tried = new List<byte> { 0, byte.MaxValue };
            foreach (var share in new[] { 1, _states.Length / 2 + 1, _states.Length })
            {
                byte disabled = 0;
                for (var i = 0; i < 8; i++)
                    disabled |= (byte)(counts[i] < share ? 1 << i : 0);
                if (tried.Contains(disabled))
                    continue;
                tried.Add(disabled);
                Regions.Add(new PaintedRegion(start, size, disabled, painted, default));
            }
        }
    }

    /// <summary>How many states may have a class in all of a stretch.</summary>
    private int CountOf(ulong start, ulong size, int painted)
    {
        var (count, first) = (0, _cells.PointAt(start));
        foreach (var cells in _states)
        {
            var all = true;
            for (var i = first; all && i < Points.Count && (i == first || Points[i] < start + size); i++)
                all = (cells[i].Allowed >> painted & 1) != 0;
            count += all ? 1 : 0;
        }
        return count;
    }
}
