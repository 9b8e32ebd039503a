using System;
using System.IO;
using System.Linq;
using Boards;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>The one line of a board's owner.</summary>
internal sealed class Msm8974Conformance : BoardConformance<Msm8974>
{
    protected override ConformanceBudget Budget => ConformanceBudget.Quick;

    protected override string BootLogBaseline => Path.Combine(Repository.Root, "tests/KmemKit.Conformance.Tests/Baselines/msm8974.boot.log");
}

internal sealed class DontMapHoleConformance : BoardConformance<Msm8974DontMapHole>
{
    protected override ConformanceBudget Budget => ConformanceBudget.Quick;
}

internal sealed class Mps2An386Conformance : BoardConformance<Mps2An386>;

internal sealed class VirtCortexA53Conformance : BoardConformance<VirtCortexA53>
{
    protected override ConformanceBudget Budget => ConformanceBudget.Quick;

    protected override int Seed => 7;
}

/// <summary>What a fixture of a board does beside its rules.</summary>
internal sealed class TypedBoardTests
{
    [Test]
    public void A_type_that_says_something_else_than_its_board_is_caught()
    {
        using var board = Subject();
        var right = board.Type!;
        var options = new RuleOptions { Budget = ConformanceBudget.Quick };
        Assert.That(Outcome(board, "type-is-the-board", options), Is.EqualTo(RuleOutcome.Proved));
        Assert.That(Outcome(board with { Type = right with { Banks = right.Banks.RemoveAt(0) } }, "type-is-the-board", options), Is.EqualTo(RuleOutcome.Failed));
        Assert.That(Outcome(board with { Type = right with { Unchecked = a => right.Unchecked(a) + (a >= 0x1000_0000 ? 4096UL : 0) } }, "type-unchecked-agrees", options), Is.EqualTo(RuleOutcome.Failed));
        Assert.That(Outcome(board with { Type = right with { TryPhysToVirt = a => a == 0x2_0000_0000 ? 1 : right.TryPhysToVirt(a) } }, "translation-outside", options), Is.EqualTo(RuleOutcome.Failed));
    }

    [Test]
    public void A_fixture_knows_the_lines_of_its_boards_source()
    {
        var known = BoardSources.InputOf(Msm8974.Definition, GetType().Assembly);
        Assert.That(known.Main.Path, Does.EndWith("msm8974.dts").And.Not.EndsWith(".kmem.dts"));
        // Elsewhere, and for a source that has changed since, the flattened source that the type carries is named.
        Assert.That(BoardSources.InputOf(Msm8974.Definition, typeof(BoardSources).Assembly).Main.Path, Is.EqualTo("msm8974.kmem.dts"));
        using var board = BoardSubject.Of(known);
        Assert.That(BoardSubject.PlaceOf(board.Layout.Banks[0].Span), Does.Match(@"^msm8974\.dtsi?:\d+$"));
    }

    [Test]
    public void A_report_says_what_was_proved_what_was_skipped_and_why_in_three_forms()
    {
        using var board = Subject();
        var options = new RuleOptions { Budget = ConformanceBudget.Quick, Seed = 3, Skipped = [new("artifact-svg", "no drawings here")] };
        var results = BoardRules.All.Where(r => r.Category is "Map" or "Artifacts").Select(r => r.Run(board, board.Name, options)).ToList();
        var folder = Directory.CreateTempSubdirectory("kmemkit-report-").FullName;
        try
        {
            var files = ReportFolder.Write(folder, BoardReports.Of(board, options, [.. results]));
            Assert.That(files.Select(Path.GetFileName), Is.EqualTo(new[] { "msm8974.md", "msm8974.html", "msm8974.json" }));
            var markdown = File.ReadAllText(files[0]);
            Assert.That(markdown, Does.Contain("| `artifact-svg` | skipped |").And.Contain("no drawings here").And.Contain("Seed 3, budget quick"));
            Assert.That(File.ReadAllText(files[1]), Does.Contain("<svg").And.Contain("no drawings here").And.Contain("prefers-color-scheme: dark"));
            var row = MatrixRow.Read(File.ReadAllText(files[2]), "msm8974");
            Assert.That(row.Outcomes["Artifacts"], Does.ContainKey("skipped").And.ContainKey("proved"));
            Assert.That(File.ReadAllText(Path.Combine(folder, "index.md")), Does.Contain("[msm8974](msm8974.md)"));
            Assert.That(File.ReadAllText(Path.Combine(folder, "index.html")), Does.Contain("href=\"msm8974.html\""));
            using var matrix = System.Text.Json.JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "index.json")));
            Assert.That(matrix.RootElement[0].GetProperty("facts").GetInt64(), Is.EqualTo(results.Sum(r => r.Proof.Checked)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void A_failure_in_a_report_has_its_findings()
    {
        using var right = Subject();
        using var board = BoardSubject.Of(right.Input) with { OtherLayout = right.Layout with { Banks = right.Layout.Banks.RemoveAt(0) } };
        var options = new RuleOptions { Budget = ConformanceBudget.Quick };
        var result = BoardRules.All.First(r => r.Id == "map-no-ram-lost").Run(board, board.Name, options);
        var report = new ConformanceReport(board.Name, "", 1, "quick", [result]);
        Assert.That(MarkdownReportWriter.Write(report), Does.Contain("| `map-no-ram-lost` | failed |").And.Contain("## Findings").And.Contain("msm8974: map-no-ram-lost at 0x"));
        Assert.That(JsonReportWriter.Write(report), Does.Contain("\"findings\": [").And.Contain("\"address\": \"0x"));
        Assert.That(HtmlReportWriter.Write(report), Does.Contain("class=\"failed\"").And.Contain("map-no-ram-lost at 0x"));
    }

    [Test]
    public void A_boot_log_is_kept_and_a_change_is_found_with_its_line()
    {
        var file = Path.GetTempFileName();
        var update = Environment.GetEnvironmentVariable("UPDATE_BASELINES");
        Environment.SetEnvironmentVariable("UPDATE_BASELINES", null);
        try
        {
            var rule = BoardRules.All.First(r => r.Id == "boot-log");
            using var board = Subject();
            using (var memory = KmemKit.Runtime.Boot.BootedMemory.Boot(board.Layout))
                File.WriteAllLines(file, memory.LogLines());
            Assert.That(rule.Run(board with { BootLogBaseline = file }, "b", new RuleOptions()).Outcome, Is.EqualTo(RuleOutcome.Proved));
            var lines = File.ReadAllLines(file);
            lines[2] += "x";
            File.WriteAllLines(file, lines);
            Assert.That(rule.Run(board with { BootLogBaseline = file }, "b", new RuleOptions()).ToString(), Does.Contain(":3): expected line 3: ").And.Contain("x, found"));
        }
        finally
        {
            Environment.SetEnvironmentVariable("UPDATE_BASELINES", update);
            File.Delete(file);
        }
    }

    private static RuleOutcome Outcome(BoardSubject board, string rule, RuleOptions options) => BoardRules.All.First(r => r.Id == rule).Run(board, board.Name, options).Outcome;

    private static BoardSubject Subject() => BoardSubject.Of(RepositoryBoards.Input("qcom/msm8974")) with { Type = TypedBoard.Of<Msm8974>() };
}
