using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>A random problem in few granules, which an exhaustive search can solve: for each granule, the classes that may decide it.</summary>
internal sealed class SmallSpace
{
    public const int NoRegion = 0;

    private SmallSpace(int granules, int granuleBits, int classes, ulong[] allowed)
    {
        Granules = granules;
        Classes = classes;
        Allowed = allowed;
        GranuleBits = granuleBits;
        Map = new CellMap(granuleBits + TreePlanner.Log2((ulong)granules), [.. Enumerable.Range(1, classes).Select(c => default(MpuAttributes))],
            allowed.Select((mask, i) => new Cell((ulong)i << granuleBits, mask, mask)));
    }

    public int Granules { get; }

    public int GranuleBits { get; }

    public int Classes { get; }

    /// <summary>By granule; bit 0 is "no region".</summary>
    public ulong[] Allowed { get; }

    public CellMap Map { get; }

    /// <summary>Granules that class <paramref name="painted"/> may decide.</summary>
    public ulong Wants(int painted) => Allowed.Select((mask, i) => (mask >> painted & 1) << i).Aggregate(0UL, (a, b) => a | b);

    /// <summary>Granules that some region has to decide.</summary>
    public ulong Required => ~Wants(NoRegion) & (Granules == 64 ? ulong.MaxValue : (1UL << Granules) - 1);

    /// <summary>Runs of one want each: classes, holes (which a region of the last class may say as well, if there is one), and anything.</summary>
    public static SmallSpace Random(Random random, int granules, int granuleBits, bool hasDenyClass)
    {
        var classes = random.Next(1, 4);
        var deny = hasDenyClass ? classes + 1 : 0;
        var all = (1UL << (classes + (hasDenyClass ? 2 : 1))) - 1;
        var allowed = new ulong[granules];
        var mostRuns = random.Next(2, 8);
        for (var i = 0; i < granules;)
        {
            var want = random.Next(8) switch
            {
                0 => all,
                1 or 2 => 1UL | (hasDenyClass ? 1UL << deny : 0),
                3 => 1UL << random.Next(1, classes + 1) | (random.Next(2) == 0 ? 1UL : 1UL << random.Next(1, classes + 1)),
                _ => 1UL << random.Next(1, classes + 1),
            };
            for (var run = random.Next(1, Math.Max(2, 2 * granules / mostRuns)); run > 0 && i < granules; run--)
                allowed[i++] = want;
        }
        return new SmallSpace(granules, granuleBits, hasDenyClass ? classes + 1 : classes, allowed);
    }

    /// <summary>Whether the plan decides every granule as the problem allows, by the rule that the first region that covers it wins.</summary>
    public string? Wrong(IReadOnlyList<PaintedRegion> regions)
    {
        for (var i = 0; i < Granules; i++)
        {
            var winner = regions.Where(r => r.Covers((ulong)i << GranuleBits)).Select(r => (int?)r.Class).FirstOrDefault() ?? NoRegion;
            if ((Allowed[i] >> winner & 1) == 0)
                return $"granule {i} is decided by class {winner} and may be by {Allowed[i]:b}";
        }
        return null;
    }

    /// <summary>
    /// The least number of regions that decide all that has to be decided. From the highest priority down, a region may cover only what its class may
    /// decide or what is decided already, and what is decided only grows: breadth first over the sets of what is decided.
    /// </summary>
    /// <param name="blocks">Regions: the parts (subregions, or the whole) that each may enable one by one.</param>
    /// <param name="everyMask">
    /// Whether every choice of parts is tried; otherwise the one of all parts that may be covered, which decides at least as much.
    /// </param>
    /// <param name="most">Where to give up.</param>
    public int? Least(IReadOnlyList<ulong[]> blocks, bool everyMask, int most)
    {
        var wants = Enumerable.Range(0, Classes + 1).Select(Wants).ToArray();
        var seen = new HashSet<ulong> { 0 };
        var level = new List<ulong> { 0 };
        for (var count = 0; count <= most && level.Count < 60_000; count++)
        {
            if (level.Any(decided => (Required & ~decided) == 0))
                return count;
            var next = new List<ulong>();
            foreach (var decided in level)
            {
                for (var painted = 1; painted <= Classes; painted++)
                {
                    var may = decided | wants[painted];
                    foreach (var parts in blocks)
                    {
                        for (var mask = everyMask ? 1 : (1 << parts.Length) - 1; mask < 1 << parts.Length; mask++)
                        {
                            ulong cover = 0;
                            for (var i = 0; i < parts.Length; i++)
                                cover |= (mask >> i & 1) != 0 && (parts[i] & ~may) == 0 ? parts[i] : 0;
                            if (seen.Add(decided | cover))
                                next.Add(decided | cover);
                        }
                    }
                }
            }
            level = next;
        }
        return null;
    }

    public override string ToString() => string.Join(" ", Allowed.Select(a => a.ToString("x")));
}
