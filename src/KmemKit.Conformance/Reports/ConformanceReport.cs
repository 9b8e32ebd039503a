using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Reports;

/// <summary>What a run of rules proved about a subject: what writers print.</summary>
/// <param name="Subject">The board, or the allocator.</param>
/// <param name="Description">What it is, in a few words: the model, the layout rules.</param>
/// <param name="Seed">Seed of everything random.</param>
/// <param name="Budget">How much was looked at.</param>
/// <param name="Results">Rule by rule, in the order in which they ran.</param>
/// <param name="Drawing">The memory map as SVG; empty where there is none.</param>
public sealed record ConformanceReport(string Subject, string Description, int Seed, string Budget, ImmutableArray<RuleResult> Results, string Drawing = "")
{
    /// <summary>Facts that were looked at.</summary>
    public long Facts => Results.Sum(r => r.Proof.Checked);

    /// <summary>Facts that do not hold.</summary>
    public long Failures => Results.Sum(r => r.Proof.Failures);

    /// <summary>Time of all rules.</summary>
    public TimeSpan Elapsed => Results.Aggregate(TimeSpan.Zero, static (sum, r) => sum + r.Elapsed);

    /// <summary>Rules that ended so.</summary>
    public int Count(RuleOutcome outcome) => Results.Count(r => r.Outcome == outcome);

    /// <summary>The name of its files, without folder and extension: letters, digits, <c>-</c> and <c>_</c> of the subject's name.</summary>
    public string FileName => string.Concat(Subject.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '-'));
}
