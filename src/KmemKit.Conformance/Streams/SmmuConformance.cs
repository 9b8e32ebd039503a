using System.Collections.Generic;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Streams;

/// <summary>What holds for an SMMU or IOMMU: derive a sealed class and say in <see cref="Map"/> what each master is given.</summary>
/// <typeparam name="TSmmu">The SMMU, programmed.</typeparam>
[TestFixture]
public abstract class SmmuConformance<TSmmu> : RuleFixture where TSmmu : IStreamSubject, new()
{
    /// <summary>What each master is given.</summary>
    protected abstract StreamMap Map { get; }

    /// <summary>One of <see cref="StreamRules"/>.</summary>
    /// <param name="rule">Its id.</param>
    [TestCaseSource(typeof(StreamCases), nameof(StreamCases.All))]
    public void Holds(string rule) => Judge(StreamRules.All, rule, new SmmuContext(new TSmmu(), Map), typeof(TSmmu).Name);
}

/// <summary>NUnit's cases of <see cref="StreamRules"/>.</summary>
internal static class StreamCases
{
    public static IEnumerable<TestCaseData> All => RuleFixture.CasesOf(StreamRules.All);
}
