using System;
using System.Collections.Immutable;
using System.Linq;
using System.Text.Json;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Reports;

/// <summary>The matrix over boards says why a cell is empty: once for each reason, whatever the number of boards.</summary>
internal sealed class MatrixTests
{
    private const string NoMmu = "The board has no MMU.", NoSmmu = "The board has no SMMU that is \"planned\" & <kept>.";

    [Test]
    public void An_empty_cell_has_a_note_that_says_why()
    {
        MatrixRow[] rows = [Row("riscv", ("Map", null), ("PageTables", NoMmu), ("Smmu", NoSmmu), ("Smmu", NoSmmu)), Row("cortex-m", ("Map", null), ("PageTables", NoMmu), ("Smmu", null))];
        Assert.That(MatrixWriter.Markdown(rows), Does.Contain("| [riscv](riscv.md) | 1 proved | 1 nothing to prove (1) | 2 nothing to prove (2) | 2 | 1.24 s |\n")
            .And.Contain("| [cortex-m](cortex-m.md) | 1 proved | 1 nothing to prove (1) | 1 proved | 4 | 1.24 s |\n").And.Contain($"\n1. {NoMmu}\n2. {NoSmmu}\n"));
        var html = MatrixWriter.Html(rows);
        Assert.That(html, Does.Contain(">–<sup>1</sup></td>").And.Contain(">–<sup>2</sup></td>").And.Contain("<li>The board has no SMMU that is &quot;planned&quot; &amp; &lt;kept&gt;.</li>"));
        using var json = JsonDocument.Parse(MatrixWriter.Json(rows));
        Assert.That(json.RootElement[0].GetProperty("empty").GetProperty("PageTables").GetString(), Is.EqualTo(NoMmu));
        Assert.That(json.RootElement[1].GetProperty("outcomes").GetProperty("Smmu").GetProperty("proved").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public void A_cell_with_something_proved_needs_no_note()
    {
        var row = Row("half", ("Smmu", NoSmmu), ("Smmu", null));
        Assert.That(row.Empty, Is.Empty);
        Assert.That(MatrixWriter.Markdown([row]), Does.Not.Contain("Why there is nothing"));
    }

    private static MatrixRow Row(string board, params (string Category, string? Reason)[] rules)
    {
        var results = rules.Select(r => new Rule<object>("a-rule", r.Category, "A sentence.", (_, proof) =>
        {
            if (r.Reason is { } why)
                proof.HasNothing(why);
            else
                proof.Count(2);
        }).Run(new object(), board, new RuleOptions()) with { Elapsed = TimeSpan.FromMilliseconds(1240.0 / rules.Length) });
        return MatrixRow.Read(JsonReportWriter.Write(new ConformanceReport(board, "", 1, "quick", [.. results])), board);
    }
}
