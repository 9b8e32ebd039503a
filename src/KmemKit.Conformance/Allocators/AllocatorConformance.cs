using System.Collections.Generic;
using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Allocators;

/// <summary>What holds for an allocator. A sealed class derived from it is a fixture that NUnit finds and runs:
/// <code>sealed class OurHeapConformance : AllocatorConformance&lt;OurHeap&gt;;</code></summary>
/// <typeparam name="TAllocator">The allocator; a new one is made for each rule.</typeparam>
[TestFixture]
public abstract class AllocatorConformance<TAllocator> : RuleFixture where TAllocator : IAllocatorSubject, new()
{
    /// <summary>One of <see cref="AllocatorRules"/>.</summary>
    /// <param name="rule">Its id.</param>
    [TestCaseSource(typeof(AllocatorCases), nameof(AllocatorCases.All))]
    public void Holds(string rule) => Judge(AllocatorRules.All, rule, new AllocatorContext(static () => new TAllocator()), typeof(TAllocator).Name);
}

/// <summary>NUnit's cases of <see cref="AllocatorRules"/>.</summary>
internal static class AllocatorCases
{
    public static IEnumerable<TestCaseData> All => RuleFixture.CasesOf(AllocatorRules.All);
}
