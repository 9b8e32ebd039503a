using System;
using System.Linq;
using KmemKit.Conformance.Allocators;
using KmemKit.Conformance.Rules;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Allocators;

/// <summary>A team's own C heap, put to the suite by one line.</summary>
internal sealed class CHeapConformance : AllocatorConformance<CHeap>
{
    [OneTimeSetUp]
    public void NeedsGcc() => OutsideTool.Require("gcc", "gcc");
}

/// <summary>The same heap with a fault in its C code: the suite finds it, by the rule that is about it.</summary>
internal sealed class CHeapTests
{
    [OneTimeSetUp]
    public void NeedsGcc() => OutsideTool.Require("gcc", "gcc");

    [TestCase(CHeapFault.LosesTheRest, "allocator-all-back")]
    [TestCase(CHeapFault.ShortByAHeader, "allocator-keeps-contents")]
    [TestCase(CHeapFault.NeverJoins, "allocator-merges")]
    [TestCase(CHeapFault.EndsTooLate, "allocator-inside")]
    [TestCase(CHeapFault.Overflows, "allocator-refuses-too-large")]
    [TestCase(CHeapFault.CallocSkips, "allocator-zeroes")]
    public void A_fault_in_C_is_caught(CHeapFault fault, string rule)
    {
        var library = CHeapLibrary.Of(fault);
        var result = AllocatorRules.All.First(r => r.Id == rule).Run(new AllocatorContext(() => new CHeap(library)), "heap", new RuleOptions { Budget = ConformanceBudget.Quick });
        Assert.That(result.Outcome, Is.EqualTo(RuleOutcome.Failed), result.ToString());
        Assert.That(result.Proof.Findings, Is.Not.Empty);
    }

    [Test]
    public void Each_fault_has_its_case()
    {
        var tried = GetType().GetMethod(nameof(A_fault_in_C_is_caught))!.GetCustomAttributes(typeof(TestCaseAttribute), false).Cast<TestCaseAttribute>().Select(c => (CHeapFault)c.Arguments[0]!);
        Assert.That(tried.Append(CHeapFault.None), Is.EquivalentTo(Enum.GetValues<CHeapFault>()));
    }
}
