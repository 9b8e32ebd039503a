using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Conformance.Allocators;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>The suite as a team has it: a fixture of one line, over a model and over a C allocator.</summary>
internal sealed class RightBuddyConformance : AllocatorConformance<RightBuddy>;

internal sealed class MallocConformance : AllocatorConformance<MallocSubject>
{
    protected override ConformanceBudget Budget => ConformanceBudget.Quick;
}

/// <summary>Every faulty allocator is caught, by the rule that is about its fault; no other promise is needed for it.</summary>
internal sealed class AllocatorSuiteTests
{
    [TestCase(BuddyFault.FrameReissued, "allocator-disjoint")]
    [TestCase(BuddyFault.OneTooManyAtTheEnd, "allocator-inside")]
    [TestCase(BuddyFault.OneTooFewAtTheEnd, "allocator-counts")]
    [TestCase(BuddyFault.LostOnSplit, "allocator-all-back")]
    [TestCase(BuddyFault.WrongBuddy, "allocator-disjoint", "allocator-aligned")]
    [TestCase(BuddyFault.NoLock, "allocator-threads")]
    [TestCase(BuddyFault.Misaligned, "allocator-aligned")]
    [TestCase(BuddyFault.FreesANeighbour, "allocator-disjoint")]
    [TestCase(BuddyFault.ForgetsToZero, "allocator-zeroes")]
    [TestCase(BuddyFault.NeverMerges, "allocator-merges")]
    [TestCase(BuddyFault.CountsWrong, "allocator-counts")]
    [TestCase(BuddyFault.WritesBehind, "allocator-keeps-contents")]
    [TestCase(BuddyFault.DoubleFree, "allocator-refuses-bad-frees")]
    [TestCase(BuddyFault.AnswersWhenEmpty, "allocator-exhausts")]
    [TestCase(BuddyFault.AnswersTooLarge, "allocator-refuses-too-large")]
    [TestCase(BuddyFault.DoesNotRecover, "allocator-exhausts")]
    [TestCase(BuddyFault.Random, "allocator-deterministic")]
    public void A_faulty_allocator_is_caught(BuddyFault fault, params string[] rules)
    {
        var failed = Failing(() => new ModelBuddy(fault), seed: 1);
        Assert.That(failed.Select(r => r.Rule).Intersect(rules), Is.EquivalentTo(rules), string.Join("\n", failed.Select(r => r.ToString())));
    }

    [Test]
    public void Each_fault_has_its_case()
    {
        var method = GetType().GetMethod(nameof(A_faulty_allocator_is_caught))!;
        var tried = method.GetCustomAttributes(typeof(TestCaseAttribute), false).Cast<TestCaseAttribute>().Select(c => (BuddyFault)c.Arguments[0]!);
        Assert.That(tried.Append(BuddyFault.None), Is.EquivalentTo(Enum.GetValues<BuddyFault>()));
    }

    [Test]
    public void The_right_one_holds_with_other_seeds([Range(2, 5)] int seed) =>
        Assert.That(Failing(() => new ModelBuddy(BuddyFault.None), seed).Select(r => r.ToString()), Is.Empty);

    [Test]
    public void A_finding_says_subject_rule_address_expected_and_found()
    {
        var result = Failing(() => new ModelBuddy(BuddyFault.OneTooManyAtTheEnd), 1).First(r => r.Rule == "allocator-inside");
        Assert.That(result.ToString(), Does.Contain("model: allocator-inside at 0x40400000: expected all of a block of 0x1000 bytes in [0x40000000, 0x403fffff], found [0x40400000, 0x40400fff]"));
        Assert.That(result.ToString(), Does.Contain("Seed 1, budget quick"));
    }

    [Test]
    public void The_same_seed_finds_the_same()
    {
        string Run() => string.Join("\n", Failing(() => new ModelBuddy(BuddyFault.FrameReissued), 3).Where(r => r.Rule != "allocator-threads").Select(r => r.ToString()));
        var first = Run();
        Assert.That(first, Is.Not.Empty);
        Assert.That(Run(), Is.EqualTo(first));
    }

    [Test]
    public void A_rule_that_is_not_promised_says_so()
    {
        var result = AllocatorRules.All.First(r => r.Id == "allocator-merges").Run(new AllocatorContext(() => new MallocSubject()), "malloc", new RuleOptions());
        Assert.That((result.Outcome, result.Reason), Is.EqualTo((RuleOutcome.NotApplicable, "The allocator does not promise that free memory joins again.")));
    }

    [Test]
    public void What_is_skipped_keeps_its_reason_and_what_is_unknown_cannot_be_skipped()
    {
        var options = new RuleOptions { Skipped = [new("allocator-merges", "our heap never joins")] };
        var result = AllocatorRules.All.First(r => r.Id == "allocator-merges").Run(new AllocatorContext(() => new ModelBuddy(BuddyFault.NeverMerges)), "model", options);
        Assert.That((result.Outcome, result.Reason), Is.EqualTo((RuleOutcome.Skipped, "our heap never joins")));
        Assert.That(() => new RuleOptions { Skipped = [new("allocator-merge", "typo")] }.CheckSkips(AllocatorRules.All.Select(r => r.Id)), Throws.ArgumentException.With.Message.Contains("allocator-merge "));
    }

    private static List<RuleResult> Failing(Func<IAllocatorSubject> create, int seed) =>
        [.. AllocatorRules.All.Select(r => r.Run(new AllocatorContext(create), "model", new RuleOptions { Seed = seed, Budget = ConformanceBudget.Quick }))
            .Where(r => r.Outcome == RuleOutcome.Failed)];
}
