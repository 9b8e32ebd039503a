using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture.Boards;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance;

/// <summary>The whole proof of a board: map, translation, page tables, protection, allocators, artifacts, boot log, determinism. A sealed class derived from it is a
/// fixture that NUnit finds and runs, one test a rule:
/// <code>sealed class Msm8974Conformance : BoardConformance&lt;Msm8974&gt;;</code></summary>
/// <remarks>
/// Each rule is a test of its own, in the category of its kind (<c>--filter TestCategory=Translation</c>); failures say board, rule, address, line of the
/// <c>.dts</c>, expected and found. Behind the last one a report is written (<see cref="ReportFolder"/>), attached to the result.
/// </remarks>
/// <typeparam name="TBoard">The board's generated type.</typeparam>
[TestFixture]
public abstract class BoardConformance<TBoard> : RuleFixture, IDisposable where TBoard : struct, IBoard<TBoard>
{
    private readonly List<RuleResult> _results = [];
    private BoardSubject? _board;

    /// <summary>A file with the boot log that is expected, to be written with <c>UPDATE_BASELINES=1</c>; null keeps none.</summary>
    protected virtual string? BootLogBaseline => null;

    /// <summary>Where reports go; null writes none. By default <c>conformance</c> in the folder of the test run.</summary>
    protected virtual string? ReportFolder => Path.Combine(TestContext.CurrentContext.WorkDirectory, "conformance");

    /// <summary>One of <see cref="BoardRules"/>.</summary>
    /// <param name="rule">Its id.</param>
    [TestCaseSource(typeof(BoardCases), nameof(BoardCases.All))]
    public void Holds(string rule)
    {
        _board ??= MakeSubject();
        var result = BoardRules.All.First(r => r.Id == rule).Run(_board, _board.Name, Options(BoardRules.All.Select(r => r.Id)));
        _results.Add(result);
        Report(result);
    }

    /// <summary>Writes the report.</summary>
    [OneTimeTearDown]
    public void WriteReport()
    {
        if (_board is null || _results.Count == 0 || ReportFolder is not { } folder)
            return;
        var report = BoardReports.Of(_board, Options(BoardRules.All.Select(r => r.Id)), [.. _results]);
        foreach (var file in Reports.ReportFolder.Write(folder, report))
            TestContext.AddTestAttachment(file, "What was proved about " + _board.Name);
    }

    /// <summary>Gives back what the rules have booted; NUnit calls it behind the last test.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives back what the rules have booted.</summary>
    protected virtual void Dispose(bool disposing)
    {
        if (disposing)
            _board?.Dispose();
        _board = null;
    }

    private BoardSubject MakeSubject()
    {
        var board = BoardSubject.Of(BoardSources.InputOf(TBoard.Definition, GetType().Assembly)) with { Type = TypedBoard.Of<TBoard>(), BootLogBaseline = BootLogBaseline };
        board.Prepare(Budget);
        return board;
    }
}

/// <summary>NUnit's cases of <see cref="BoardRules"/>.</summary>
internal static class BoardCases
{
    public static IEnumerable<TestCaseData> All => RuleFixture.CasesOf(BoardRules.All);
}
