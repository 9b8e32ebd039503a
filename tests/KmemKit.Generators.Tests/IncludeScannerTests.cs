extern alias generator;

using generator::KmemKit.Generators.Pipeline;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>Which texts a board is cached by: too many are allowed, too few are not.</summary>
[TestFixture]
internal sealed class IncludeScannerTests
{
    [TestCase("#include \"a.dtsi\"\n", "a.dtsi")]
    [TestCase("#include <dt-bindings/x.h>\n", "dt-bindings/x.h")]
    [TestCase("  #  include   \"a.dtsi\"\r\n", "a.dtsi")]
    [TestCase("#include/**/\"a.dtsi\"\n", "a.dtsi")]
    [TestCase("#/* */include \"a.dtsi\"\n", "a.dtsi")]
    [TestCase("/include/ \"a.dtsi\"\n", "a.dtsi")]
    [TestCase("/include/\n\t\"a.dtsi\"", "a.dtsi")]
    [TestCase("x = /incbin/(\"a.bin\", 0, 4);", "a.bin")]
    [TestCase("#if 0\n#include \"a.dtsi\"\n#endif", "a.dtsi")]
    public void Include_is_found(string text, string name)
    {
        Assert.That(IncludeScanner.Scan(text, out var computed), Is.EqualTo(new[] { name }));
        Assert.That(computed, Is.False);
    }

    [TestCase("#include MACRO\n")]
    [TestCase("#include")]
    [TestCase("#include \"no end\n")]
    [TestCase("/include/ MACRO")]
    public void Include_of_anything_else_is_computed(string text)
    {
        Assert.That(IncludeScanner.Scan(text, out var computed), Is.Empty);
        Assert.That(computed, Is.True);
    }

    [TestCase("/* this includes nothing */")]
    [TestCase("include us")]
    [TestCase("")]
    public void Prose_is_no_include(string text)
    {
        Assert.That(IncludeScanner.Scan(text, out var computed), Is.Empty);
        Assert.That(computed, Is.False);
    }
}
