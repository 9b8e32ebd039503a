using System.Collections.Generic;
using System.Linq;
using NUnit.Framework;

namespace KmemKit.Conformance.Rules;

/// <summary>What all fixtures of this package share: the choices of their owner, and the way from a rule's result to NUnit's.</summary>
public abstract class RuleFixture
{
    /// <summary>Seed of everything random in this fixture; override it to draw others, and to repeat a failure that names its seed.</summary>
    protected virtual int Seed => 1;

    /// <summary>How much is looked at.</summary>
    protected virtual ConformanceBudget Budget => ConformanceBudget.Full;

    /// <summary>Rules that are left out: <c>protected override IEnumerable&lt;SkippedRule&gt; Skipped => [Skip("boot-log", "…")];</c></summary>
    protected virtual IEnumerable<SkippedRule> Skipped => [];

    /// <summary>A rule that is left out, and why; it shows in the report.</summary>
    /// <param name="id">Id of the rule.</param>
    /// <param name="reason">A sentence.</param>
    protected static SkippedRule Skip(string id, string reason) => new(id, reason);

    /// <summary>The choices together.</summary>
    internal RuleOptions Options(IEnumerable<string> rules)
    {
        var options = new RuleOptions { Seed = Seed, Budget = Budget, Skipped = [.. Skipped] };
        options.CheckSkips(rules);
        return options;
    }

    /// <summary>Runs a rule and says to NUnit what came of it.</summary>
    internal RuleResult Judge<TContext>(IReadOnlyList<Rule<TContext>> rules, string id, TContext context, string subject)
    {
        var result = rules.First(r => r.Id == id).Run(context, subject, Options(rules.Select(r => r.Id)));
        Report(result);
        return result;
    }

    /// <summary>A result as NUnit's.</summary>
    internal static void Report(RuleResult result)
    {
        if (result.Outcome is RuleOutcome.Skipped or RuleOutcome.NotRun)
            Assert.Ignore(result.Reason);
        TestContext.Out.WriteLine(result);
        Assert.That(result.Outcome, Is.Not.EqualTo(RuleOutcome.Failed), result.ToString());
    }

    /// <summary>A case per rule, named after it, in its category.</summary>
    internal static IEnumerable<TestCaseData> CasesOf<TContext>(IEnumerable<Rule<TContext>> rules)
    {
        foreach (var rule in rules)
            yield return new TestCaseData(rule.Id).SetName(rule.Id).SetCategory(rule.Category).SetDescription(rule.Says);
    }
}
