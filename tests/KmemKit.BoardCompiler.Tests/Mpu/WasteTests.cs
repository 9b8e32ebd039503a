using System;
using System.Collections.Generic;
using System.Linq;
using System.Numerics;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>Where entries may grow (<c>allow-rounding</c>), no table of as few regions grows them by fewer bytes: against every table of one and of two regions in 16 granules.</summary>
public class WasteTests
{
    private const int Granules = 16;
    private const int GranuleBits = 5;

    // What a granule may be decided by, and what of that is what the policy grants; bit 0 is "no region".
    private readonly record struct Want(int Allowed, int Exact);

    [TestCase(8, TestName = "{m}(with subregions)")]
    [TestCase(0, TestName = "{m}(without subregions)")]
    public void The_bytes_that_entries_grow_by_are_the_least(int smallestWithSubregions)
    {
        var (compared, wasted, blocks) = (0, 0, Blocks(smallestWithSubregions));
        for (var seed = 1; seed <= 600; seed++)
        {
            var random = new Random(seed);
            var wants = Wants(random);
            var map = new CellMap(GranuleBits + 4, [default, default], wants.Select((w, i) => new Cell((ulong)i << GranuleBits, (ulong)w.Allowed, (ulong)w.Exact)));
            var plan = TreePlanner.Plan(map, 1UL << GranuleBits, (ulong)smallestWithSubregions << GranuleBits)!;
            if (plan.Regions.Length is 0 or > 2)
                continue;
            var text = $"seed {seed}: {string.Join(' ', wants.Select(w => $"{w.Allowed}/{w.Exact}"))}\n{string.Join('\n', plan.Regions)}";
            var least = Least(wants, blocks, plan.Regions.Length);
            var exact = Masks(wants, w => w.Exact);
            Assert.That(Decided(plan.Regions).Select((granules, painted) => BitOperations.PopCount((uint)(granules & ~exact[painted]))).Sum(), Is.EqualTo(least), text);
            Assert.That(plan.Waste, Is.EqualTo((ulong)least! << GranuleBits), text);
            compared++;
            wasted += least > 0 ? 1 : 0;
        }
        TestContext.Out.WriteLine($"{compared} tables compared, {wasted} of them grow something");
        Assert.That(compared, Is.GreaterThan(100));
        Assert.That(wasted, Is.GreaterThan(20));
    }

    // Entries of two classes, with nothing between them that they may not grow over, or that only one of them may.
    private static Want[] Wants(Random random)
    {
        var wants = new Want[Granules];
        for (var i = 0; i < Granules;)
        {
            var want = random.Next(6) switch
            {
                0 => new Want(0b001, 0b001),
                1 => new Want(0b011, 0b001),
                2 => new Want(0b101, 0b001),
                3 => new Want(0b111, 0b001),
                4 => new Want(0b010, 0b010),
                _ => new Want(0b100, 0b100),
            };
            for (var run = random.Next(1, 7); run > 0 && i < Granules; run--)
                wants[i++] = want;
        }
        return wants;
    }

    // Every region there is, as the granules that it covers.
    private static List<int> Blocks(int smallestWithSubregions)
    {
        var blocks = new HashSet<int>();
        for (var size = 1; size <= Granules; size *= 2)
        {
            for (var start = 0; start < Granules; start += size)
            {
                var parts = smallestWithSubregions > 0 && size >= smallestWithSubregions ? 8 : 1;
                for (var mask = 1; mask < 1 << parts; mask++)
                {
                    blocks.Add(Enumerable.Range(0, parts).Where(i => (mask >> i & 1) != 0)
                        .Aggregate(0, (all, i) => all | ((1 << (size / parts)) - 1) << (start + (i * (size / parts)))));
                }
            }
        }
        return [.. blocks];
    }

    // Granules by the class that decides them.
    private static int[] Decided(IReadOnlyList<PaintedRegion> regions)
    {
        var decided = new int[3];
        for (var i = 0; i < Granules; i++)
            decided[regions.Where(r => r.Covers((ulong)i << GranuleBits)).Select(r => r.Class).FirstOrDefault()] |= 1 << i;
        return decided;
    }

    private static int[] Masks(Want[] wants, Func<Want, int> what) =>
        [.. Enumerable.Range(0, 3).Select(painted => wants.Select((w, i) => (what(w) >> painted & 1) << i).Sum())];

    private static int? Least(Want[] wants, List<int> blocks, int regions)
    {
        var (allowed, exact) = (Masks(wants, w => w.Allowed), Masks(wants, w => w.Exact));
        int? least = null;
        foreach (var first in blocks)
        {
            for (var one = 1; one <= 2; one++)
            {
                if ((first & ~allowed[one]) != 0)
                    continue;
                foreach (var second in regions == 2 ? blocks : [0])
                {
                    for (var two = 1; two <= 2; two++)
                    {
                        var (behind, none) = (second & ~first, ~(first | second) & ((1 << Granules) - 1));
                        if ((behind & ~allowed[two]) != 0 || (none & ~allowed[0]) != 0)
                            continue;
                        var waste = BitOperations.PopCount((uint)(first & ~exact[one])) + BitOperations.PopCount((uint)(behind & ~exact[two]))
                            + BitOperations.PopCount((uint)(none & ~exact[0]));
                        if (!(waste >= least))
                            least = waste;
                    }
                }
            }
        }
        return least;
    }
}
