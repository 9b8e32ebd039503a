using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Writers.Mpu;

/// <summary>Prints where entries without an address were placed: the map of each pool, with its gaps.</summary>
public static class PlacementText
{
    /// <summary>The text, lines ended by <c>\n</c>; empty where nothing was placed.</summary>
    public static string Write(ImmutableArray<PlacedPool> pools)
    {
        var output = new StringBuilder();
        foreach (var pool in pools)
        {
            var bound = pool.LowerBound == pool.Regions ? "no placement takes fewer" : $"no placement takes fewer than {MpuText.Number(pool.LowerBound)}";
            var rows = Rows(pool).ToList();
            var gaps = Between(rows).Aggregate(0UL, (sum, r) => sum + r.Range.Size.Value);
            output.Append($"\npool {string.Join(", ", pool.Pool)}: {MpuText.Number(pool.Items.Length)} placed, {MpuText.Number(pool.Regions)} regions by themselves ({bound}), ")
                .Append(gaps == 0 ? "no gaps between them\n" : $"{SizeText.Of(gaps)} of gaps between them\n");
            foreach (var (range, what) in rows)
                output.Append($"  {range.Start.ToString(),-12}{range.End.ToString(),-12}{SizeText.Of(range.Size),12}  {what}\n");
        }
        return output.ToString();
    }

    // Gaps in front of the last thing placed: what is behind it is simply free.
    private static IEnumerable<(PhysRange Range, string What)> Between(List<(PhysRange Range, string What)> rows)
    {
        var last = rows.FindLastIndex(r => r.What != Free);
        return rows.Take(last).Where(r => r.What == Free);
    }

    private const string Free = "free";

    private static IEnumerable<(PhysRange Range, string What)> Rows(PlacedPool pool)
    {
        var items = pool.Items.Select(i => (i.Range, (i.Request.Domain is { } domain ? domain + "/" : "") + i.Request.Name + (i.Regions == 1 ? ", 1 region" : $", {MpuText.Number(i.Regions)} regions")))
            .Concat(pool.Taken.Select(t => (t, "taken"))).OrderBy(r => r.Item1).ToList();
        foreach (var range in pool.Pool)
        {
            var at = range.Start.Value;
            foreach (var (taken, what) in items.Where(i => range.Contains(i.Item1)))
            {
                if (taken.Start.Value > at)
                    yield return (new PhysRange(new PhysAddr(at), taken.Start.Value - at), Free);
                yield return (taken, what);
                at = System.Math.Max(at, taken.Start.Value + taken.Size.Value);
            }
            if (range.Start.Value + range.Size.Value > at)
                yield return (new PhysRange(new PhysAddr(at), range.Start.Value + range.Size.Value - at), Free);
        }
    }
}
