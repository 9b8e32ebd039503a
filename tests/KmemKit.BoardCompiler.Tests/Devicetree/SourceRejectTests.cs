using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// What cpp or dtc refuses is refused here, by the rule and on the line given. "-" in front of an id: those two let it pass, and why is said.
[TestFixture]
internal sealed class SourceRejectTests
{
    private const string V = "/dts-v1/;\n";

    private static readonly (string Id, int Line, string Text)[] Cases =
    [
        // The frame of a source.
        ("KMK1101", 1, ""), ("KMK1101", 1, "/ { };"), ("KMK1107", 1, "/dts-v1/;"), ("KMK1107", 2, V), ("KMK1100", 2, "/dts-v1/\n/ { };"),
        ("KMK1100", 2, V + "foo { };"), ("KMK1100", 3, V + "/ { };\nfoo;"), ("KMK1100", 2, V + "/ { };;"), ("KMK1100", 2, V + "l: / { };"),
        ("KMK1100", 3, V + "/ { };\na: b: &{/} { };"), ("KMK1100", 3, V + "/ { };\n/memreserve/ 1 2;"), ("KMK1100", 2, V + "/memreserve/ 1;\n/ { };"),
        ("KMK1100", 2, V + "/memreserve/ 1-2 3;\n/ { };"), ("KMK1100", 2, V + "/unknown/ x;\n/ { };"), ("KMK1100", 2, V + "/ };"),
        // -: dtc makes an overlay's blob of it.
        ("-KMK1102", 2, V + "/plugin/;\n/ { };"),
        // Bodies.
        ("KMK1106", 3, V + "/ {\n\ta;"), ("KMK1106", 2, V + "/ { n {"), ("KMK1100", 2, V + "/ { }"), ("KMK1100", 2, V + "/ { n { } };"), ("KMK1100", 2, V + "/ { a b; };"),
        ("KMK1100", 2, V + "/ { lbl : a; };"), ("KMK1100", 2, V + "/ { &x { }; };"), ("KMK1100", 2, V + "/ { = <1>; };"), ("KMK1100", 2, V + "/ { /foo/ a; };"),
        ("KMK1103", 4, V + "/ {\n\tn { };\n\ta = <1>;\n};"), ("KMK1103", 2, V + "/ { n { }; /delete-property/ a; };"), ("KMK1100", 2, V + "/ { /omit-if-no-ref/ a; };"),
        ("KMK1100", 2, V + "/ { /delete-node/ &l; };"), ("KMK1100", 2, V + "/ { /delete-property/; };"), ("KMK1100", 3, V + "/ { };\n/delete-node/ n;"),
        // Values.
        ("KMK1100", 2, V + "/ { a = ; };"), ("KMK1100", 2, V + "/ { a = <1>,; };"), ("KMK1100", 2, V + "/ { a = <1> <2>; };"), ("KMK1100", 2, V + "/ { a = 1; };"),
        ("KMK1100", 2, V + "/ { a = <1; };"), ("KMK1100", 2, V + "/ { a = <1 -1>; };"), ("KMK1100", 2, V + "/ { a = <1 + 1>; };"), ("KMK1100", 2, V + "/ { a = <0x>; };"),
        ("KMK1100", 2, V + "/ { a = <12abc>; };"), ("KMK1100", 2, V + "/ { a = <FOO>; };"), ("KMK1100", 2, V + "/ { a = <\"s\">; };"),
        ("KMK1200", 2, V + "/ { a = <08>; };"), ("KMK1200", 2, V + "/ { a = <0x10000000000000000>; };"), ("KMK1200", 2, V + "/ { a = /bits/ 64 <18446744073709551616>; };"),
        ("KMK1201", 3, V + "/ {\n\ta = <0x1ffffffff>; };"), ("KMK1201", 2, V + "/ { a = /bits/ 8 <256>; };"), ("KMK1201", 2, V + "/ { a = /bits/ 16 <(-65537)>; };"),
        ("KMK1202", 2, V + "/ { a = <(1 / 0)>; };"), ("KMK1202", 2, V + "/ { a = <(1 % (2 - 2))>; };"), ("KMK1203", 2, V + "/ { a = /bits/ 12 <1>; };"),
        ("KMK1100", 2, V + "/ { a = /bits/ (8) <1>; };"), ("KMK1100", 2, V + "/ { a = /bits/ 8 \"x\"; };"), ("KMK1204", 2, V + "/ { a = /bits/ 64 <&{/}>; };"),
        ("KMK1205", 2, V + "/ { a = <''>; };"), ("KMK1205", 2, V + "/ { a = <'ab'>; };"), ("KMK1206", 2, V + "/ { a = \"\\xg\"; };"),
        ("KMK1100", 2, V + "/ { a = <(1>; };"), ("KMK1100", 2, V + "/ { a = <(1 + )>; };"), ("KMK1100", 2, V + "/ { a = <(1 ? 2)>; };"), ("KMK1100", 2, V + "/ { a = <()>; };"),
        ("KMK1100", 2, V + "/ { a = [0]; };"), ("KMK1100", 2, V + "/ { a = [abc]; };"), ("KMK1100", 2, V + "/ { a = [0 0]; };"), ("KMK1100", 2, V + "/ { a = [gg]; };"),
        ("KMK1104", 2, V + "/ { a = \"x; };"), ("KMK1104", 2, V + "/ { a = <'x>; };"), ("KMK1100", 2, V + "/ { a = & x; };"), ("KMK1100", 2, V + "/ { a = &{x}; };"),
        ("KMK1100", 2, V + "/ { a = &{/x; };"), ("KMK1208", 2, V + "/ { a = /incbin/(\"none.bin\"); };"), ("KMK1100", 2, V + "/ { a = /incbin/(\"none.bin\", 1); };"),
        ("KMK1100", 2, V + "/ { a = /incbin/(none); };"),
        // The tree.
        ("KMK1300", 3, V + "/ {\n\ta = <&none>; };"), ("KMK1300", 2, V + "/ { a = &{/none}; };"), ("KMK1301", 3, V + "/ { };\n&none { };"), ("KMK1301", 3, V + "/ { };\n/delete-node/ &none;"),
        ("KMK1301", 3, V + "/ { };\n/omit-if-no-ref/ &none;"), ("KMK1301", 4, V + "/ { l: n { }; };\n/delete-node/ &l;\n&l { };"), ("KMK1301", 2, V + "&l { };\n/ { l: n { }; };"),
        ("KMK1302", 3, V + "/ { x: n { };\nx: m { }; };"), ("KMK1302", 2, V + "/ { x: a; x: n { }; };"), ("KMK1302", 2, V + "/ { a = <x: 1>, x: <2>; };"),
        ("KMK1303", 3, V + "/ { n { };\nn { }; };"), ("KMK1303", 2, V + "/ { n { }; /delete-node/ n; };"), ("KMK1304", 3, V + "/ { a;\na = <1>; };"),
        ("KMK1305", 2, V + "/ { n#x { }; };"), ("KMK1305", 2, V + "/ { n@1@2 { }; };"), ("KMK1306", 2, V + "/ { a@b; };"),
        ("KMK1307", 2, V + "/ { phandle = <0>; };"), ("KMK1307", 2, V + "/ { phandle = <0xffffffff>; };"), ("KMK1307", 2, V + "/ { phandle = <1 2>; };"), ("KMK1307", 2, V + "/ { phandle; };"),
        ("KMK1307", 2, V + "/ { a { phandle = <&b>; }; b: b { }; };"), ("KMK1307", 2, V + "/ { phandle = <1>; linux,phandle = <2>; };"),
        ("KMK1308", 3, V + "/ { a { phandle = <1>; };\nb { phandle = <1>; }; };"), ("KMK1309", 2, V + "/ { n { name = <1>; }; };"), ("KMK1309", 2, V + "/ { n { name = \"m\"; }; };"),
        // The preprocessor.
        ("KMK1000", 2, V + "#include \"none.h\"\n/ { };"), ("KMK1000", 2, V + "#include <none.h>\n/ { };"), ("KMK1000", 2, V + "/include/ \"none.dtsi\"\n/ { };"),
        ("KMK1002", 2, V + "#include\n/ { };"), ("KMK1002", 2, V + "#include FOO\n/ { };"), ("KMK1002", 2, V + "#include \"\"\n/ { };"), ("KMK1002", 2, V + "#undef 3\n/ { };"),
        ("KMK1002", 2, V + "#ifdef\n#endif\n/ { };"), ("KMK1002", 2, V + "#ifdef 3\n#endif\n/ { };"), ("KMK1002", 2, V + "#line x\n/ { };"), ("KMK1003", 2, V + "#if 1\n/ { };"),
        ("KMK1003", 2, V + "#ifdef X\n/ { };"), ("KMK1004", 3, V + "/ { };\n#endif"), ("KMK1004", 2, V + "#else\n/ { };"), ("KMK1004", 5, V + "/ { };\n#if 1\n#else\n#else\n#endif"),
        ("KMK1004", 5, V + "/ { };\n#if 0\n#else\n#elif 1\n#endif"), ("KMK1005", 2, V + "#if\n#endif\n/ { };"), ("KMK1005", 2, V + "#if 1 +\n#endif\n/ { };"), ("KMK1005", 2, V + "#if (1\n#endif\n/ { };"),
        ("KMK1005", 2, V + "#if 1 2\n#endif\n/ { };"), ("KMK1005", 2, V + "#if 1/0\n#endif\n/ { };"), ("KMK1005", 2, V + "#if 08\n#endif\n/ { };"), ("KMK1005", 2, V + "#if FOO(1)\n#endif\n/ { };"),
        ("KMK1005", 2, V + "#if defined\n#endif\n/ { };"), ("KMK1005", 2, V + "#if \"x\"\n#endif\n/ { };"), ("KMK1005", 3, V + "#if 0\n#elif 1 ? 2\n#endif\n/ { };"), ("KMK1006", 2, V + "#error no\n/ { };"),
        ("KMK1009", 3, V + "#define F(a, b) a\n/ { a = <F(1)>; };"), ("KMK1009", 3, V + "#define F(a) a\n/ { a = <F(1, 2)>; };"), ("KMK1009", 3, V + "#define F() 1\n/ { a = <F(2)>; };"),
        ("KMK1009", 3, V + "#define F(a) a\n/ { a = <F(1; };"), ("KMK1010", 2, V + "#define\n/ { };"), ("KMK1010", 2, V + "#define 3\n/ { };"), ("KMK1010", 2, V + "#define defined\n/ { };"),
        ("KMK1010", 2, V + "#define F(a a\n/ { };"), ("KMK1010", 2, V + "#define F(a,a) a\n/ { };"), ("KMK1010", 2, V + "#define F(a) ## a\n/ { };"), ("KMK1010", 2, V + "#define F a ##\n/ { };"),
        ("KMK1010", 2, V + "#define F(..., a) a\n/ { };"), ("KMK1012", 3, V + "/ { };\n/* open"), ("KMK1012", 2, V + "#define A /* open\n/ { };"),
        // -: dtc writes the shorter value, or goes on to the bounds of the machine.
        ("-KMK1105", 2, V + "/ { a = <" + new string('(', 300) + "1" + new string(')', 300) + ">; };"),
    ];

    private static IEnumerable<TestCaseData> Rejected => Cases.Select((c, i) => new TestCaseData(c.Id.TrimStart('-'), c.Line, c.Text).SetArgDisplayNames($"{i:000}", c.Id));

    private static IEnumerable<TestCaseData> RejectedByWitness =>
        Cases.Select((c, i) => (Case: c, Index: i)).Where(c => c.Case.Id[0] != '-').Select(c => new TestCaseData(c.Case.Text).SetArgDisplayNames($"{c.Index:000}", c.Case.Id));

    [TestCaseSource(nameof(Rejected))]
    public void A_malformed_source_is_refused_by_its_rule_on_its_line(string id, int line, string text)
    {
        var result = SourceFiles.CompileText(text);

        var first = result.Diagnostics.FirstOrDefault(d => d.Severity == DiagnosticSeverity.Error);
        Assert.That(first, Is.Not.Null);
        Assert.That((first!.Id, first.Span.StartPosition.Line + 1), Is.EqualTo((id, line)), string.Join("\n", result.Diagnostics));
        Assert.That(first.Span.IsKnown);
        Assert.That(result.Tree, Is.Null);
    }

    [TestCaseSource(nameof(RejectedByWitness))]
    public void The_witness_refuses_it_too(string text)
    {
        SourceDtc.Require();
        Assert.That(SourceDtc.CompileText(text), Is.Null);
    }
}
