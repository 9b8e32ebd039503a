using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Conformance.Rules;
using KmemKit.Conformance.Translations;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Translations;

/// <summary>What can be wrong with a translation.</summary>
public enum TranslationFault
{
    None, SegmentOneLong, SegmentOneShort, SegmentStartsOneLate, HoleAccepted, HoleShiftsRam, WrongOffset, SegmentsSwapped, LowBitsLost,
    WrapsAround, RefusesLastPage, NotInverse, ShadowAnswers, OnePageWrong,
}

/// <summary>Two pieces of RAM with a hole between them, 0xc0000000 above, as a model with one fault of choice.</summary>
internal sealed class ModelTranslation(TranslationFault fault) : ITranslationSubject
{
    public static TranslationMap Map { get; } = new(
        [
            new(PhysRange.FromBounds(new PhysAddr(0x8000_0000), 0x8800_0000), new VirtAddr(0xc000_0000), "model.dts:7"),
            new(PhysRange.FromBounds(new PhysAddr(0x9000_0000), 0xa000_0000), new VirtAddr(0xd000_0000), "model.dts:8"),
        ],
        32, 4096);

    public bool HasPhysToVirt => true;

    public bool Refuses => true;

    public ulong? PhysToVirt(ulong address)
    {
        address = fault == TranslationFault.LowBitsLost ? address & ~1UL : address;
        var first = fault == TranslationFault.SegmentStartsOneLate ? 0x8000_0001UL : 0x8000_0000;
        var end = fault == TranslationFault.SegmentOneLong ? 0x8800_0001UL : fault == TranslationFault.SegmentOneShort ? 0x87ff_ffffUL : 0x8800_0000;
        var lastEnd = fault == TranslationFault.RefusesLastPage ? 0x9fff_f000UL : 0xa000_0000;
        var isRam = (address >= first && address < end) || (address >= 0x9000_0000 && address < lastEnd)
            || (fault == TranslationFault.HoleAccepted && address is >= 0x8800_0000 and < 0x9000_0000);
        if (fault == TranslationFault.WrapsAround && address > 0xffff_f000)
            isRam = true;
        if (!isRam)
            return null;
        var offset = 0x4000_0000UL;
        if (address >= 0x9000_0000)
            offset = fault is TranslationFault.WrongOffset ? 0x4000_1000 : fault == TranslationFault.SegmentsSwapped ? 0x3800_0000 : offset;
        if (fault == TranslationFault.OnePageWrong && address >> 12 == 0x9_4000)
            offset += 0x1000;
        return (address + offset) & 0xffff_ffff;
    }

    public ulong? VirtToPhys(ulong address)
    {
        var end = fault == TranslationFault.HoleShiftsRam ? 0xd000_0000UL : 0xc800_0000;
        if (fault == TranslationFault.ShadowAnswers && address is >= 0x8000_0000 and < 0x8800_0000)
            return address;
        var isRam = (address >= 0xc000_0000 && address < end) || address is >= 0xd000_0000 and < 0xe000_0000;
        if (!isRam)
            return null;
        return fault == TranslationFault.NotInverse && address >= 0xdfff_0000 ? address - 0x4000_0000 + 4 : address - 0x4000_0000;
    }
}

internal sealed class RightTranslation : ITranslationSubject
{
    private readonly ModelTranslation _model = new(TranslationFault.None);

    public bool HasPhysToVirt => true;

    public bool Refuses => true;

    public ulong? PhysToVirt(ulong address) => _model.PhysToVirt(address);

    public ulong? VirtToPhys(ulong address) => _model.VirtToPhys(address);
}

internal sealed class RightTranslationConformance : TranslationConformance<RightTranslation>
{
    protected override TranslationMap Map => ModelTranslation.Map;
}

internal sealed class TranslationSuiteTests
{
    [TestCase(TranslationFault.SegmentOneLong, "translation-edges")]
    [TestCase(TranslationFault.SegmentOneShort, "translation-edges")]
    [TestCase(TranslationFault.SegmentStartsOneLate, "translation-edges")]
    [TestCase(TranslationFault.HoleAccepted, "translation-holes")]
    [TestCase(TranslationFault.HoleShiftsRam, "translation-holes")]
    [TestCase(TranslationFault.WrongOffset, "translation-pages")]
    [TestCase(TranslationFault.SegmentsSwapped, "translation-edges")]
    [TestCase(TranslationFault.LowBitsLost, "translation-pages")]
    [TestCase(TranslationFault.WrapsAround, "translation-outside")]
    [TestCase(TranslationFault.RefusesLastPage, "translation-edges")]
    [TestCase(TranslationFault.NotInverse, "translation-edges")]
    [TestCase(TranslationFault.ShadowAnswers, "translation-outside")]
    [TestCase(TranslationFault.OnePageWrong, "translation-pages")]
    public void A_faulty_translation_is_caught(TranslationFault fault, string rule)
    {
        var budget = fault == TranslationFault.OnePageWrong ? ConformanceBudget.Full with { Samples = 0x1_0000 } : ConformanceBudget.Full;
        Assert.That(Failing(fault, budget), Does.Contain(rule));
    }

    [Test]
    public void Each_fault_has_its_case()
    {
        var tried = GetType().GetMethod(nameof(A_faulty_translation_is_caught))!.GetCustomAttributes(typeof(TestCaseAttribute), false).Cast<TestCaseAttribute>();
        Assert.That(tried.Select(c => (TranslationFault)c.Arguments[0]!).Append(TranslationFault.None), Is.EquivalentTo(Enum.GetValues<TranslationFault>()));
    }

    [Test]
    public void A_finding_names_the_line_of_the_devicetree()
    {
        var rule = TranslationRules.All.First(r => r.Id == "translation-edges");
        var result = rule.Run(new TranslationContext(new ModelTranslation(TranslationFault.SegmentOneLong), ModelTranslation.Map), "model", new RuleOptions());
        Assert.That(result.Proof.Findings[0].ToString(), Is.EqualTo("model: translation-edges at 0x88000000 (model.dts:7): expected phys_to_virt to say a refusal, found 0xc8000000"));
    }

    private static List<string> Failing(TranslationFault fault, ConformanceBudget budget) =>
        [.. TranslationRules.All.Select(r => r.Run(new TranslationContext(new ModelTranslation(fault), ModelTranslation.Map), "model", new RuleOptions { Budget = budget }))
            .Where(r => r.Outcome == RuleOutcome.Failed).Select(r => r.Rule)];
}
