using System.Collections.Generic;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Protections;

/// <summary>What holds for a memory protection unit: derive a sealed class and say in <see cref="Map"/> what it has to grant.</summary>
/// <typeparam name="TMpu">The unit, programmed.</typeparam>
[TestFixture]
public abstract class MpuConformance<TMpu> : RuleFixture where TMpu : IProtectionSubject, new()
{
    /// <summary>What the unit has to grant.</summary>
    protected abstract ProtectionMap Map { get; }

    /// <summary>One of <see cref="ProtectionRules"/>.</summary>
    /// <param name="rule">Its id.</param>
    [TestCaseSource(typeof(ProtectionCases), nameof(ProtectionCases.All))]
    public void Holds(string rule) => Judge(ProtectionRules.All, rule, new ProtectionContext(new TMpu(), Map), typeof(TMpu).Name);
}

/// <summary>NUnit's cases of <see cref="ProtectionRules"/>.</summary>
internal static class ProtectionCases
{
    public static IEnumerable<TestCaseData> All => RuleFixture.CasesOf(ProtectionRules.All);
}
