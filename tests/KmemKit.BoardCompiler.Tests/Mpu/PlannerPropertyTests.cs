using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using KmemKit.BoardCompiler.Protection;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>
/// Random policies of every format: the registers of the plan, decoded, grant what the policy grants. KMEMKIT_FUZZ_ITERATIONS makes it longer (100000 is
/// the long run), KMEMKIT_FUZZ_SEED replays one.
/// </summary>
public class PlannerPropertyTests
{
    private const int DefaultIterations = 40;

    private static IEnumerable<MpuFormat> Formats => RandomPolicy.Formats;

    [TestCaseSource(nameof(Formats))]
    public void A_plan_grants_exactly_the_policy(MpuFormat format)
    {
        var iterations = Setting.Number("KMEMKIT_FUZZ_ITERATIONS") ?? (format.Shape == MpuShape.PriorityChain ? DefaultIterations / 4 : DefaultIterations);
        var first = Setting.Number("KMEMKIT_FUZZ_SEED") ?? 1;
        var (planned, proved) = (0, 0);
        for (var seed = first; seed < first + iterations; seed++)
        {
            var random = new Random(seed);
            var policy = RandomPolicy.Make(format, random, random.Next(1, 6), random.Next(0, 4));
            var result = MpuPlanner.Plan(policy, RandomPolicy.Unit(format));
            Assert.That(result.Diagnostics.Select(d => d.Id), Has.None.EqualTo("KMK4199"), $"KMEMKIT_FUZZ_SEED={seed} {string.Join("\n", result.Diagnostics)}");
            if (result.Plan is not { } plan)
                continue;
            planned++;
            proved += plan.LowerBound == plan.Used ? 1 : 0;
            foreach (var domain in plan.Domains)
            {
                var table = format.Decode(plan.RegistersOf(domain.Name));
                foreach (var address in Addresses(policy, plan, random))
                {
                    foreach (var privilege in Enum.GetValues<Privilege>())
                    {
                        var want = policy.RightsAt(address, privilege, domain.Name, format);
                        if (format.NeverExecuted.Contains(new PhysAddr(address)))
                            want &= ~AccessRights.Execute;
                        Assert.That(table.Decide(address, privilege).Rights, Is.EqualTo(want), $"KMEMKIT_FUZZ_SEED={seed} {domain.Name} {address:x} {privilege}");
                    }
                }
            }
        }
        TestContext.Out.WriteLine($"{planned} of {iterations} fit, {proved} proved least");
        if (iterations >= DefaultIterations)
            Assert.That(planned, Is.GreaterThan(iterations / 4));
    }

    private static SortedSet<ulong> Addresses(ProtectionPolicy policy, MpuPlan plan, Random random)
    {
        var edges = policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Select(e => e.Range)
            .Concat(plan.Static.Concat(plan.Domains.SelectMany(d => d.Regions)).Select(r => r.Region.Range)).SelectMany(r => new[] { r.Start.Value, r.End.Value });
        var end = plan.Mpu.Format.AddressSpace.End.Value;
        var addresses = new SortedSet<ulong>(edges.SelectMany(e => new[] { e - Math.Min(e, 1), e, e + 1, e + plan.Mpu.Format.Granule }).Where(a => a < end));
        for (var i = 0; i < 20; i++)
            addresses.Add((ulong)random.NextInt64((long)Math.Min(end, 0x8000_0000)));
        return addresses;
    }
}
