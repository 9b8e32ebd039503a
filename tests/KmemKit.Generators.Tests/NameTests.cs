using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Writers.CSharp;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>How names of boards, labels and regions become identifiers.</summary>
[TestFixture]
internal sealed class NameTests
{
    [TestCase("msm8974", "Msm8974")]
    [TestCase("msm8974-dont-map-hole", "Msm8974DontMapHole")]
    [TestCase("imx6q.sabre_lite", "Imx6qSabreLite")]
    [TestCase("a1-12", "A1_12")]
    [TestCase("a11-2", "A11_2")]
    [TestCase("8x74", "Board8x74")]
    public void File_name_becomes_pascal_case(string name, string expected) =>
        Assert.That(CSharpName.ToPascalCase(name, "Board"), Is.EqualTo(expected));

    [TestCase("---")]
    [TestCase("plakette-ü")]
    public void File_name_without_identifier_in_it_gives_none(string name) => Assert.That(CSharpName.ToPascalCase(name, "Board"), Is.Null);

    [Test]
    public void Labels_that_share_a_pascal_case_form_all_keep_their_spelling() => Assert.That(
        CSharpName.Assign(["uart_0", "uart0", "Uart0", "i2c"], []), Is.EqualTo(new[] { "uart_0", "uart0", "Uart0", "I2c" }));

    [Test]
    public void Spelling_of_one_label_that_is_the_pascal_case_of_another_moves_that_one_too() => Assert.That(
        CSharpName.Assign(["ab", "a_b", "AB", "A_b"], []).Distinct().Count(), Is.EqualTo(4));

    [Test]
    public void Keywords_are_escaped() => Assert.That(CSharpName.Assign(["default"], ["Default"]), Is.EqualTo(new[] { "@default" }));

    [Test]
    public void Taken_names_are_avoided() => Assert.That(CSharpName.Assign(["equals", "Equals"], ["Equals"]), Is.EqualTo(new[] { "equals", "Equals_2" }));

    [Test]
    public void Any_labels_get_identifiers_that_differ([Range(0, 199)] int seed)
    {
        // Short names of few letters, so that collisions of every kind are frequent.
        var random = new System.Random(seed);
        var names = new List<string>();
        for (var i = 0; i < 30; i++)
            names.Add(new string(Enumerable.Range(0, random.Next(1, 5)).Select(_ => "aA_1b,"[random.Next(6)]).ToArray()));
        string[] taken = ["A", "Ab", "a_2"];
        var identifiers = CSharpName.Assign(names, taken);
        Assert.That(identifiers, Has.Length.EqualTo(names.Count).And.Unique, $"seed {seed}");
        foreach (var identifier in identifiers)
        {
            Assert.That(taken, Has.No.Member(identifier), $"seed {seed}");
            Assert.That(SyntaxFacts.IsValidIdentifier(identifier.TrimStart('@')), $"seed {seed}: {identifier}");
        }
    }

    [Test]
    public void Order_of_labels_decides_no_name_unless_two_are_spelled_alike([Range(0, 49)] int seed)
    {
        var random = new System.Random(seed);
        var names = Enumerable.Range(0, 20).Select(_ => new string(Enumerable.Range(0, random.Next(1, 5)).Select(_ => "aA_b"[random.Next(4)]).ToArray()))
            .Distinct().ToList();
        var shuffled = names.OrderBy(_ => random.Next()).ToList();
        var first = names.Zip(CSharpName.Assign(names, [])).ToDictionary(p => p.First, p => p.Second);
        var second = shuffled.Zip(CSharpName.Assign(shuffled, [])).ToDictionary(p => p.First, p => p.Second);
        Assert.That(second, Is.EquivalentTo(first), $"seed {seed}");
    }

    [Test]
    public void No_member_of_a_board_type_is_missing_from_the_names_that_a_type_cannot_have()
    {
        var project = new GeneratorProject().Board("/p/a.dts", Samples.Arm(Samples.Msm8974Banks)).Run();
        var type = project.Output.GetTypeByMetadataName("Boards.A")!;
        Assert.That(
            type.GetMembers().Where(m => m.CanBeReferencedByName).Select(m => m.Name).Distinct(),
            Is.SubsetOf(BoardTypeWriter.MemberNames));
    }
}
