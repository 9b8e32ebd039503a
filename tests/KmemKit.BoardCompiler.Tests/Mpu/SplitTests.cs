using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>
/// How the regions of all domains part into those that stay and those that a switch writes, against every way there is: in four granules, whatever stays is
/// one of at most four classes to the fourth pictures, and over each picture a search finds the least that each state has to lay.
/// </summary>
public class SplitTests
{
    private const int Granules = 4, MostStatic = 5;

    private static readonly MpuFormat s_format = Pmsav7Format.PmsaV6;
    private static readonly int[] s_blocks = [.. Blocks().Select(b => ((1 << b.Size) - 1) << b.First)];

    [Test]
    public void No_split_has_fewer_regions_in_its_fullest_state_and_writes_are_near_the_fewest()
    {
        var (compared, more, extra, total) = (0, 0, 0, 0);
        for (var seed = 1; seed <= 400; seed++)
        {
            var policy = Random(new Random(seed));
            var cells = new ProtectionCells(policy, s_format, MpuSpace.Unified);
            var plan = new SpacePlanner(cells, s_format).Plan()!;
            var (used, writes) = Best(cells);
            Assert.That(plan.Used, Is.EqualTo(used), $"seed {seed}");
            Assert.That(plan.Writes, Is.GreaterThanOrEqualTo(writes), $"seed {seed}: the search missed a split");
            compared++;
            more += plan.Writes > writes ? 1 : 0;
            extra += plan.Writes - writes;
            total += writes;
        }
        TestContext.Out.WriteLine($"{compared} policies: {more} with more writes than the fewest, {extra} over {total}");
        // The fewest regions are always reached. The fewest writes are not: the planner takes the best of four ways, and a seventh of these policies has a better one.
        Assert.That(extra, Is.LessThanOrEqualTo(total / 6));
    }

    private static (int Used, int Writes) Best(ProtectionCells cells)
    {
        var classes = cells.Classes.Length;
        var allowed = cells.States.Select(state =>
        {
            var map = cells.Map(state);
            return Enumerable.Range(0, Granules).Select(i => map.Cells[map.IndexOf((ulong)i * s_format.Granule)].Allowed).ToArray();
        }).ToList();
        var best = (Used: int.MaxValue, Writes: int.MaxValue);
        foreach (var (picture, count) in Pictures(classes))
        {
            var own = allowed.Select(a => Least(a, classes, picture)).ToList();
            var split = (count + own.Max(), own.Sum());
            if (split.CompareTo(best) < 0)
                best = split;
        }
        return best;
    }

    /// <summary>What static regions can leave, class by granule, each with the fewest regions it takes: painting from the losing one up.</summary>
    private static Dictionary<int[], int> Pictures(int classes)
    {
        var pictures = new Dictionary<int[], int>(new ByItems()) { [new int[Granules]] = 0 };
        var level = pictures.Keys.ToList();
        for (var count = 1; count <= MostStatic && level.Count > 0; count++)
        {
            var next = new List<int[]>();
            foreach (var picture in level)
            {
                foreach (var (first, size) in Blocks())
                {
                    for (var painted = 1; painted <= classes; painted++)
                    {
                        var painting = (int[])picture.Clone();
                        Array.Fill(painting, painted, first, size);
                        if (pictures.TryAdd(painting, count))
                            next.Add(painting);
                    }
                }
            }
            level = next;
        }
        return pictures;
    }

    /// <summary>The fewest regions over a picture that decide what it does not: from the highest priority down, what is decided only grows.</summary>
    private static int Least(ulong[] allowed, int classes, int[] picture)
    {
        var wants = new int[classes + 1];
        var wrong = 0;
        for (var i = 0; i < Granules; i++)
        {
            wrong |= (allowed[i] >> picture[i] & 1) == 0 ? 1 << i : 0;
            for (var painted = 1; painted <= classes; painted++)
                wants[painted] |= (int)(allowed[i] >> painted & 1) << i;
        }
        var reached = 1u;
        for (var count = 0; ; count++)
        {
            var next = reached;
            for (var decided = 0; decided < 1 << Granules; decided++)
            {
                if ((reached >> decided & 1) == 0)
                    continue;
                if ((wrong & ~decided) == 0)
                    return count;
                foreach (var block in s_blocks)
                {
                    for (var painted = 1; painted <= classes; painted++)
                        next |= (block & ~(decided | wants[painted])) == 0 ? 1u << (decided | block) : 0;
                }
            }
            // A hole that no region can make, in a format without regions that deny.
            if (next == reached)
                return 100;
            reached = next;
        }
    }

    private static IEnumerable<(int First, int Size)> Blocks()
    {
        for (var size = 1; size <= Granules; size *= 2)
        {
            for (var first = 0; first < Granules; first += size)
                yield return (first, size);
        }
    }

    private static ProtectionPolicy Random(Random random)
    {
        var kinds = new[]
        {
            new MpuAttributes(AccessRights.ReadWrite, 0, MpuMemoryType.NormalWriteThrough, false),
            new MpuAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MpuMemoryType.NormalWriteThrough, false),
        };
        var mine = Entries("e", random.Next(0, 4), []);
        var domains = Enumerable.Range(0, random.Next(1, 4)).Select(d => new ProtectionDomain("d" + d, [.. Entries("d" + d + "e", random.Next(0, 4), mine)], default));
        return new ProtectionPolicy { Entries = [.. mine], Domains = [.. domains] };

        List<ProtectionEntry> Entries(string name, int count, List<ProtectionEntry> others)
        {
            var made = new List<ProtectionEntry>();
            for (var tries = 0; made.Count < count && tries < 50; tries++)
            {
                var first = random.Next(Granules);
                var range = new PhysRange(new PhysAddr((ulong)first * s_format.Granule), (ulong)random.Next(1, Granules - first + 1) * s_format.Granule);
                if (others.Concat(made).Any(o => o.Range == range || (o.Range.Overlaps(range) && !o.Range.Contains(range) && !range.Contains(o.Range))))
                    continue;
                made.Add(new ProtectionEntry(name + made.Count, range, random.Next(5) == 0 ? MpuAttributes.Deny : kinds[random.Next(2)], "/" + name + made.Count, default));
            }
            return made;
        }
    }

    private sealed class ByItems : IEqualityComparer<int[]>
    {
        public bool Equals(int[]? x, int[]? y) => x.AsSpan().SequenceEqual(y);

        public int GetHashCode(int[] obj) => obj.Aggregate(0, (hash, item) => hash * 5 + item);
    }
}
