using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>The regions that <see cref="StaticSearch"/> tries.</summary>
internal sealed class StaticPool
{
    private readonly ProtectionCells _cells;
    private readonly MpuFormat _format;
    private readonly ulong[] _points;
    private readonly ulong[][] _allowed;

    public StaticPool(ProtectionCells cells, MpuFormat format)
    {
        _cells = cells;
        _format = format;
        _points = [.. cells.Points];
        _allowed = [.. Enumerable.Range(0, cells.States.Length).Select(state => cells.CellsOf(state).Select(c => c.Allowed).ToArray())];
        Add(format.AddressBits, 0, 0, _points.Length - 1);
        Regions = Useful(Regions);
    }

    /// <summary>Where what some state wants changes.</summary>
    public IReadOnlyList<ulong> Points => _points;

    /// <summary>From the lowest block up, the smaller before the larger.</summary>
    public List<PaintedRegion> Regions { get; private set; } = [];

    /// <summary>Those that some state needs for itself, and those that make a hole in one of these: where no region is, the background is as good.</summary>
    private List<PaintedRegion> Useful(List<PaintedRegion> regions)
    {
        var isNeeded = regions.ConvertAll(IsNeeded);
        var needed = regions.Where((_, at) => isNeeded[at]).ToList();
        return [.. regions.Where((r, at) => isNeeded[at] || needed.Exists(n => n.Class != r.Class && n.Size > r.Size && n.Covers(r.Start)))];
    }

    private bool IsNeeded(PaintedRegion region)
    {
        var end = region.Start + region.Size;
        for (var i = _cells.PointAt(region.Start); i < _points.Length && _points[i] < end; i++)
        {
            foreach (var allowed in _allowed)
            {
                if ((allowed[i] & (1UL << region.Class | 1)) == 1UL << region.Class)
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
            foreach (var allowed in _allowed)
                wanted |= allowed[first] == _cells.Everything ? 0 : allowed[first] & ~1UL;
            AddRegions(level, start, wanted);
            return wanted;
        }
        var middle = start + (1UL << (level - 1));
        var cut = first;
        while (cut < last && _points[cut + 1] < middle)
            cut++;
        var low = Add(level - 1, start, first, cut);
        var high = Add(level - 1, middle, cut < last && _points[cut + 1] == middle ? cut + 1 : cut, last);
        // What is of use in one half alone could as well be a region of that half, unless that is too small for subregions.
        AddRegions(level, start, 1UL << level == _format.SmallestWithSubregions ? low | high : low & high);
        return low | high;
    }

    private void AddRegions(int level, ulong start, ulong classes)
    {
        var size = 1UL << level;
        var eighths = _format.SmallestWithSubregions == 0 || size < _format.SmallestWithSubregions || classes == 0 ? null : Eighths(start, size / 8);
        for (var left = classes; left != 0; left &= left - 1)
        {
            var painted = TreePlanner.Lowest(left);
            Regions.Add(new PaintedRegion(start, size, 0, painted, default));
            if (eighths is null)
                continue;
            foreach (var enabled in Parts(eighths, painted))
                Regions.Add(new PaintedRegion(start, size, unchecked((byte)~enabled), painted, default));
        }
    }

    /// <summary>By state and eighth of a block, the classes that the state may have in all of it, and in some of it.</summary>
    private (ulong All, ulong Some)[] Eighths(ulong start, ulong size)
    {
        var eighths = new (ulong All, ulong Some)[_allowed.Length * 8];
        for (var i = 0; i < 8; i++)
        {
            var at = start + (ulong)i * size;
            var first = _cells.PointAt(at);
            for (var state = 0; state < _allowed.Length; state++)
            {
                var (all, some) = (ulong.MaxValue, 0UL);
                for (var point = first; point < _points.Length && (point == first || _points[point] < at + size); point++)
                {
                    var allowed = _allowed[state][point];
                    (all, some) = (all & allowed, some | allowed);
                }
                eighths[state * 8 + i] = (all, some);
            }
        }
        return eighths;
    }

    /// <summary>
    /// Eighths of a block that a region may have, other than all: those of which a state may have all, or some; and those of which as many states as one likes may.
    /// </summary>
    private static HashSet<byte> Parts((ulong All, ulong Some)[] eighths, int painted)
    {
        var parts = new HashSet<byte>();
        var (whole, touched) = (new int[8], new int[8]);
        for (var state = 0; state < eighths.Length; state += 8)
        {
            var (all, some) = (0, 0);
            for (var i = 0; i < 8; i++)
            {
                var (inAll, inSome) = ((int)(eighths[state + i].All >> painted & 1), (int)(eighths[state + i].Some >> painted & 1));
                all |= inAll << i;
                some |= inSome << i;
                whole[i] += inAll;
                touched[i] += inSome;
            }
            parts.Add((byte)all);
            parts.Add((byte)some);
        }
        for (var share = 1; share <= eighths.Length / 8; share++)
        {
            parts.Add(AtLeast(whole, share));
            parts.Add(AtLeast(touched, share));
        }
        parts.Remove(0);
        parts.Remove(byte.MaxValue);
        return parts;
    }

    private static byte AtLeast(int[] counts, int share)
    {
        byte enabled = 0;
        for (var i = 0; i < 8; i++)
            enabled |= (byte)(counts[i] >= share ? 1 << i : 0);
        return enabled;
    }
}
