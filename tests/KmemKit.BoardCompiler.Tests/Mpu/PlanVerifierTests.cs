using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Mpu;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>
/// KMK4199 says that the planner is wrong, so no board can show it. What can be shown is that a wrong plan does not get past the verifier, and that a policy which
/// the checks in front of the planner refuse gives that finding, and neither a plan nor an exception.
/// </summary>
internal sealed class PlanVerifierTests
{
    [Test]
    public void A_plan_with_one_region_changed_is_found_with_its_address()
    {
        var (tried, found) = (0, 0);
        foreach (var format in RandomPolicy.Formats)
        {
            for (var seed = 1; seed <= 12; seed++)
            {
                var policy = RandomPolicy.Make(format, new Random(seed), 3, 1);
                // Of a plan that is not proved to be the least a region may be one too many.
                if (MpuPlanner.Plan(policy, RandomPolicy.Unit(format)).Plan is not { } plan || plan.LowerBound != plan.Used)
                    continue;
                Assert.That(PlanVerifier.FirstWrong(plan, policy), Is.Null);
                foreach (var region in plan.Static.Where(r => !r.Region.Range.IsEmpty))
                {
                    var without = plan with { Static = plan.Static.Remove(region) };
                    // A chain of PMP ranges that lost its first link cannot even be written.
                    if (format.Shape == MpuShape.PriorityChain && plan.Static.Any(r => r.Region.Mode == PmpMode.Tor))
                        continue;
                    tried++;
                    var wrong = PlanVerifier.FirstWrong(without, policy);
                    if (wrong is null)
                        TestContext.Out.WriteLine($"{format.Name} seed {seed}: {region}");
                    else
                    {
                        found++;
                        Assert.That(wrong, Does.Match("0x[0-9a-f]+, (User|Privileged): \".*\" \\w+ is granted, \".*\" \\w+ is the policy"));
                    }
                }
            }
        }
        TestContext.Out.WriteLine($"{found} of {tried} plans without a region are wrong");
        // Every region of a least plan is needed.
        Assert.That(tried, Is.GreaterThan(100));
        Assert.That(found, Is.EqualTo(tried));
    }

    [TestCase("pmsav7-m", "r", "rw")]
    [TestCase("pmsav8-m", "rw", "r")]
    [TestCase("arm946e-s", "r", "rw")]
    [TestCase("pmp-rv32", "r", "rw")]
    public void Rights_that_the_checks_would_have_refused_are_told_and_not_planned(string format, string privileged, string user)
    {
        var result = MpuPlanner.Plan(RandomPolicy.Of(("a", 0x1000, 0x1000, privileged, user)), RandomPolicy.Unit(MpuFormats.Find(format)!));
        Assert.That(result.Plan, Is.Null);
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK4199" }));
    }
}
