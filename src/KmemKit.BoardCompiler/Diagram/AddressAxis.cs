using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Diagram;

/// <summary>Where the addresses of one column are drawn: to scale, with breaks.</summary>
/// <remarks>
/// The borders of all ranges cut the column into intervals. An interval is as high as its size on the scale; but one too small to be seen gets
/// <see cref="Least"/>, an empty one no more than <see cref="Gap"/>, and one that would be higher than <see cref="Most"/> is broken and gets
/// <see cref="Broken"/>. User space, which is there for orientation alone, is broken at <see cref="UserSpace"/>. Within an interval addresses are drawn in proportion. High addresses are at the top.
/// </remarks>
internal sealed class AddressAxis
{
    public const double Least = 3;
    public const double Gap = 22;
    public const double Most = 460;
    public const double Broken = 76;
    public const double UserSpace = 40;

    private readonly ImmutableArray<Interval> _intervals;

    private AddressAxis(ImmutableArray<Interval> intervals)
    {
        _intervals = intervals;
        Height = intervals.Sum(i => i.Height);
    }

    /// <summary>Height of all intervals, in pixels.</summary>
    public double Height { get; }

    /// <summary>How many intervals with something in them are broken, user space apart.</summary>
    public int BrokenCount => _intervals.Count(i => i.IsBroken && !i.IsEmpty && !i.IsUser);

    /// <summary>Broken intervals, as distances from the top.</summary>
    public IEnumerable<(double Top, double Height, bool IsEmpty)> Breaks => _intervals.Where(i => i.IsBroken).Select(i => (i.Top, i.Height, i.IsEmpty));

    /// <summary>An axis for these ranges.</summary>
    /// <param name="ranges">The ranges.</param>
    /// <param name="scale">Pixels per byte.</param>
    public static AddressAxis Of(IReadOnlyCollection<DiagramRange> ranges, double scale)
    {
        var borders = ranges.SelectMany(r => new[] { r.Start, r.End }).Distinct().OrderByDescending(a => a).ToList();
        var intervals = ImmutableArray.CreateBuilder<Interval>();
        var top = 0.0;
        for (var i = 0; i + 1 < borders.Count; i++)
        {
            var (end, start) = (borders[i], borders[i + 1].Value);
            var there = ranges.Where(r => r.Start <= start && end <= r.End).ToList();
            var isUser = there.Count > 0 && there.All(r => r.Kind == BlockKind.User);
            var natural = SizeOf(end, start) * scale;
            var isBroken = natural > (there.Count == 0 ? Gap : isUser ? UserSpace : Most);
            var broken = there.Count == 0 ? Gap : isUser ? UserSpace : Broken;
            var height = Math.Max(Least, isBroken ? broken : natural);
            intervals.Add(new Interval(start, end, top, height, there.Count == 0, isBroken, isUser));
            top += height;
        }
        return new AddressAxis(intervals.ToImmutable());
    }

    /// <summary>Distance of an address from the top of the column, in pixels.</summary>
    public double At(AddressLimit address)
    {
        foreach (var interval in _intervals)
        {
            if (address >= interval.Start)
                return interval.Top + (interval.Height * (1 - (SizeOf(address < interval.End ? address : interval.End, interval.Start) / SizeOf(interval.End, interval.Start))));
        }
        return Height;
    }

    private static double SizeOf(AddressLimit end, ulong start)
    {
        var size = end.SizeFrom(start);
        return size.IsTop ? 18446744073709551616.0 : size.Value;
    }

    private readonly record struct Interval(ulong Start, AddressLimit End, double Top, double Height, bool IsEmpty, bool IsBroken, bool IsUser);
}
