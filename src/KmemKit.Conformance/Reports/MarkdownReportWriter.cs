using System.Globalization;
using System.Linq;
using System.Text;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Reports;

/// <summary>A report as Markdown.</summary>
public static class MarkdownReportWriter
{
    /// <summary>The page.</summary>
    public static string Write(ConformanceReport report)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Conformance of {report.Subject}\n\n{report.Description}\n\n{OutcomeText.Summary(report)}. Seed {report.Seed}, budget {report.Budget}, {Durations.Text(report.Elapsed)}.\n");
        foreach (var category in report.Results.GroupBy(r => r.Category))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {category.Key}\n\n| rule | outcome | facts | time | what it says |\n|---|---|--:|--:|---|\n");
            foreach (var result in category)
                text.Append(CultureInfo.InvariantCulture, $"| `{result.Rule}` | {OutcomeText.Of(result.Outcome)} | {OutcomeText.Number(result.Proof.Checked)} | {Durations.Text(result.Elapsed)} | {Cell(result.Says + Why(result))} |\n");
        }
        var failed = report.Results.Where(r => r.Outcome == RuleOutcome.Failed).ToList();
        if (failed.Count > 0)
        {
            text.Append("\n## Findings\n\n");
            foreach (var result in failed)
                text.Append("```\n").Append(result).Append("\n```\n");
        }
        return text.ToString();
    }

    /// <summary>Why a rule did not prove all that it could.</summary>
    internal static string Why(RuleResult result)
    {
        var reason = result.Reason;
        if (result.Proof.LeftOut.Count > 0)
            reason = (reason.Length > 0 ? reason + " " : "") + "Left out: " + string.Join("; ", result.Proof.LeftOut) + ".";
        return reason.Length == 0 ? "" : " — " + reason;
    }

    private static string Cell(string text) => text.Replace("|", "\\|", System.StringComparison.Ordinal).Replace("\n", " ", System.StringComparison.Ordinal);
}
