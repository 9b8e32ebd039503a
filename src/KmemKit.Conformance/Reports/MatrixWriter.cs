using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;

namespace KmemKit.Conformance.Reports;

/// <summary>The matrix over all boards, in the forms of a report.</summary>
public static class MatrixWriter
{
    private static readonly string[] s_leftOut = ["skipped", "not run"];

    /// <summary>As Markdown.</summary>
    public static string Markdown(IReadOnlyList<MatrixRow> rows)
    {
        var (categories, notes) = (Categories(rows), Notes(rows));
        var text = new StringBuilder("# Conformance of all boards\n\n");
        text.Append("| board | ").AppendJoin(" | ", categories).Append(" | facts | time |\n|---|").Append(string.Concat(categories.Select(_ => "---|"))).Append("--:|--:|\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"| [{row.Subject}]({row.File}.md) | ").AppendJoin(" | ", categories.Select(c => Cell(row, c) + (NoteOf(row, c, notes) is { } note ? $" ({note})" : "")))
                .Append(CultureInfo.InvariantCulture, $" | {OutcomeText.Number(row.Facts)} | {Durations.Text(row.Elapsed)} |\n");
        }
        if (notes.Count > 0)
            text.Append("\nWhy there is nothing to prove:\n\n");
        for (var i = 0; i < notes.Count; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i + 1}. {notes[i]}\n");
        return text.ToString();
    }

    /// <summary>As HTML.</summary>
    public static string Html(IReadOnlyList<MatrixRow> rows)
    {
        var (categories, notes) = (Categories(rows), Notes(rows));
        var text = new StringBuilder();
        HtmlReportWriter.Head(text, "Conformance of all boards");
        text.Append("<h1>Conformance of all boards</h1>\n<p class=\"soft\">Rules that are proved (✓), failed (✗), or have nothing to prove on the board (–, with a note that says why); a board's name leads to all it says.</p>\n<div class=\"wide matrix\"><table>\n<tr><th>board</th>")
            .Append(string.Concat(categories.Select(c => $"<th>{HtmlReportWriter.Escape(c)}</th>"))).Append("<th class=\"number\">facts</th><th class=\"number\">time</th></tr>\n");
        foreach (var row in rows)
        {
            text.Append(CultureInfo.InvariantCulture, $"<tr><td class=\"outcome\"><a href=\"{Uri.EscapeDataString(row.File)}.html\">{HtmlReportWriter.Escape(row.Subject)}</a></td>");
            foreach (var category in categories)
                text.Append(CultureInfo.InvariantCulture, $"<td class=\"outcome {ClassOf(row, category)}\" title=\"{HtmlReportWriter.Escape(Title(row, category))}\">{Short(row, category)}{(NoteOf(row, category, notes) is { } note ? $"<sup>{note}</sup>" : "")}</td>");
            text.Append(CultureInfo.InvariantCulture, $"<td class=\"number\">{OutcomeText.Number(row.Facts)}</td><td class=\"number\">{Durations.Text(row.Elapsed)}</td></tr>\n");
        }
        text.Append("</table></div>\n");
        if (notes.Count > 0)
            text.Append("<h2>Why there is nothing to prove</h2>\n<ol>\n").Append(string.Concat(notes.Select(n => $"<li>{HtmlReportWriter.Escape(n)}</li>\n"))).Append("</ol>\n");
        return text.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>As JSON.</summary>
    public static string Json(IReadOnlyList<MatrixRow> rows)
    {
        using var stream = new MemoryStream();
        using (var json = JsonReportWriter.WriterOn(stream))
        {
            json.WriteStartArray();
            foreach (var row in rows)
                WriteRow(json, row);
            json.WriteEndArray();
        }
        return Encoding.UTF8.GetString(stream.ToArray()) + "\n";
    }

    private static void WriteRow(Utf8JsonWriter json, MatrixRow row)
    {
        json.WriteStartObject();
        json.WriteString("subject", row.Subject);
        json.WriteNumber("facts", row.Facts);
        json.WriteNumber("milliseconds", Math.Round(row.Elapsed.TotalMilliseconds, 1));
        json.WriteStartObject("outcomes");
        foreach (var (category, outcomes) in row.Outcomes)
        {
            json.WriteStartObject(category);
            foreach (var (outcome, count) in outcomes)
                json.WriteNumber(outcome, count);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        json.WriteStartObject("empty");
        foreach (var (category, reason) in row.Empty)
            json.WriteString(category, reason);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private static List<string> Categories(IReadOnlyList<MatrixRow> rows) => [.. rows.SelectMany(r => r.Outcomes.Keys).Distinct().Order(StringComparer.Ordinal)];

    // Boards share most reasons: each is said once, and cells have its number.
    private static List<string> Notes(IReadOnlyList<MatrixRow> rows) => [.. rows.SelectMany(r => r.Empty.Values).Distinct()];

    private static string? NoteOf(MatrixRow row, string category, List<string> notes) =>
        row.Empty.TryGetValue(category, out var reason) ? (notes.IndexOf(reason) + 1).ToString(CultureInfo.InvariantCulture) : null;

    private static string Title(MatrixRow row, string category) => Cell(row, category) + (row.Empty.TryGetValue(category, out var reason) ? ": " + reason : "");

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
