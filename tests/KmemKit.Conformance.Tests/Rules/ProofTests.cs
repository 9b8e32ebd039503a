using KmemKit.Conformance.Rules;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Rules;

/// <summary>What a proof keeps of facts, and what it does not put into words.</summary>
internal sealed class ProofTests
{
    private int _asked;

    [Test]
    public void A_fact_that_holds_is_not_put_into_words()
    {
        var proof = NewProof();
        for (var i = 0; i < 100; i++)
            proof.Expect(true, 0x1000, $"{Ask("expected")}", $"{Ask("found")}");
        Assert.That((proof.Checked, proof.Failures, _asked), Is.EqualTo((100L, 0L, 0)));
    }

    [Test]
    public void A_fact_that_does_not_hold_says_all_of_it()
    {
        var proof = NewProof();
        proof.Part = "a part";
        Assert.That(proof.Expect(false, 0x1000, $"{Ask("block")} of 0x{255:x} in {1.5}", "none", "board.dts:7"), Is.False);
        Assert.That(proof.Findings[0], Is.EqualTo(new Finding("subject (a part)", "rule", 0x1000, "board.dts:7", "block of 0xff in 1.5", "none")));
        Assert.That((proof.Checked, proof.Failures, _asked), Is.EqualTo((1L, 1L, 1)));
    }

    [Test]
    public void Findings_beyond_those_that_are_kept_are_counted()
    {
        var proof = NewProof();
        for (var i = 0; i < Proof.MostFindings + 5; i++)
            proof.Expect(false, null, $"{i}", "other");
        Assert.That((proof.Findings.Count, proof.Failures, proof.IsFull), Is.EqualTo((Proof.MostFindings, Proof.MostFindings + 5L, true)));
    }

    [SetUp]
    public void Reset() => _asked = 0;

    private static Proof NewProof() => new("subject", "rule", 1, ConformanceBudget.Quick);

    private string Ask(string text)
    {
        _asked++;
        return text;
    }
}
