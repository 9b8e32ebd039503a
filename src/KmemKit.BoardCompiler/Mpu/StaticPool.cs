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
        // What is of use in one half alone could as well be a region of that half, unless that is too small for subregions.
        AddRegions(level, start, 1UL << level == _format.SmallestWithSubregions ? low | high : low & high);
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
            foreach (var enabled in Parts(start, size, painted))
                Regions.Add(new PaintedRegion(start, size, unchecked((byte)~enabled), painted, default));
        }
    }

    /// <summary>
    /// Eighths of a block that a region may have, other than all: those of which a state may have all, or some; and those of which as many states as one likes may.
    /// </summary>
    private HashSet<byte> Parts(ulong start, ulong size, int painted)
    {
        var (whole, touched) = (new byte[_states.Length], new byte[_states.Length]);
        for (var i = 0; i < 8; i++)
        {
            for (var state = 0; state < _states.Length; state++)
            {
                var (all, some) = MayHave(state, start + (ulong)i * (size / 8), size / 8, painted);
                whole[state] |= (byte)(all ? 1 << i : 0);
                touched[state] |= (byte)(some ? 1 << i : 0);
            }
        }
        var parts = new HashSet<byte>(whole.Concat(touched).Concat(Shares(whole)).Concat(Shares(touched)));
        parts.Remove(0);
        parts.Remove(byte.MaxValue);
        return parts;
    }

    /// <summary>For every number of states, the eighths that at least so many have.</summary>
    private static IEnumerable<byte> Shares(byte[] states)
    {
        for (var share = 1; share <= states.Length; share++)
        {
            byte enabled = 0;
            for (var i = 0; i < 8; i++)
                enabled |= (byte)(states.Count(s => (s >> i & 1) != 0) >= share ? 1 << i : 0);
            yield return enabled;
        }
    }

    /// <summary>Whether a state may have a class in all of a stretch, and in some of it.</summary>
    private (bool All, bool Some) MayHave(int state, ulong start, ulong size, int painted)
    {
        var cells = _states[state];
        var (all, some) = (true, false);
        var first = _cells.PointAt(start);
        for (var i = first; i < Points.Count && (i == first || Points[i] < start + size); i++)
        {
            var may = (cells[i].Allowed >> painted & 1) != 0;
            all &= may;
            some |= may;
        }
        return (all, some);
    }
}
