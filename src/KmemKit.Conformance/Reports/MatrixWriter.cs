using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace KmemKit.Conformance.Reports;

/// <summary>A line of the matrix: a board, and how its rules ended by category.</summary>
/// <param name="Subject">The board.</param>
/// <param name="File">Its page, without extension.</param>
/// <param name="Facts">Facts that were looked at.</param>
/// <param name="Milliseconds">Time of all rules.</param>
/// <param name="Outcomes">For each category how many rules ended how.</param>
public sealed record MatrixRow(string Subject, string File, long Facts, double Milliseconds, ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, int>> Outcomes)
{
    /// <summary>Reads the line out of a report's JSON.</summary>
    /// <exception cref="JsonException">It is no report.</exception>
    public static MatrixRow Read(string json, string file)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var outcomes = root.GetProperty("rules").EnumerateArray().Select(r => (Category: r.GetProperty("category").GetString()!, Outcome: r.GetProperty("outcome").GetString()!))
            .GroupBy(r => r.Category).ToImmutableSortedDictionary(
                g => g.Key, g => g.GroupBy(r => r.Outcome).ToImmutableSortedDictionary(o => o.Key, o => o.Count(), StringComparer.Ordinal), StringComparer.Ordinal);
        return new MatrixRow(root.GetProperty("subject").GetString()!, file, root.GetProperty("facts").GetInt64(), root.GetProperty("milliseconds").GetDouble(), outcomes);
    }
}

/// <summary>The matrix over all boards, in the forms of a report.</summary>
public static class MatrixWriter
{
    private static readonly string[] s_leftOut = ["skipped", "not run"];

    /// <summary>As Markdown.</summary>
    public static string Markdown(IReadOnlyList<MatrixRow> rows)
    {
        var categories = Categories(rows);
        var text = new StringBuilder("# Conformance of all boards\n\n");
        text.Append("| board | ").AppendJoin(" | ", categories).Append(" | facts | time |\n|---|").Append(string.Concat(categories.Select(_ => "---|"))).Append("--:|--:|\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| [{row.Subject}]({row.File}.md) | ").AppendJoin(" | ", categories.Select(c => Cell(row, c)))
                .Append(CultureInfo.InvariantCulture, $" | {OutcomeText.Number(row.Facts)} | {row.Milliseconds:F0} ms |\n");
        }
        return text.ToString();
    }

    /// <summary>As HTML.</summary>
    public static string Html(IReadOnlyList<MatrixRow> rows)
    {
        var categories = Categories(rows);
        var text = new StringBuilder();
        HtmlReportWriter.Head(text, "Conformance of all boards");
        text.Append("<h1>Conformance of all boards</h1>\n<p class=\"soft\">Rules that are proved (✓), failed (✗), or have nothing to prove on the board (–); a board's name leads to all it says.</p>\n<div class=\"wide\"><table>\n<tr><th>board</th>").Append(string.Concat(categories.Select(c => $"<th>{HtmlReportWriter.Escape(c)}</th>")))
            .Append("<th class=\"number\">facts</th><th class=\"number\">time</th></tr>\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"outcome\"><a href=\"{Uri.EscapeDataString(row.File)}.html\">{HtmlReportWriter.Escape(row.Subject)}</a></td>");
            foreach (var category in categories)
                text.Append(CultureInfo.InvariantCulture, $"<td class=\"outcome {ClassOf(row, category)}\" title=\"{Cell(row, category)}\">{Short(row, category)}</td>");
            text.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{OutcomeText.Number(row.Facts)}</td><td class=\"number\">{row.Milliseconds:F0} ms</td></tr>\n");
        }
        return text.Append("</table></div>\n</body>\n</html>\n").ToString();
    }

    /// <summary>As JSON.</summary>
    public static string Json(IReadOnlyList<MatrixRow> rows)
    {
        var text = new StringBuilder("[\n");
        for (var i = 0; i < rows.Count; i++)
        {
            var outcomes = string.Join(",", rows[i].Outcomes.Select(c => $"{JsonSerializerText(c.Key)}:{{{string.Join(",", c.Value.Select(o => $"{JsonSerializerText(o.Key)}:{o.Value.ToString(CultureInfo.InvariantCulture)}"))}}}"));
            text.Append(CultureInfo.InvariantCulture, $"{{\"subject\":{JsonSerializerText(rows[i].Subject)},\"facts\":{rows[i].Facts},\"milliseconds\":{rows[i].Milliseconds:F1},\"outcomes\":{{{outcomes}}}}}{(i + 1 < rows.Count ? "," : "")}\n");
        }
        return text.Append("]\n").ToString();
    }

    private static string JsonSerializerText(string text) => $"\"{JsonEncodedText.Encode(text)}\"";

    private static List<string> Categories(IReadOnlyList<MatrixRow> rows) => [.. rows.SelectMany(r => r.Outcomes.Keys).Distinct().Order(StringComparer.Ordinal)];

    private static string Cell(MatrixRow row, string category) => row.Outcomes.TryGetValue(category, out var outcomes)
        ? string.Join(", ", outcomes.OrderBy(o => o.Key == "failed" ? 0 : o.Key == "proved" ? 1 : 2).Select(o => string.Create(CultureInfo.InvariantCulture, $"{o.Value} {o.Key}"))) : "";

    private static string Short(MatrixRow row, string category)
    {
        if (!row.Outcomes.TryGetValue(category, out var outcomes))
            return "";
        int Of(string outcome) => outcomes.GetValueOrDefault(outcome);
        var parts = new List<string>();
        if (Of("failed") > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"✗ {Of("failed")}"));
        if (Of("proved") > 0)
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"✓ {Of("proved")}"));
        foreach (var other in s_leftOut.Where(o => Of(o) > 0))
            parts.Add(string.Create(CultureInfo.InvariantCulture, $"{Of(other)} {other}"));
        return parts.Count == 0 ? "–" : string.Join(", ", parts);
    }

    private static string ClassOf(MatrixRow row, string category) => !row.Outcomes.TryGetValue(category, out var outcomes) ? "none"
        : outcomes.ContainsKey("failed") ? "failed" : outcomes.ContainsKey("proved") ? "proved" : "none";
}
