using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Every span points into the file that was written, however the text got to the parser.
[TestFixture]
internal sealed class SourcePositionTests
{
    private static string Written(SourceSpan span) => span.File!.Text.Substring(span.Start, span.Length);

    [Test]
    public void Without_preprocessor_lines_a_span_is_the_text_itself()
    {
        var tree = SourceFiles.CompileText("/dts-v1/;\n/ {\n\tmem: memory@0 {\n\t\treg = <0 1>, \"s\";\n\t};\n};\n").Tree!;
        var node = tree.Root.Child("memory@0")!;
        var reg = node.Property("reg")!;
        Assert.That(node.Span.ToString(), Is.EqualTo("board.dts(3,7)"));
        Assert.That(Written(node.Span), Is.EqualTo("memory@0"));
        Assert.That(reg.Span.ToString(), Is.EqualTo("board.dts(4,3)"));
        Assert.That(reg.Markers.Select(m => Written(m.Span)), Is.EqualTo(new[] { "<0 1>", "\"s\"" }));
        Assert.That(Written(reg.SpanAt(9)), Is.EqualTo("\"s\""));
    }

    [Test]
    public void Behind_directives_conditionals_and_comments_positions_stay_those_of_the_file()
    {
        var tree = SourceFiles.CompileText("#define N 1\n/dts-v1/;\n#if 0\nskipped\n#endif\n/* c\n */ / {\n\ta = <N>; b; };\n").Tree!;
        Assert.That(tree.Root.Property("a")!.Span.ToString(), Is.EqualTo("board.dts(8,2)"));
        Assert.That(tree.Root.Property("b")!.Span.ToString(), Is.EqualTo("board.dts(8,11)"));
    }

    [Test]
    public void What_a_macro_expands_to_points_at_the_macros_use()
    {
        var tree = SourceFiles.CompileText("#define NODE(n) n { p; };\n/dts-v1/;\n/ {\n  NODE(x)\n};\n").Tree!;
        var node = tree.Root.Child("x")!;
        Assert.That(node.Span.ToString(), Is.EqualTo("board.dts(4,3)"));
        Assert.That(Written(node.Span), Is.EqualTo("NODE"));
        Assert.That(Written(node.Property("p")!.Span), Is.EqualTo("NODE"));
    }

    [Test]
    public void An_error_in_an_included_file_is_told_of_that_file()
    {
        var files = SourceFiles.InMemory(("b/board.dts", "/dts-v1/;\n#include \"soc/soc.dtsi\"\n"), ("b/soc/soc.dtsi", "/ {\n\ta = <1 x>;\n};\n"));
        var result = files.Compile("b/board.dts");
        Assert.That(result.Diagnostics.Single().Span.ToString(), Is.EqualTo("b/soc/soc.dtsi(2,9)"));
        Assert.That(result.Dependencies, Is.EqualTo(new[] { "b/board.dts", "b/soc/soc.dtsi" }));
    }

    [Test]
    public void Behind_an_included_file_positions_are_the_including_files_again()
    {
        var files = SourceFiles.InMemory(("board.dts", "/dts-v1/;\n#include \"a.dtsi\"\n/ { here; };\n"), ("a.dtsi", "/ { there; };"));
        var root = files.Compile("board.dts").Tree!.Root;
        Assert.That(root.Property("there")!.Span.ToString(), Is.EqualTo("a.dtsi(1,5)"));
        Assert.That(root.Property("here")!.Span.ToString(), Is.EqualTo("board.dts(3,5)"));
    }

    [Test]
    public void A_line_marker_renames_and_renumbers_what_follows()
    {
        var tree = SourceFiles.CompileText("# 1 \"real.dts\"\n/dts-v1/;\n/ {\n# 40 \"inc.dtsi\" 1\n\ta;\n#line 7\n\tb;\n};\n").Tree!;
        Assert.That(tree.Root.Span.ToString(), Is.EqualTo("real.dts(2,1)"));
        Assert.That(tree.Root.Property("a")!.Span.ToString(), Is.EqualTo("inc.dtsi(40,2)"));
        Assert.That(tree.Root.Property("b")!.Span.ToString(), Is.EqualTo("inc.dtsi(7,2)"));
    }

    [Test]
    public void Joined_lines_keep_the_places_of_their_parts()
    {
        var tree = SourceFiles.CompileText("/dts-v1/;\n/ { a\\\n; b = \\\n<1>; c; };\n").Tree!;
        Assert.That(tree.Root.Property("b")!.Span.ToString(), Is.EqualTo("board.dts(3,3)"));
        Assert.That(tree.Root.Property("c")!.Span.ToString(), Is.EqualTo("board.dts(4,6)"));
    }

    [Test]
    public void A_property_that_is_written_again_is_where_it_was_written_last_and_its_node_where_first()
    {
        var root = SourceFiles.CompileText("/dts-v1/;\n/ { n: n { a; }; };\n&n { a = <1>; };\n").Tree!.Root;
        Assert.That(root.Child("n")!.Span.ToString(), Is.EqualTo("board.dts(2,8)"));
        Assert.That(root.Child("n")!.Property("a")!.Span.ToString(), Is.EqualTo("board.dts(3,6)"));
    }

    [Test]
    public void Labels_are_listed_in_the_order_written()
    {
        var node = SourceFiles.CompileText("/dts-v1/;\n/ { a: b: n { p1: p2: p = v: <1>; }; };\nc: &a { };\n").Tree!.Root.Child("n")!;
        Assert.That(node.Labels, Is.EqualTo(new[] { "a", "b", "c" }));
        Assert.That(node.Property("p")!.Labels, Is.EqualTo(new[] { "p1", "p2" }));
        Assert.That(node.Property("p")!.Markers.Select(m => (m.Kind, m.Text, m.Offset)), Is.EqualTo(new[]
        {
            (ValueMarkerKind.Label, "v", 0), (ValueMarkerKind.Cells32, "", 0),
        }));
    }

    [Test]
    public void A_path_in_front_moves_the_markers_behind_it()
    {
        var p = SourceFiles.CompileText("/dts-v1/;\n/ { p = &n, <&n>, l: \"x\"; n: n { }; };\n").Tree!.Root.Property("p")!;
        Assert.That(p.Markers.Select(m => (m.Kind, m.Text, m.Offset)), Is.EqualTo(new[]
        {
            (ValueMarkerKind.PathReference, "n", 0), (ValueMarkerKind.Cells32, "", 3), (ValueMarkerKind.PhandleReference, "n", 3),
            (ValueMarkerKind.Label, "l", 7), (ValueMarkerKind.String, "", 7),
        }));
        Assert.That(p.Value.ToArray(), Is.EqualTo("/n\0\0\0\0\u0001x\0"u8.ToArray()));
    }
}
