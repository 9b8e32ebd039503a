using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>PMP tables against a search over all sequences of entries, by what the registers of each entry do.</summary>
public class ChainMinimalityTests
{
    [TestCase(16, 2, 150, 1)]
    // As many as for the other formats: RV32 and RV64 differ in nothing that a small space shows, a coarse granule (G = 3) does.
    [TestCase(8, 2, 2000, 1000)]
    [TestCase(8, 5, 1000, 5000)]
    public void Chains_are_minimal(int granules, int granuleBits, int rounds, int firstSeed)
    {
        var (compared, proved) = (0, 0);
        for (var seed = firstSeed; seed < firstSeed + rounds; seed++)
        {
            var space = SmallSpace.Random(new Random(seed), granules, granuleBits, seed % 3 > 0);
            if (ChainPlanner.Plan(space.Map, 1UL << granuleBits, stateLimit: 20_000) is not { } plan)
                continue;
            Assert.That(Decides(space, plan), Is.Null, $"seed {seed}: {space}\n{string.Join("\n", plan.Regions)}");
            proved += plan.IsMinimal ? 1 : 0;
            if (Least(space, Math.Min(plan.Regions.Length, 6)) is not { } least)
                continue;
            compared++;
            Assert.That(plan.LowerBound, Is.LessThanOrEqualTo(least), $"seed {seed}: {space}");
            if (plan.IsMinimal)
                Assert.That(plan.Regions, Has.Length.EqualTo(least), $"seed {seed}: {space}\n{string.Join("\n", plan.Regions)}");
        }
        TestContext.Out.WriteLine($"{compared} compared, {proved} proved minimal by the planner, of {rounds}");
        Assert.That(compared, Is.GreaterThan(rounds * 7 / 15));
        Assert.That(proved, Is.GreaterThan(rounds * 2 / 3));
    }

    // Registers only: the mode and the address of each entry, the base of a range from the register before.
    private static string? Decides(SmallSpace space, SpacePlan plan)
    {
        var granule = 1UL << space.GranuleBits;
        for (ulong address = 0; address < (ulong)space.Granules * granule; address += granule)
        {
            ulong before = 0;
            var winner = 0;
            foreach (var entry in plan.Regions)
            {
                var register = Register(entry);
                var hit = entry.Mode switch
                {
                    PmpMode.Tor => address >= Base(before) && address < Base(register),
                    PmpMode.Off => false,
                    _ => entry.Covers(address),
                };
                before = register;
                if (hit)
                {
                    winner = entry.Class;
                    break;
                }
            }
            if ((space.Allowed[address / granule] >> winner & 1) == 0)
                return $"address {address:x} is decided by {winner}";
        }
        return null;

        // The bits of an address register below the granule do not count for a range.
        ulong Base(ulong register) => register << 2 & ~(granule - 1);
    }

    private static ulong Register(PaintedRegion entry) => entry.Mode switch
    {
        PmpMode.Tor => (entry.Start + entry.Size) >> 2,
        PmpMode.Napot => entry.Start >> 2 | ((entry.Size >> 3) - 1),
        _ => entry.Start >> 2,
    };

    private static int? Least(SmallSpace space, int most)
    {
        var wants = Enumerable.Range(0, space.Classes + 1).Select(space.Wants).ToArray();
        var level = new HashSet<(ulong Decided, int Register)> { (0, 0) };
        var seen = new HashSet<(ulong, int)>(level);
        for (var count = 0; count <= most; count++)
        {
            if (level.Any(s => (space.Required & ~s.Decided) == 0))
                return count;
            if (level.Count > 30_000)
                return null;
            var next = new HashSet<(ulong, int)>();
            foreach (var (decided, register) in level)
            {
                for (var address = 0; address < space.Granules; address++)
                {
                    Visit(decided, address);
                    for (var painted = 1; painted <= space.Classes; painted++)
                    {
                        var may = decided | wants[painted];
                        // Top of range at this address, four bytes at it, and every power of two that its register can say.
                        Try(register < address ? ((1UL << address) - 1) & ~((1UL << register) - 1) : 0, address);
                        Try(1UL << address, address);
                        var ones = 0;
                        while ((address >> ones & 1) != 0)
                            ones++;
                        var size = 2 << ones;
                        var start = address >> ones << ones;
                        if (start + size <= space.Granules)
                            Try(((1UL << size) - 1) << start, address);

                        void Try(ulong cover, int value)
                        {
                            if ((cover & ~may) == 0)
                                Visit(decided | cover, value);
                        }
                    }
                }
            }
            level = next;

            void Visit(ulong decided, int register)
            {
                if (seen.Add((decided, register)))
                    next.Add((decided, register));
            }
        }
        return null;
    }
}
