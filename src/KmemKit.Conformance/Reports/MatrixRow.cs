using System;
using System.Collections.Immutable;
using System.Linq;
using System.Text.Json;

namespace KmemKit.Conformance.Reports;

/// <summary>A line of the matrix: a board, and how its rules ended by category.</summary>
/// <param name="Subject">The board.</param>
/// <param name="File">Its page, without extension.</param>
/// <param name="Facts">Facts that were looked at.</param>
/// <param name="Elapsed">Time of all rules.</param>
/// <param name="Outcomes">For each category how many rules ended how.</param>
/// <param name="Empty">For each category in which nothing was proved and nothing failed why that is so.</param>
public sealed record MatrixRow(string Subject, string File, long Facts, TimeSpan Elapsed,
    ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, int>> Outcomes, ImmutableSortedDictionary<string, string> Empty)
{
    /// <summary>Reads the line out of a report's JSON.</summary>
    /// <exception cref="JsonException">It is no report.</exception>
    public static MatrixRow Read(string json, string file)
    {
        using var document = JsonDocument.Parse(json);
        var root = document.RootElement;
        var categories = root.GetProperty("rules").EnumerateArray()
            .Select(r => (Category: r.GetProperty("category").GetString()!, Outcome: r.GetProperty("outcome").GetString()!, Reason: r.TryGetProperty("reason", out var reason) ? reason.GetString()! : ""))
            .GroupBy(r => r.Category).ToList();
        var outcomes = categories.ToImmutableSortedDictionary(
            g => g.Key, g => g.GroupBy(r => r.Outcome).ToImmutableSortedDictionary(o => o.Key, o => o.Count(), StringComparer.Ordinal), StringComparer.Ordinal);
        // A part's name in front of a reason is the same in all of them: what is said twice is said once.
        var empty = categories.Where(g => g.All(r => r.Reason.Length > 0)).ToImmutableSortedDictionary(
            g => g.Key, g => string.Join(" ", g.Select(r => r.Reason).Distinct()), StringComparer.Ordinal);
        return new MatrixRow(root.GetProperty("subject").GetString()!, file, root.GetProperty("facts").GetInt64(),
            TimeSpan.FromMilliseconds(root.GetProperty("milliseconds").GetDouble()), outcomes, empty);
    }
}
