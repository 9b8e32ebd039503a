using System;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Rules that the comparison with dtc does not show: where the two are meant to differ, bounds, several errors, warnings.
[TestFixture]
internal sealed class SourceRuleTests
{
    private const string V = "/dts-v1/;\n";

    private static string[] IdsOf(string text) => [.. SourceFiles.CompileText(text).Diagnostics.Select(d => d.Id)];

    [Test]
    public void A_source_without_preprocessor_lines_is_parsed_from_its_own_text()
    {
        // The value is a slice of one buffer and the name the very text: nothing else shows that the text was not copied.
        var tree = SourceFiles.CompileText(V + "/ { a = <1>; b = <2>; };").Tree!;
        Assert.That(tree.Root.Property("a")!.Span.File, Is.SameAs(tree.Source));
        Assert.That(tree.Root.Property("b")!.Value.ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 2 }));
    }

    [Test]
    public void A_property_whose_name_starts_like_a_directive_is_a_property()
    {
        var root = SourceFiles.CompileText("#define X 1\n" + V + "/ {\n#line-width = <X>;\n#error-count = <X>;\n#if,x;\n};").Tree!.Root;
        Assert.That(root.Properties.Select(p => p.Name), Is.EqualTo(new[] { "#line-width", "#error-count", "#if,x" }));
    }

    [Test]
    public void Several_errors_are_told_in_one_run()
    {
        var result = SourceFiles.CompileText(V + "/ {\n\ta = <1 x>;\n\tb = ;\n\tn {\n\t\tc = [0];\n\t};\n\tok;\n};\n&x { };\n");
        Assert.That(result.Diagnostics.Select(d => (d.Id, d.Span.StartPosition.Line + 1)), Is.EqualTo(new[]
        {
            ("KMK1100", 3), ("KMK1100", 4), ("KMK1100", 6), ("KMK1103", 8),
        }));
    }

    [Test]
    public void Faults_of_meaning_do_not_hide_one_another() =>
        Assert.That(IdsOf(V + "/ { a = <08 0x100000000 (1/0)>; b = \"\\xq\"; };"), Is.EqualTo(new[] { "KMK1200", "KMK1201", "KMK1202", "KMK1206" }));

    [TestCase("u"), TestCase("l"), TestCase("ul"), TestCase("ull"), TestCase("Ul"), TestCase("uLL")]
    public void A_suffix_in_small_letters_is_taken_with_a_warning(string suffix)
    {
        var result = SourceFiles.CompileText(V + $"/ {{ a = <0x1f{suffix}>; }};");
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1207" }));
        Assert.That(result.Tree!.Root.Property("a")!.Value.ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 0x1f }));
    }

    [Test]
    public void A_reference_may_go_from_a_label_down_a_path()
    {
        // dtc has it from 1.7 on.
        var root = SourceFiles.CompileText(V + "/ { p = &{l/m}; l: n { m { }; }; };\n&{l/m} { x; };").Tree!.Root;
        Assert.That(Encoding.ASCII.GetString(root.Property("p")!.Value.Span), Is.EqualTo("/n/m\0"));
        Assert.That(root.Child("n")!.Child("m")!.Property("x"), Is.Not.Null);
    }

    [Test]
    public void A_deleted_root_is_an_empty_one()
    {
        // dtc 1.6.1 writes a blob here that it cannot read itself.
        var root = SourceFiles.CompileText(V + "/ { a; n { }; };\n/delete-node/ &{/};").Tree!.Root;
        Assert.That(root.Properties, Is.Empty);
        Assert.That(root.Children, Is.Empty);
    }

    [TestCase("#define A A2 A2\n#define A2 A3 A3\n#define A3 A4 A4\n", 0)]
    [TestCase("", 40)]
    public void A_macro_that_doubles_itself_is_stopped(string head, int levels)
    {
        var text = new StringBuilder(head);
        for (var i = 0; i < levels; i++)
            text.Append("#define M").Append(i).Append(" M").Append(i + 1).Append(" M").Append(i + 1).Append('\n');
        text.Append("/dts-v1/;\n/ { a = <").Append(levels == 0 ? "1" : "M0").Append(">; };");
        Assert.That(IdsOf(text.ToString()), Is.EqualTo(levels == 0 ? Array.Empty<string>() : ["KMK1011"]));
    }

    [Test]
    public void Arguments_that_double_themselves_are_stopped()
    {
        var text = new StringBuilder("#define D(x) x x\n/dts-v1/;\n/ { a = <");
        text.Insert(text.Length, "D(", 60).Append('1').Append(')', 60).Append(">; };");
        Assert.That(IdsOf(text.ToString()), Is.EqualTo(new[] { "KMK1011" }));
    }

    [Test]
    public void Files_that_include_each_other_twice_are_stopped()
    {
        var files = Enumerable.Range(0, 40).Select(i => ($"f{i}.h", $"#include \"f{i + 1}.h\"\n#include \"f{i + 1}.h\"\n")).Append(("f40.h", "")).Append(("board.dts", "/dts-v1/;\n#include \"f0.h\"\n/ { };"));
        var result = SourceFiles.InMemory([.. files]).Compile("board.dts");
        Assert.That(result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1011" }));
    }

    [Test]
    public void A_cycle_of_includes_is_refused_at_the_include_that_closes_it()
    {
        var files = SourceFiles.InMemory(("board.dts", "/dts-v1/;\n#include \"a.h\"\n/ { };"), ("a.h", "\n#include \"b.h\"\n"), ("b.h", "\n\n#include \"a.h\"\n"));
        var finding = files.Compile("board.dts").Diagnostics.Single();
        Assert.That((finding.Id, finding.Span.ToString()), Is.EqualTo(("KMK1001", "b.h(3,1)")));
    }

    [Test]
    public void Files_with_guards_may_include_each_other()
    {
        var files = SourceFiles.InMemory(
            ("board.dts", "/dts-v1/;\n#include \"a.h\"\n/ { a = <A B>; };"),
            ("a.h", "#ifndef A\n#define A 1\n#include \"b.h\"\n#endif\n"), ("b.h", "#ifndef B\n#define B 2\n#include \"a.h\"\n#endif\n"));
        Assert.That(files.Compile("board.dts").Diagnostics, Is.Empty);
    }

    [TestCase(999, true), TestCase(1000, false), TestCase(200_000, false)]
    public void Nodes_nest_up_to_a_bound(int depth, bool fits)
    {
        var text = new StringBuilder(V + "/ {");
        text.Insert(text.Length, "n{", depth).Insert(text.Length, "};", depth).Append("};");
        Assert.That(IdsOf(text.ToString()), Is.EqualTo(fits ? Array.Empty<string>() : ["KMK1105"]));
    }

    [TestCase(200, true), TestCase(100_000, false)]
    public void Expressions_nest_up_to_a_bound(int depth, bool fits)
    {
        Assert.That(IdsOf(V + "/ { a = <" + new string('(', depth) + "1" + new string(')', depth) + ">; };"), fits ? Is.Empty : Is.EqualTo(new[] { "KMK1105" }));
        Assert.That(IdsOf("#if " + new string('(', depth / 2) + "1" + new string(')', depth / 2) + "\n#endif\n" + V + "/ { };").FirstOrDefault(), Is.EqualTo(fits ? null : "KMK1005"));
        Assert.That(IdsOf(V + "/ { a = <(" + new string('-', depth) + "1)>; };").Contains("KMK1105"), Is.Not.EqualTo(fits));
    }

    [Test]
    public void Predefined_macros_hold_from_the_first_line_on()
    {
        var options = new DtsOptions { Macros = [new MacroOption("__DTS__"), new MacroOption("ADD(a,b)", "((a) + (b))")] };
        var root = SourceFiles.CompileText("#ifdef __DTS__\n" + V + "#endif\n/ { a = <ADD(1,__DTS__)>; };", options).Tree!.Root;
        Assert.That(root.Property("a")!.Value.ToArray(), Is.EqualTo(new byte[] { 0, 0, 0, 2 }));
    }

    [TestCase("#define A 1\n#define A 1\n", null)]
    [TestCase("#define A(x) x\n#define A(x) x\n", null)]
    [TestCase("#define A 1\n#undef A\n#define A 2\n", null)]
    [TestCase("#define A 1\n#define A 2\n", "KMK1008")]
    [TestCase("#define A(x) x\n#define A(y) y\n", "KMK1008")]
    [TestCase("#define A 1 2\n#define A 12\n", "KMK1008")]
    public void A_macro_defined_again_must_say_the_same(string head, string? id) =>
        Assert.That(IdsOf(head + V + "/ { };").SingleOrDefault(), Is.EqualTo(id));

    [Test]
    public void The_tree_is_null_exactly_where_an_error_was_found()
    {
        Assert.That(SourceFiles.CompileText(V + "/ { n@1 { }; };"), Has.Property(nameof(FrontEndResult.Tree)).Not.Null);
        Assert.That(SourceFiles.CompileText(V + "/ { n@1 { }; };").Diagnostics.Single().Severity, Is.EqualTo(DiagnosticSeverity.Warning));
        Assert.That(SourceFiles.CompileText("#error x\n" + V + "/ { };").Tree, Is.Null);
    }

    [Test]
    public void Many_merges_into_many_children_find_their_node()
    {
        var text = new StringBuilder(V + "/ { w: w { ");
        for (var i = 0; i < 3000; i++)
            text.Append('n').Append(i).Append(" { }; ");
        text.Append("}; };\n");
        for (var i = 0; i < 3000; i++)
            text.Append("&w { n").Append(i).Append(" { v = <").Append(i).Append(">; }; };\n");
        var node = SourceFiles.CompileText(text.ToString()).Tree!.Root.Child("w")!;
        Assert.That(node.Children, Has.Count.EqualTo(3000));
        Assert.That(node.Children[2999].Property("v")!.Value.ToArray(), Is.EqualTo(new byte[] { 0, 0, 0x0b, 0xb7 }));
    }
}
