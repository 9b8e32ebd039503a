using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>No table has fewer regions than the plan: against searches that try every table there is, in spaces small enough for that.</summary>
public class MinimalityTests
{
    // Every aligned block; from that size on in eight parts.
    private static List<ulong[]> Blocks(SmallSpace space, int smallestWithSubregions)
    {
        var blocks = new List<ulong[]>();
        for (var size = 1; size <= space.Granules; size *= 2)
        {
            for (var start = 0; start < space.Granules; start += size)
            {
                var parts = smallestWithSubregions > 0 && size >= smallestWithSubregions ? 8 : 1;
                blocks.Add([.. Enumerable.Range(0, parts).Select(i => ((1UL << (size / parts)) - 1) << (start + i * (size / parts)))]);
            }
        }
        return blocks;
    }

    // Each format by name, with its own granule and its own smallest region with subregions.
    [TestCase("arm740t")]
    [TestCase("arm940t")]
    [TestCase("arm946e-s")]
    [TestCase("arm1026ej-s")]
    [TestCase("pmsav6")]
    [TestCase("pmsav7-r")]
    [TestCase("pmsav7-m")]
    public void Tables_of_a_format_are_minimal_in_8_granules(string name)
    {
        var format = MpuFormats.Find(name)!;
        var bits = TreePlanner.Log2(format.Granule);
        Check(1000, 8, (int)(format.SmallestWithSubregions / format.Granule), granuleBits: bits, firstSeed: 10_000);
    }

    [Test]
    public void Subregion_tables_are_minimal_in_8_granules_with_every_mask() => Check(200, 8, 8, everyMask: true);

    [Test]
    public void Subregion_tables_are_minimal_in_8_granules() => Check(2000, 8, 8);

    [Test]
    public void Subregion_tables_are_minimal_in_16_granules() => Check(150, 16, 8);

    [Test]
    public void Subregion_tables_are_minimal_in_32_granules() => Check(40, 32, 8, most: 3);

    [Test]
    public void Power_of_two_tables_without_subregions_are_minimal_in_8_granules() => Check(2000, 8, 0);

    [Test]
    public void Power_of_two_tables_without_subregions_are_minimal_in_16_granules() => Check(150, 16, 0);

    [Test]
    public void Power_of_two_tables_without_subregions_are_minimal_in_32_granules() => Check(20, 32, 0, most: 4);

    private static void Check(int rounds, int granules, int smallestWithSubregions, bool everyMask = false, int most = int.MaxValue, int granuleBits = 5, int firstSeed = 1)
    {
        var compared = 0;
        for (var seed = firstSeed; seed < firstSeed + rounds; seed++)
        {
            var space = SmallSpace.Random(new Random(seed), granules, granuleBits, seed % 3 > 0);
            var plan = TreePlanner.Plan(space.Map, 1UL << granuleBits, (ulong)smallestWithSubregions << granuleBits);
            Assert.That(plan, Is.Not.Null, $"seed {seed}: {space}");
            Assert.That(space.Wrong(plan!.Regions), Is.Null, $"seed {seed}: {space}");
            Assert.That(plan.IsMinimal, Is.True, $"seed {seed}");
            if (space.Least(Blocks(space, smallestWithSubregions), everyMask, Math.Min(most, plan.Regions.Length)) is not { } least)
                continue;
            Assert.That(plan.Regions, Has.Length.EqualTo(least), $"seed {seed}: {space}\n{string.Join("\n", plan.Regions)}");
            compared++;
        }
        TestContext.Out.WriteLine($"{compared} of {rounds} spaces compared with the exhaustive search");
        Assert.That(compared, Is.GreaterThan(rounds / 4));
    }

    // Every way to give each granule a class or none; a region for each run.
    [Test]
    public void Base_and_limit_tables_are_minimal_in_8_granules([Values("pmsav8-m", "pmsav8-r", "pmsav8-r-el2", "pmsav8-r64", "pmsav8-r64-el2")] string name)
    {
        var granule = MpuFormats.Find(name)!.Granule;
        for (var seed = 1; seed <= 2000; seed++)
        {
            var space = SmallSpace.Random(new Random(seed), 8, TreePlanner.Log2(granule), false);
            var plan = IntervalPlanner.Plan(space.Map, granule)!;
            Assert.That(space.Wrong(plan.Regions), Is.Null, $"seed {seed}: {space}");
            Assert.That(plan.Regions, Has.Length.EqualTo(Least(0, 0, 0, int.MaxValue)), $"seed {seed}: {space}");

            int Least(int granule, int before, int count, int best)
            {
                if (granule == space.Granules)
                    return Math.Min(count, best);
                for (var painted = 0; painted <= space.Classes; painted++)
                {
                    if ((space.Allowed[granule] >> painted & 1) != 0)
                        best = Least(granule + 1, painted, count + (painted != 0 && painted != before ? 1 : 0), best);
                }
                return best;
            }
        }
    }
}
