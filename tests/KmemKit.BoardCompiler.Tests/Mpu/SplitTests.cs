using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>
/// How the regions of all domains part into those that stay and those that a switch writes, against every way there is: in a few granules, over every picture
/// that static regions can leave, the least that each state has to lay.
/// </summary>
/// <remarks>KMEMKIT_FUZZ_ITERATIONS makes it longer, KMEMKIT_FUZZ_SEED replays one.</remarks>
public class SplitTests
{
    [TestCase("pmsav6", 4, 400)]
    [TestCase("pmsav6", 8, 100)]
    [TestCase("pmsav7-m", 8, 80)]
    [TestCase("pmsav7-m", 10, 30)]
    [TestCase("pmsav8-m", 4, 400)]
    [TestCase("pmsav8-m", 7, 150)]
    public void No_split_has_fewer_regions_in_its_fullest_state_or_as_many_and_fewer_to_write(string name, int granules, int rounds)
    {
        var format = MpuFormats.Find(name)!;
        var first = Setting.Number("KMEMKIT_FUZZ_SEED") ?? 1;
        rounds = Setting.Number("KMEMKIT_FUZZ_ITERATIONS") ?? rounds;
        var (writes, alone) = (0, 0);
        var pictures = new PicturesByClasses(format, granules);
        for (var seed = first; seed < first + rounds; seed++)
        {
            var (planned, without) = Compare(format, granules, seed, pictures);
            writes += planned;
            alone += without;
        }
        TestContext.Out.WriteLine($"{rounds} policies: {writes} regions are written in all, {alone} without any that stays");
        Assert.That(writes, Is.LessThan(alone));
    }

    // Of the best region that stays here, two eighths are ones that one domain wants half of and no other wants.
    [Test]
    public void A_region_that_stays_may_have_eighths_that_no_state_wants_whole() =>
        Compare(MpuFormats.Find("pmsav7-m")!, 10, 62, new PicturesByClasses(MpuFormats.Find("pmsav7-m")!, 10));

    private static (int Writes, int Alone) Compare(MpuFormat format, int granules, int seed, PicturesByClasses pictures)
    {
        var policy = Random(new Random(seed), format, granules, kindCount: granules > 8 ? 1 : 2);
        var cells = new ProtectionCells(policy, format, MpuSpace.Unified);
        var plan = new SpacePlanner(cells, format).Plan()!;
        Assert.That((plan.Used, plan.Writes), Is.EqualTo(Best(cells, format, granules, pictures)), $"KMEMKIT_FUZZ_SEED={seed} {format.Name}");
        Assert.That(plan.WritesBound, Is.LessThanOrEqualTo(plan.Writes), $"KMEMKIT_FUZZ_SEED={seed} {format.Name}");
        return (plan.Writes, cells.States.Sum(s => new SpacePlanner(cells, format).Count(s)!.Value));
    }

    /// <summary>What static regions can leave, with their number: it depends on the format and the number of classes alone.</summary>
    private sealed class PicturesByClasses(MpuFormat format, int granules)
    {
        private readonly Dictionary<int, Dictionary<int, int>> _known = [];

        public Dictionary<int, int> Of(int classes)
        {
            if (!_known.TryGetValue(classes, out var pictures))
                _known[classes] = pictures = format.Shape == MpuShape.BaseAndLimit ? Runs(classes, granules) : Painted(classes, Blocks(format, granules), granules);
            return pictures;
        }
    }

    private static (int Used, int Writes) Best(ProtectionCells cells, MpuFormat format, int granules, PicturesByClasses pictures)
    {
        var isExclusive = format.Shape == MpuShape.BaseAndLimit;
        // By state and class (0: none), the granules it may decide; without the classes that are of use elsewhere only.
        var all = cells.States.Select(state =>
        {
            var map = cells.Map(state);
            return Enumerable.Range(0, cells.Classes.Length + 1).Select(c => Enumerable.Range(0, granules)
                .Sum(i => (int)(map.Cells[map.IndexOf((ulong)i * format.Granule)].Allowed >> c & 1) << i)).ToArray();
        }).ToList();
        var used = Enumerable.Range(0, cells.Classes.Length + 1).Where(c => c == 0 || all.Any(m => m[c] != 0)).ToArray();
        var classes = used.Length - 1;
        var may = all.Select(m => used.Select(c => m[c]).ToArray()).ToArray();
        var blocks = Blocks(format, granules);
        var least = isExclusive ? null : may.Select(m => Least(m, blocks, granules)).ToArray();
        var best = (Used: int.MaxValue, Writes: int.MaxValue);
        foreach (var (picture, count) in pictures.Of(classes))
        {
            // They come by their number, and none that is more than the fullest state alone needs is in the best split.
            if (count > best.Used)
                break;
            var (most, sum) = (0, 0);
            for (var s = 0; s < may.Length; s++)
            {
                var own = isExclusive ? LeastBeside(picture, may[s], granules) : least![s][Wrong(picture, may[s], granules)];
                (most, sum) = (Math.Max(most, own), sum + own);
            }
            if ((count + most, sum).CompareTo(best) < 0)
                best = (count + most, sum);
        }
        return best;
    }

    /// <summary>Granules that a picture, two bits a granule, leaves wrong.</summary>
    private static int Wrong(int picture, int[] may, int granules)
    {
        var wrong = 0;
        for (var i = 0; i < granules; i++)
            wrong |= (~may[picture >> 2 * i & 3] >> i & 1) << i;
        return wrong;
    }

    /// <summary>What static regions can leave, each with the fewest regions it takes: painting from the losing one up.</summary>
    private static Dictionary<int, int> Painted(int classes, List<int> blocks, int granules)
    {
        var pictures = new Dictionary<int, int> { [0] = 0 };
        var level = new List<int> { 0 };
        for (var count = 1; level.Count > 0 && count <= granules; count++)
        {
            var next = new List<int>();
            foreach (var picture in level)
            {
                foreach (var block in blocks)
                {
                    for (var painted = 1; painted <= classes; painted++)
                    {
                        var painting = (picture & ~(Spread(block) * 3)) | Spread(block) * painted;
                        if (pictures.TryAdd(painting, count))
                            next.Add(painting);
                    }
                }
            }
            level = next;
        }
        return pictures;
    }

    /// <summary>Regions that may not overlap: every choice of a class or none for each granule, a region for each run.</summary>
    private static Dictionary<int, int> Runs(int classes, int granules)
    {
        var pictures = new Dictionary<int, int>();
        for (var picture = 0; picture < 1 << 2 * granules; picture++)
        {
            var (runs, before, isPicture) = (0, 0, true);
            for (var i = 0; i < granules; i++)
            {
                var painted = picture >> 2 * i & 3;
                isPicture &= painted <= classes;
                runs += painted != 0 && painted != before ? 1 : 0;
                before = painted;
            }
            if (isPicture)
                pictures[picture] = runs;
        }
        return pictures.OrderBy(p => p.Value).ToDictionary(p => p.Key, p => p.Value);
    }

    /// <summary>The fewest regions of a state beside static ones that it can neither change nor reach over.</summary>
    private static int LeastBeside(int picture, int[] may, int granules)
    {
        var costs = new int[may.Length];
        for (var i = 0; i < granules; i++)
        {
            var fixedClass = picture >> 2 * i & 3;
            var least = i == 0 ? 0 : costs.Min();
            if (fixedClass != 0)
            {
                // Whatever comes behind begins anew.
                Array.Fill(costs, Impossible);
                costs[0] = (may[fixedClass] >> i & 1) != 0 ? least : Impossible;
                continue;
            }
            for (var c = 0; c < costs.Length; c++)
            {
                var begun = c == 0 ? least : Math.Min(least + 1, i == 0 ? Impossible : costs[c]);
                costs[c] = (may[c] >> i & 1) != 0 ? Math.Min(begun, Impossible) : Impossible;
            }
        }
        return costs.Min();
    }

    private const int Impossible = 1000;

    /// <summary>The fewest regions that decide at least a set of granules, by set: from the highest priority down, what is decided only grows.</summary>
    private static int[] Least(int[] may, List<int> blocks, int granules)
    {
        var cost = new int[1 << granules];
        Array.Fill(cost, Impossible);
        cost[0] = 0;
        var level = new List<int> { 0 };
        for (var count = 1; level.Count > 0; count++)
        {
            var next = new List<int>();
            foreach (var decided in level)
            {
                foreach (var block in blocks)
                {
                    for (var painted = 1; painted < may.Length; painted++)
                    {
                        var after = decided | block;
                        if ((block & ~(decided | may[painted])) != 0 || cost[after] <= count)
                            continue;
                        cost[after] = count;
                        next.Add(after);
                    }
                }
            }
            level = next;
        }
        // A set is decided by whatever decides more.
        for (var set = cost.Length - 1; set >= 0; set--)
        {
            for (var i = 0; i < granules; i++)
                cost[set] = Math.Min(cost[set], cost[set | 1 << i]);
        }
        return cost;
    }

    /// <summary>The regions there are, as sets of granules: every aligned block, and from the size that has subregions on every choice of its eighths.</summary>
    private static List<int> Blocks(MpuFormat format, int granules)
    {
        var blocks = new HashSet<int>();
        var all = (1 << granules) - 1;
        var smallest = (int)(format.SmallestWithSubregions / format.Granule);
        for (var size = 1; size < 2 * granules; size *= 2)
        {
            for (var first = 0; first < granules; first += size)
            {
                var parts = smallest > 0 && size >= smallest ? 8 : 1;
                for (var mask = 1; mask < 1 << parts; mask++)
                {
                    var block = 0L;
                    for (var i = 0; i < parts; i++)
                        block |= (mask >> i & 1) == 0 ? 0 : ((1L << (size / parts)) - 1) << (first + i * (size / parts));
                    if ((block & ~all) == 0)
                        blocks.Add((int)block);
                }
            }
        }
        return [.. blocks];
    }

    /// <summary>A bit for each granule at two bits for each.</summary>
    private static int Spread(int granules)
    {
        var spread = 0;
        for (; granules != 0; granules &= granules - 1)
            spread |= 1 << 2 * BitOperations.TrailingZeroCount(granules);
        return spread;
    }

    private static ProtectionPolicy Random(Random random, MpuFormat format, int granules, int kindCount)
    {
        var kinds = new[]
        {
            new MpuAttributes(AccessRights.ReadWrite, 0, MpuMemoryType.NormalWriteThrough, false),
            new MpuAttributes(AccessRights.ReadWrite, AccessRights.ReadWrite, MpuMemoryType.NormalWriteThrough, false),
        };
        var mine = Entries("e", random.Next(0, granules), []);
        var domains = Enumerable.Range(0, random.Next(1, 4)).Select(d => new ProtectionDomain("d" + d, [.. Entries("d" + d + "e", random.Next(0, granules), mine)], default));
        return new ProtectionPolicy { Entries = [.. mine], Domains = [.. domains] };

        List<ProtectionEntry> Entries(string name, int count, List<ProtectionEntry> others)
        {
            var made = new List<ProtectionEntry>();
            for (var tries = 0; made.Count < count && tries < 50; tries++)
            {
                var first = random.Next(granules);
                var range = new PhysRange(new PhysAddr((ulong)first * format.Granule), (ulong)random.Next(1, granules - first + 1) * format.Granule);
                if (others.Concat(made).Any(o => o.Range == range || (o.Range.Overlaps(range) && !o.Range.Contains(range) && !range.Contains(o.Range))))
                    continue;
                made.Add(new ProtectionEntry(name + made.Count, range, random.Next(5) == 0 ? MpuAttributes.Deny : kinds[random.Next(kindCount)], "/" + name + made.Count, default));
            }
            return made;
        }
    }
}
