using System;
using System.Diagnostics;

namespace KmemKit.Conformance.Rules;

/// <summary>A rule that has to hold: a name, a sentence, and a way to find where it does not. It knows no test framework.</summary>
/// <typeparam name="TContext">What it looks at.</typeparam>
/// <param name="id">Its name, for filters, skips and reports: words with hyphens between them.</param>
/// <param name="category">What kind of rule it is; the NUnit category.</param>
/// <param name="says">The rule as a sentence.</param>
/// <param name="check">Looks, and says what it found.</param>
public sealed class Rule<TContext>(string id, string category, string says, Action<TContext, Proof> check)
{
    /// <summary>Its name.</summary>
    public string Id { get; } = id;

    /// <summary>What kind of rule it is.</summary>
    public string Category { get; } = category;

    /// <summary>The rule as a sentence.</summary>
    public string Says { get; } = says;

    /// <summary>Looks for places where the rule does not hold. What the subject throws is a finding.</summary>
    /// <param name="context">What is looked at.</param>
    /// <param name="subject">Its name.</param>
    /// <param name="options">Seed, budget, what is skipped.</param>
    public RuleResult Run(TContext context, string subject, RuleOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var proof = new Proof(subject, Id, options.Seed, options.Budget);
        if (options.ReasonToSkip(Id) is { } reason)
            return new RuleResult(Id, Category, Says, proof, TimeSpan.Zero, reason);
        var start = Stopwatch.GetTimestamp();
        try
        {
            check(context, proof);
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            proof.Fail(null, "an answer", $"{exception.GetType().Name}: {exception.Message}{FirstFrame(exception)}");
        }
        return new RuleResult(Id, Category, Says, proof, Stopwatch.GetElapsedTime(start), null);
    }

    /// <summary>Looks on behalf of another rule, into its proof: a board's rule that holds for several parts of it.</summary>
    internal void Check(TContext context, Proof proof) => check(context, proof);

    /// <inheritdoc/>
    public override string ToString() => Id;

    private static string FirstFrame(Exception exception)
    {
        var trace = exception.StackTrace ?? "";
        var end = trace.IndexOf('\n', StringComparison.Ordinal);
        return trace.Length == 0 ? "" : " " + (end < 0 ? trace : trace[..end]).Trim();
    }
}
