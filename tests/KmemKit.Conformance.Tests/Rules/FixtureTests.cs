using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Tests.Boards;
using NUnit.Framework;
using NUnit.Framework.Api;
using NUnit.Framework.Interfaces;
using NUnit.Framework.Internal;

namespace KmemKit.Conformance.Tests.Rules;

/// <summary>What a fixture is to NUnit, seen by a runner: a test a rule in its category, and attachments that lead to the report. And its owner's choices.</summary>
internal sealed class FixtureTests
{
    private sealed class Choosy : RuleFixture
    {
        protected override int Seed => 12;

        protected override ConformanceBudget Budget => ConformanceBudget.Quick;

        protected override IEnumerable<SkippedRule> Skipped => [Skip("b", "no b here")];
    }

    private sealed class Wrong : RuleFixture
    {
        protected override IEnumerable<SkippedRule> Skipped => [Skip("c", "there is no c")];
    }

    [Test]
    public void A_board_is_a_test_for_each_rule_in_its_category_and_its_report_is_attached()
    {
        var result = Run($"<class>{typeof(DontMapHoleConformance).FullName}</class>");
        var suite = All(result).Single(r => r.Test is TestFixture);
        Assert.That(suite.ResultState.Status, Is.EqualTo(TestStatus.Passed), suite.Message);
        var cases = All(suite).Where(r => !r.HasChildren && !r.Test.IsSuite).ToList();
        Assert.That(cases.Select(c => (c.Name, (string)c.Test.Properties.Get("Category")!)), Is.EqualTo(BoardRules.All.Select(r => (r.Id, r.Category))));
        var attached = All(suite).SelectMany(r => r.TestAttachments).Select(a => a.FilePath).ToList();
        Assert.That(attached.Select(Path.GetFileName), Is.EqualTo(new[] { "msm8974-dont-map-hole.md", "msm8974-dont-map-hole.html", "msm8974-dont-map-hole.json" }));
        Assert.That(attached, Has.All.Exist);
        Assert.That(File.ReadAllText(attached[0]), Does.Contain("Seed 1, budget quick"));
    }

    [Test]
    public void Rules_are_chosen_by_category()
    {
        var result = Run($"<and><class>{typeof(DontMapHoleConformance).FullName}</class><cat>PageTables</cat></and>");
        var ran = All(result).Where(r => !r.HasChildren && !r.Test.IsSuite).Select(r => r.Name);
        Assert.That(ran, Is.EqualTo(BoardRules.All.Where(r => r.Category == "PageTables").Select(r => r.Id)).And.Not.Empty);
    }

    [Test]
    public void The_owners_choices_are_those_of_its_rules()
    {
        var options = new Choosy().Options(["a", "b"]);
        Assert.That((options.Seed, options.Budget, options.ReasonToSkip("a"), options.ReasonToSkip("b")), Is.EqualTo((12, ConformanceBudget.Quick, (string?)null, "no b here")));
        var looked = false;
        var result = new Rule<object>("b", "Any", "Says so.", (_, _) => looked = true).Run(new object(), "subject", options);
        Assert.That((result.Outcome, result.Reason, looked), Is.EqualTo((RuleOutcome.Skipped, "no b here", false)));
        // A skip of a rule that is not there would skip nothing, silently.
        Assert.That(() => new Wrong().Options(["a", "b"]), Throws.ArgumentException.With.Message.Contains("a, b"));
    }

    // By a runner of its own, on a thread that knows nothing of the one that runs this test.
    private static ITestResult Run(string filter)
    {
        ITestResult? result = null;
        Exception? failure = null;
        using (ExecutionContext.SuppressFlow())
        {
            var thread = new Thread(() =>
            {
                try
                {
                    var runner = new NUnitTestAssemblyRunner(new DefaultTestAssemblyBuilder());
                    runner.Load(Assembly.GetExecutingAssembly(), new Dictionary<string, object> { ["NumberOfTestWorkers"] = 0 });
                    result = runner.Run(TestListener.NULL, TestFilter.FromXml($"<filter>{filter}</filter>"));
                }
                catch (Exception exception) when (exception is InvalidOperationException or ArgumentException)
                {
                    failure = exception;
                }
            });
            thread.Start();
            thread.Join();
        }
        return result ?? throw new InvalidOperationException("The runner ended without a result.", failure);
    }

    private static IEnumerable<ITestResult> All(ITestResult result) => result.Children.SelectMany(All).Prepend(result);
}
