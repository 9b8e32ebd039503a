using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace KmemKit.Conformance.Rules;

/// <summary>How a rule ended.</summary>
public enum RuleOutcome
{
    /// <summary>It held wherever it was looked at.</summary>
    Proved,

    /// <summary>It does not hold somewhere.</summary>
    Failed,

    /// <summary>The subject has nothing that it is about.</summary>
    NotApplicable,

    /// <summary>The subject's owner left it out.</summary>
    Skipped,

    /// <summary>This host lacks what it needs.</summary>
    NotRun,
}

/// <summary>What came of a rule.</summary>
/// <param name="Rule">Id of the rule.</param>
/// <param name="Category">Its kind.</param>
/// <param name="Says">The rule as a sentence.</param>
/// <param name="Proof">What was looked at, and what was found.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="SkipReason">Why its owner left it out; null where it was not.</param>
public sealed record RuleResult(string Rule, string Category, string Says, Proof Proof, TimeSpan Elapsed, string? SkipReason)
{
    /// <summary>How it ended. A rule that looked at nothing and does not say why has failed.</summary>
    public RuleOutcome Outcome =>
        SkipReason is not null ? RuleOutcome.Skipped
        : Proof.Failures > 0 ? RuleOutcome.Failed
        : Proof.Impossible is not null ? RuleOutcome.NotRun
        : Proof.NothingToProve is not null ? RuleOutcome.NotApplicable
        : Proof.Checked == 0 ? RuleOutcome.Failed
        : RuleOutcome.Proved;

    /// <summary>Why it ended so, where it neither held nor failed; empty otherwise.</summary>
    public string Reason => SkipReason ?? Proof.Impossible ?? Proof.NothingToProve ?? "";

    /// <summary>The findings, a line each, or what was proved.</summary>
    public override string ToString()
    {
        if (Outcome != RuleOutcome.Failed)
            return string.Create(CultureInfo.InvariantCulture, $"{Proof.Subject}: {Rule}: {Outcome}, {Proof.Checked} facts, seed {Proof.Seed}{(Reason.Length > 0 ? ": " + Reason : "")}");
        IEnumerable<string> lines = Proof.Findings.Select(f => f.ToString());
        if (Proof.Checked == 0)
            lines = lines.Append($"{Proof.Subject}: {Rule}: expected something to look at, found nothing");
        if (Proof.Failures > Proof.Findings.Count)
            lines = lines.Append(string.Create(CultureInfo.InvariantCulture, $"and {Proof.Failures - Proof.Findings.Count} more"));
        return string.Join('\n', lines.Append(string.Create(CultureInfo.InvariantCulture, $"({Says} Seed {Proof.Seed}, budget {Proof.Budget.Name}, {Proof.Checked} facts.)")));
    }
}
