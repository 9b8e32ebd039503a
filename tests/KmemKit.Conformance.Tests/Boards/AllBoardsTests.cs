using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>Every board of the repository holds, compiled in memory.</summary>
internal sealed class AllBoardsTests
{
    private static IEnumerable<string> Names => RepositoryBoards.Names.Append(SmmuMutations.SmmuV2);

    [TestCaseSource(nameof(Names))]
    public void A_board_of_the_repository_holds(string name)
    {
        // The long run of all boards is behind a switch.
        var isFull = Environment.GetEnvironmentVariable("KMEMKIT_CONFORMANCE_BUDGET") == "full";
        var options = new RuleOptions { Budget = isFull ? ConformanceBudget.Full : ConformanceBudget.Quick };
        using var board = RepositorySubjects.Of(name);
        var results = BoardRules.Run(board, options);
        foreach (var result in results)
            TestContext.Out.WriteLine($"{result.Elapsed.TotalMilliseconds,8:F1} ms  {result}");
        TestContext.Out.WriteLine($"{name}, {options.Budget.Name}: {results.Sum(r => r.Elapsed.TotalMilliseconds):F0} ms, {results.Sum(r => r.Proof.Checked)} facts");
        if (Environment.GetEnvironmentVariable("KMEMKIT_CONFORMANCE_REPORTS") is { Length: > 0 } folder)
            ReportFolder.Write(folder, BoardReports.Of(board, options, results));
        Assert.That(results.Where(r => r.Outcome is RuleOutcome.Failed).Select(r => r.ToString()), Is.Empty);
        Assert.That(results.Count(r => r.Outcome == RuleOutcome.Proved), Is.GreaterThan(results.Length / 2));
    }
}
