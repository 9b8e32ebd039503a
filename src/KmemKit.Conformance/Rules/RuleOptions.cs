using System;
using System.Collections.Generic;
using System.Linq;

namespace KmemKit.Conformance.Rules;

/// <summary>A rule that a subject's owner leaves out, and why: it stays in the report.</summary>
/// <param name="Rule">Id of the rule.</param>
/// <param name="Reason">A sentence.</param>
public sealed record SkippedRule(string Rule, string Reason);

/// <summary>What a run of rules may choose.</summary>
public sealed record RuleOptions
{
    /// <summary>Seed of everything random.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How much it may look at.</summary>
    public ConformanceBudget Budget { get; init; } = ConformanceBudget.Full;

    /// <summary>Rules that are left out.</summary>
    public IReadOnlyList<SkippedRule> Skipped { get; init; } = [];

    /// <summary>Why a rule is left out; null where it is not.</summary>
    public string? ReasonToSkip(string rule) => Skipped.FirstOrDefault(s => string.Equals(s.Rule, rule, StringComparison.Ordinal))?.Reason;

    /// <summary>Refuses a skip of a rule that is not there: it would skip nothing, silently.</summary>
    /// <exception cref="ArgumentException">There is no such rule.</exception>
    public void CheckSkips(IEnumerable<string> known)
    {
        var ids = known.ToHashSet(StringComparer.Ordinal);
        foreach (var skip in Skipped)
        {
            if (!ids.Contains(skip.Rule))
                throw new ArgumentException($"There is no rule {skip.Rule} to skip; the rules are {string.Join(", ", ids.Order(StringComparer.Ordinal))}.");
            if (string.IsNullOrWhiteSpace(skip.Reason))
                throw new ArgumentException($"The skip of {skip.Rule} gives no reason.");
        }
    }
}
