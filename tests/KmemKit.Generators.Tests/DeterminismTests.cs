using System;
using System.Globalization;
using System.Linq;
using KmemKit.Generators.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>The same board gives the same bytes, on whichever machine.</summary>
[TestFixture]
internal sealed class DeterminismTests
{
    private const string Board = "qcom/msm8974-vmalloc-saving";

    private static string[] Generate(Func<string, string>? edit = null) =>
        [.. new GeneratorProject().Repository(Board, edit).Run().Result.GeneratedSources.Select(s => s.HintName + "\n" + s.SourceText)];

    [TestCase("fi-FI")]
    [TestCase("tr-TR")]
    [TestCase("ar-SA")]
    public void Culture_changes_nothing(string culture)
    {
        var expected = Generate();
        var before = CultureInfo.CurrentCulture;
        try
        {
            // Where cultures are not installed, a made one with other signs does the same.
            var other = (CultureInfo)CultureInfo.InvariantCulture.Clone();
            other.NumberFormat.NegativeSign = "\u2212";
            other.NumberFormat.NumberGroupSeparator = culture == "ar-SA" ? "\u066c" : "\u00a0";
            other.NumberFormat.NumberDecimalSeparator = ",";
            CultureInfo.CurrentCulture = other;
            Assert.That(Generate(), Is.EqualTo(expected), culture);
        }
        finally
        {
            CultureInfo.CurrentCulture = before;
        }
    }

    [Test]
    public void Line_ends_change_nothing() =>
        Assert.That(Generate(text => text.Replace("\n", "\r\n", StringComparison.Ordinal)), Is.EqualTo(Generate()));

    [Test]
    public void Code_has_no_carriage_return_and_only_ascii()
    {
        foreach (var text in Generate(text => text.Replace("\n", "\r\n", StringComparison.Ordinal)))
            Assert.That(text.All(c => c is '\n' or (>= ' ' and <= '~')), text);
    }

    [Test]
    public void Code_names_no_folder_of_the_machine()
    {
        foreach (var text in Generate())
            Assert.That(text, Does.Not.Contain("/repo/"));
    }

    [Test]
    public void Order_of_the_texts_changes_nothing()
    {
        var first = new GeneratorProject().Text("/p/x.h", "#define X 0x10000000\n").Board("/p/a.dts", "#include \"x.h\"\n" + Samples.Arm("<0x0 X>")).Run();
        var second = new GeneratorProject().Board("/p/a.dts", "#include \"x.h\"\n" + Samples.Arm("<0x0 X>")).Text("/p/x.h", "#define X 0x10000000\n").Run();
        Assert.That(
            second.Result.GeneratedSources.Select(s => s.SourceText.ToString()), Is.EqualTo(first.Result.GeneratedSources.Select(s => s.SourceText.ToString())));
    }
}
