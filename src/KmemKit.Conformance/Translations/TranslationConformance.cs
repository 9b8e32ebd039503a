using System.Collections.Generic;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Translations;

/// <summary>What holds for a translation of a linear map: derive a sealed class and say in <see cref="Map"/> what is mapped.</summary>
/// <typeparam name="TTranslation">The translation.</typeparam>
[TestFixture]
public abstract class TranslationConformance<TTranslation> : RuleFixture where TTranslation : ITranslationSubject, new()
{
    /// <summary>What the translation has to say.</summary>
    protected abstract TranslationMap Map { get; }

    /// <summary>One of <see cref="TranslationRules"/>.</summary>
    /// <param name="rule">Its id.</param>
    [TestCaseSource(typeof(TranslationCases), nameof(TranslationCases.All))]
    public void Holds(string rule) => Judge(TranslationRules.All, rule, new TranslationContext(new TTranslation(), Map), typeof(TTranslation).Name);
}

/// <summary>NUnit's cases of <see cref="TranslationRules"/>.</summary>
internal static class TranslationCases
{
    public static IEnumerable<TestCaseData> All => RuleFixture.CasesOf(TranslationRules.All);
}
