using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;

namespace KmemKit.Conformance.Rules;

/// <summary>Collects what a rule looks at: how much held, and where it did not.</summary>
/// <remarks>One thread at a time uses it.</remarks>
public sealed class Proof
{
    /// <summary>Findings that are kept in full; further ones are counted.</summary>
    public const int MostFindings = 20;

    private readonly List<Finding> _findings = [];
    private readonly List<string> _leftOut = [];

    /// <summary>For one rule and one subject.</summary>
    /// <param name="subject">What is tested.</param>
    /// <param name="rule">Id of the rule.</param>
    /// <param name="seed">Seed of everything random in it.</param>
    /// <param name="budget">How much it may look at.</param>
    public Proof(string subject, string rule, int seed, ConformanceBudget budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        (Subject, Rule, Seed, Budget) = (subject, rule, seed, budget);
    }

    /// <summary>What is tested.</summary>
    public string Subject { get; }

    /// <summary>Which part or form of the subject is looked at now, such as <c>C header</c>; findings say it. Empty for the subject itself.</summary>
    public string Part { get; set; } = "";

    /// <summary>Id of the rule.</summary>
    public string Rule { get; }

    /// <summary>Seed of everything random: the same one draws the same addresses and operations.</summary>
    public int Seed { get; }

    /// <summary>How much the rule may look at.</summary>
    public ConformanceBudget Budget { get; }

    /// <summary>Facts that were looked at, those that do not hold among them.</summary>
    public long Checked { get; private set; }

    /// <summary>Facts that do not hold.</summary>
    public long Failures { get; private set; }

    /// <summary>The first of them.</summary>
    public IReadOnlyList<Finding> Findings => _findings;

    /// <summary>Why there was nothing to look at; null where there was.</summary>
    public string? NothingToProve { get; private set; }

    /// <summary>Why it could not be looked at on this host, such as a compiler that is not installed; null where it could.</summary>
    public string? Impossible { get; private set; }

    /// <summary>Whether it is time to stop: more findings would not be kept.</summary>
    public bool IsFull => _findings.Count >= MostFindings;

    /// <summary>A source of random numbers, the same one at every run with the same seed.</summary>
    public Random NewRandom() => new(Seed);

    /// <summary>Counts facts that hold.</summary>
    public void Count(long facts = 1) => Checked += facts;

    /// <summary>Counts a fact that holds or does not. Interpolated strings are put into words only where it does not.</summary>
    /// <param name="holds">Whether it holds.</param>
    /// <param name="address">Where; null for nowhere.</param>
    /// <param name="expected">What the rule wants.</param>
    /// <param name="found">What is there.</param>
    /// <param name="place"><c>file:line</c> of the source behind it.</param>
    /// <returns><paramref name="holds"/>.</returns>
    public bool Expect(bool holds, ulong? address, [InterpolatedStringHandlerArgument(nameof(holds))] FactText expected,
        [InterpolatedStringHandlerArgument(nameof(holds))] FactText found, string place = "")
    {
        if (holds)
            Checked++;
        else
            Fail(address, expected.Take(), found.Take(), place);
        return holds;
    }

    /// <summary>Counts a fact that does not hold.</summary>
    public void Fail(ulong? address, string expected, string found, string place = "")
    {
        Checked++;
        Failures++;
        if (!IsFull)
            _findings.Add(new Finding(Part.Length == 0 ? Subject : $"{Subject} ({Part})", Rule, address, place, expected, found));
    }

    /// <summary>Adds what another proof of the same rule found.</summary>
    internal void Take(Proof other)
    {
        Checked += other.Checked;
        Failures += other.Failures;
        foreach (var finding in other.Findings)
        {
            if (!IsFull)
                _findings.Add(finding);
        }
    }

    /// <summary>Parts of the subject that could not be looked at on this host, and why; reports say it.</summary>
    public IReadOnlyList<string> LeftOut => _leftOut;

    /// <summary>Says that a part of the subject could not be looked at on this host.</summary>
    public void NotAll(string what) => _leftOut.Add(what);

    /// <summary>Says that the subject has nothing that the rule is about.</summary>
    public void HasNothing(string why) => NothingToProve = why;

    /// <summary>Says that this host lacks what the rule needs.</summary>
    public void CannotRun(string why) => Impossible = why;
}
