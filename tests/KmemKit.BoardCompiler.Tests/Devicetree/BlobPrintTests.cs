using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// The printed source is judged by dtc: it must compile back to the same bytes.
[TestFixture]
internal sealed class BlobPrintTests
{
    private static IEnumerable<TestCaseData> Values()
    {
        yield return Value("nothing", []);
        yield return Value("one string", "abc\0"u8);
        yield return Value("several strings", "abc\0de\0"u8);
        yield return Value("an empty string", [0]);
        yield return Value("an empty string between others", "abc\0\0def\0"u8);
        yield return Value("an empty string first", "\0abc\0"u8);
        yield return Value("an empty string last", "abcd\0\0"u8);
        yield return Value("four empty strings, or a cell", [0, 0, 0, 0]);
        yield return Value("escapes", "\a\b\t\n\v\f\r\"\\'\0"u8);
        yield return Value("a quote and a backslash last", "a\"\\\0"u8);
        yield return Value("a comment's look", "/* x */ // y\0"u8);
        yield return Value("a directive's look", "\n#include <x>\n\0"u8);
        yield return Value("a high byte in a string", [(byte)'a', 0xe4, (byte)'b', 0]);
        yield return Value("a string without its 0", "abc"u8);
        yield return Value("a cell of letters", "abc\0"u8);
        yield return Value("cells", [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
        yield return Value("three bytes", [1, 2, 3]);
        yield return Value("five bytes", [0, 0, 0, 1, 0]);
        yield return Value("one byte", [0xff]);
        yield return Value("a 0 too many to be strings", [(byte)'a', 0, 0, 0]);

        static TestCaseData Value(string name, ReadOnlySpan<byte> value) => new TestCaseData(value.ToArray()).SetArgDisplayNames(name);
    }

    [TestCaseSource(nameof(Values))]
    public void Every_value_compiles_back_to_its_bytes(byte[] value) =>
        AssertRoundTrip(new BlobBuilder().Begin("").Property("p", value).End().Finish());

    [TestCase(1), TestCase(2)]
    public void Random_values_compile_back_to_their_bytes(int seed)
    {
        var random = new Random(seed);
        var blob = new BlobBuilder().Begin("");
        for (var i = 0; i < 2000; i++)
        {
            var value = new byte[random.Next(0, 24)];
            random.NextBytes(value);
            for (var j = 0; j < value.Length && i % 2 == 0; j++)
                value[j] = (byte)"\0\0ab\"\\\n\r\t 09x#/*"[random.Next(15)];
            blob.Property("p" + i, value);
        }
        AssertRoundTrip(blob.End().Finish());
    }

    [Test]
    public void The_names_of_directives_and_every_character_of_names_survive()
    {
        var blob = new BlobBuilder().Begin("");
        foreach (var name in new[]
                 {
                     "#include", "#define", "#if", "#line", "#", "#address-cells", "include", "0", "-", "?*+", "a.b_c,d", "@", "delete-node", "memreserve", "bits",
                 })
            blob.Cell(name, 1);
        AssertRoundTrip(blob.Begin("a,b._+-@0,1").End().Begin("0").End().Begin("delete-property").End().End().Finish());
    }

    [Test]
    public void A_name_of_a_directive_is_hidden_from_the_preprocessor() =>
        Assert.That(Print(new BlobBuilder().Begin("").Cell("#if", 1).Cell("#size-cells", 2).End().Finish()), Is.EqualTo(
            "/dts-v1/;\n\n/ {\n\t\\#if = <0x1>;\n\t#size-cells = <0x2>;\n};\n"));

    [Test]
    public void Source_looks_as_people_write_it() =>
        Assert.That(
            Print(new BlobBuilder().Reserve(0x1000, 0x20).Begin("").Text("model", "abc").Property("flag")
                .Begin("n@1").Property("reg", 0, 0, 0, 1, 0, 0, 0x10, 0).Property("mac", 1, 0xab, 3).Begin("x").End().End().Begin("m").End().End().Finish()),
            Is.EqualTo("""
                /dts-v1/;

                /memreserve/ 0x1000 0x20;

                / {
                	model = "abc";
                	flag;

                	n@1 {
                		reg = <0x1 0x1000>;
                		mac = [01 ab 03];

                		x {
                		};
                	};

                	m {
                	};
                };

                """.ReplaceLineEndings("\n")));

    [Test]
    public void Sorted_trees_of_other_order_print_as_one_text()
    {
        var one = Tree(new BlobBuilder().Reserve(2, 1).Reserve(1, 1).Begin("").Cell("b", 1).Cell("a", 2).Begin("y").End().Begin("x@1").End().End().Finish());
        var two = Tree(new BlobBuilder().Reserve(1, 1).Reserve(2, 1).Begin("").Cell("a", 2).Cell("b", 1).Begin("x@1").End().Begin("y").End().End().Finish());
        var sorted = new DtsPrintOptions { Sort = true };
        Assert.That(DtsPrinter.Print(one, sorted), Is.EqualTo(DtsPrinter.Print(two, sorted)));
        Assert.That(DtsPrinter.Print(one), Is.Not.EqualTo(DtsPrinter.Print(two)));
        Assert.That(FdtWriter.Write(Compile(DtsPrinter.Print(one, sorted))), Is.EqualTo(BlobDtc.Run(FdtWriter.Write(one), "-I dtb -O dtb -s")));
    }

    [Test]
    public void What_source_cannot_name_is_said_in_a_comment()
    {
        var tree = Tree(new BlobBuilder().Begin("").Property("a */ b", 1).Cell("c", 1).Begin("x y").Begin("z").End().End().End().Finish());
        var text = DtsPrinter.Print(tree);
        Assert.That(DtsPrinter.IsExpressible(tree), Is.False);
        Assert.That(text, Does.Contain("\"a \\x2a\\x2f b\", which is left out with its 1 bytes. */"));
        Assert.That(text, Does.Contain("\"x y\", which is left out with its 1 subnodes. */"));
        Assert.That(Compile(text).Root.Properties.Select(p => p.Name), Is.EqualTo(new[] { "c" }));
    }

    [Test]
    public void A_text_is_the_same_each_time()
    {
        var first = DtsPrinter.Print(BlobWriteTests.Tree(BlobWriteTests.Sample()));
        var second = DtsPrinter.Print(BlobWriteTests.Tree(BlobWriteTests.Sample()));
        Assert.That(second, Is.EqualTo(first));
    }

    // A tree as the source front end makes it, with every kind of marker.
    [Test]
    public void A_tree_from_source_is_printed_in_the_form_it_was_written()
    {
        var text = DtsPrinter.Print(FromSource());
        Assert.That(text, Is.EqualTo("""
            /dts-v1/;

            keep: /memreserve/ 0x1000 0x1000;

            / {
            	cells = <0x1 &dev inner: 0x2>, "text", first: "more", [01 lb: 02], /bits/ 16 <0x3 0x4> end:;
            	wide = /bits/ 64 <0x100000002>;
            	path = &dev;
            	bypath = <&{/dev@1}>;
            	nothing = [here:];
            	broken = [00 00 01];
            	gone = <0x63>, "/nowhere";

            	dev: second: dev@1 {
            		lbl: phandle = <0x5>;
            	};
            };

            top: &{/} {
            };

            """.ReplaceLineEndings("\n")));
        Assert.That(DeviceTreeComparer.FirstDifference(FromSource(), Compile(text), DeviceTreeComparison.IgnoreBootCpu), Is.Null);
    }

    [Test]
    public void Without_references_only_values_are_printed()
    {
        var text = DtsPrinter.Print(FromSource(), new DtsPrintOptions { References = false });
        Assert.That(text, Does.Not.Contain("&").And.Not.Contain(":"));
        Assert.That(DeviceTreeComparer.FirstDifference(FromSource(), Compile(text), DeviceTreeComparison.IgnoreBootCpu), Is.Null);
    }

    [Test]
    public void A_tree_deeper_than_the_stack_is_printed()
    {
        var root = new DeviceTreeNode("", default);
        var node = root;
        for (var i = 0; i < 20_000; i++)
        {
            var child = new DeviceTreeNode("n", default);
            node.AddChild(child);
            node = child;
        }
        var text = DtsPrinter.Print(new DeviceTree(new SourceFile("deep.dts", ""), root, ImmutableArray<MemoryReservation>.Empty, 0));
        Assert.That(text.Count(c => c == '{'), Is.EqualTo(20_001));
        Assert.That(text, Has.Length.LessThan(20_001 * 140));
    }

    private static DeviceTree FromSource()
    {
        var file = new SourceFile("board.dts", "");
        var root = new DeviceTreeNode("", default) { Labels = ["top"] };
        var dev = new DeviceTreeNode("dev@1", default) { Labels = ["dev", "second"] };
        root.AddChild(dev);
        dev.MutableProperties.Add(new DeviceTreeProperty("phandle", new byte[] { 0, 0, 0, 5 }, default) { Labels = ["lbl"] });
        Add("cells", [0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 2, .. "text\0"u8, .. "more\0"u8, 1, 2, 0, 3, 0, 4],
            (0, ValueMarkerKind.Cells32, ""), (4, ValueMarkerKind.PhandleReference, "dev"), (8, ValueMarkerKind.Label, "inner"),
            (12, ValueMarkerKind.String, ""), (17, ValueMarkerKind.Label, "first"), (17, ValueMarkerKind.String, ""),
            (22, ValueMarkerKind.Bytes, ""), (23, ValueMarkerKind.Label, "lb"), (24, ValueMarkerKind.Cells16, ""), (28, ValueMarkerKind.Label, "end"));
        Add("wide", [0, 0, 0, 1, 0, 0, 0, 2], (0, ValueMarkerKind.Cells64, ""));
        Add("path", "/dev@1\0"u8.ToArray(), (0, ValueMarkerKind.PathReference, "dev"));
        Add("bypath", [0, 0, 0, 5], (0, ValueMarkerKind.Cells32, ""), (0, ValueMarkerKind.PhandleReference, "/dev@1"));
        Add("nothing", [], (0, ValueMarkerKind.Label, "here"));
        Add("broken", [0, 0, 1], (0, ValueMarkerKind.Cells32, ""));
        Add("gone", [0, 0, 0, 99, .. "/nowhere\0"u8], (0, ValueMarkerKind.Cells32, ""), (0, ValueMarkerKind.PhandleReference, "dev"),
            (4, ValueMarkerKind.PathReference, "dev"));
        return new DeviceTree(file, root, [new MemoryReservation(new PhysAddr(0x1000), 0x1000, ["keep"], default)], 0);

        void Add(string name, byte[] value, params (int Offset, ValueMarkerKind Kind, string Text)[] markers) =>
            root.MutableProperties.Add(new DeviceTreeProperty(name, value, default)
            {
                Markers = [.. markers.Select(m => new ValueMarker(m.Offset, m.Kind, m.Text, default))],
            });
    }

    private static void AssertRoundTrip(BlobBuilder builder)
    {
        var blob = builder.ToBytes();
        var text = DtsPrinter.Print(Tree(builder));
        Assert.That(text.All(c => c is '\n' or '\t' or (>= ' ' and <= '~')), text);
        Assert.That(FdtWriter.Write(Compile(text)), Is.EqualTo(blob), text);
    }

    private static string Print(BlobBuilder builder) => DtsPrinter.Print(Tree(builder));

    private static DeviceTree Tree(BlobBuilder builder) => FdtReader.Read(builder.ToFile()).Tree!;

    private static DeviceTree Compile(string source) =>
        FdtReader.Read(new SourceFile("again.dtb", BlobDtc.Run(Encoding.ASCII.GetBytes(source), "-f -I dts -O dtb"))).Tree!;
}
