using System.Globalization;
using System.Linq;
using System.Net;
using System.Text;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Reports;

/// <summary>A report as one HTML file that needs nothing else, light or dark as the reader has it.</summary>
public static class HtmlReportWriter
{
    /// <summary>The style sheet of all pages.</summary>
    internal const string Style =
        """
        :root { color-scheme: light dark; --back: #ffffff; --text: #1d2430; --soft: #5b6675; --line: #d9dee6; --panel: #f5f7fa; --good: #17703a; --bad: #b3261e; --none: #6b7480; --wait: #8a5a00; }
        @media (prefers-color-scheme: dark) { :root { --back: #14181f; --text: #e3e8ef; --soft: #9aa6b6; --line: #303846; --panel: #1c222c; --good: #6fd08c; --bad: #ff8a80; --none: #8e99a8; --wait: #f0b95c; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 1360px; padding: 32px 24px 64px; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
        h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 32px 0 8px; }
        p.soft, td.soft { color: var(--soft); } p { margin: 0 0 12px; }
        .wide { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; }
        th, td { text-align: left; padding: 6px 10px; border-bottom: 1px solid var(--line); vertical-align: top; }
        .matrix th, .matrix td { padding: 6px 7px; }
        th { color: var(--soft); font-weight: 600; font-size: 13px; }
        td.number, th.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
        code { font: 13px ui-monospace, monospace; white-space: nowrap; }
        pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: 12px; overflow-x: auto; font: 13px/1.45 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
        .proved { color: var(--good); } .failed { color: var(--bad); font-weight: 600; } .none { color: var(--none); } .wait { color: var(--wait); }
        .outcome { white-space: nowrap; }
        .map { background: var(--back); border: 1px solid var(--line); border-radius: 6px; padding: 12px; overflow-x: auto; }
        .map svg { display: block; margin: 0 auto; max-width: 100%; height: auto; }
        """;

    /// <summary>The page.</summary>
    public static string Write(ConformanceReport report)
    {
        var text = new StringBuilder();
        Head(text, $"Conformance of {report.Subject}");
        text.Append(CultureInfo.InvariantCulture, $"<h1>Conformance of {Escape(report.Subject)}</h1>\n<p class=\"soft\">{Escape(report.Description)}</p>\n");
        var isGood = report.Count(RuleOutcome.Failed) == 0;
        text.Append(CultureInfo.InvariantCulture, $"<p><span class=\"{(isGood ? "proved" : "failed")}\">{Escape(OutcomeText.Summary(report))}.</span> Seed {report.Seed}, budget {Escape(report.Budget)}, {Durations.Text(report.Elapsed)}.</p>\n");
        var failed = report.Results.Where(r => r.Outcome == RuleOutcome.Failed).ToList();
        if (failed.Count > 0)
        {
            text.Append("<h2>Findings</h2>\n");
            foreach (var result in failed)
                text.Append("<pre>").Append(Escape(result.ToString())).Append("</pre>\n");
        }
        foreach (var category in report.Results.GroupBy(r => r.Category))
        {
            text.Append(CultureInfo.InvariantCulture, $"<h2>{Escape(category.Key)}</h2>\n<div class=\"wide\"><table>\n<tr><th>rule</th><th>outcome</th><th class=\"number\">facts</th><th class=\"number\">time</th><th>what it says</th></tr>\n");
            foreach (var result in category)
            {
                text.Append(CultureInfo.InvariantCulture, $"<tr><td><code>{Escape(result.Rule)}</code></td><td class=\"outcome {ClassOf(result.Outcome)}\">{OutcomeText.Of(result.Outcome)}</td><td class=\"number\">{OutcomeText.Number(result.Proof.Checked)}</td><td class=\"number\">{Durations.Text(result.Elapsed)}</td><td class=\"soft\">{Escape(result.Says + MarkdownReportWriter.Why(result))}</td></tr>\n");
            }
            text.Append("</table></div>\n");
        }
        if (report.Drawing.Length > 0)
            text.Append("<h2>Memory map</h2>\n<div class=\"map\">\n").Append(WithoutProlog(report.Drawing)).Append("</div>\n");
        return text.Append("</body>\n</html>\n").ToString();
    }

    internal static void Head(StringBuilder text, string title) => text.Append(CultureInfo.InvariantCulture,
        $"<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>{Escape(title)}</title>\n<style>\n{Style}\n</style>\n</head>\n<body>\n");

    internal static string Escape(string text) => WebUtility.HtmlEncode(text);

    internal static string ClassOf(RuleOutcome outcome) => outcome switch
    {
        RuleOutcome.Proved => "proved",
        RuleOutcome.Failed => "failed",
        RuleOutcome.NotApplicable => "none",
        _ => "wait",
    };

    private static string WithoutProlog(string svg)
    {
        var start = svg.IndexOf("<svg", System.StringComparison.Ordinal);
        return start < 0 ? "" : svg[start..];
    }
}
