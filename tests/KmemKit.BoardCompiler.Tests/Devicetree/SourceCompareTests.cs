using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Our blob of a source is the blob that cpp and dtc make of it, to the byte: order, phandle numbers, boot cpu and all.
[TestFixture]
internal sealed class SourceCompareTests
{
    private static IEnumerable<string> Vectors => Directory.GetFiles(SourceFiles.VectorFolder, "*.dts").Select(Path.GetFileName).OfType<string>().Order(StringComparer.Ordinal);

    [TestCaseSource(nameof(Vectors))]
    public void A_source_becomes_the_blob_that_dtc_makes_of_it(string file)
    {
        SourceDtc.Require();
        var expected = SourceDtc.Compile(SourceFiles.VectorFolder, file);
        Assert.That(expected, Is.Not.Null, "cpp and dtc take the vector");

        var result = SourceFiles.InFolder(SourceFiles.VectorFolder).Compile(file);

        Assert.That(result.Tree, Is.Not.Null, string.Join("\n", result.Diagnostics));
        Assert.That(FdtWriter.Write(result.Tree!), Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Vectors))]
    public void With_symbols_it_becomes_the_blob_of_dtc_with_symbols(string file)
    {
        SourceDtc.Require();
        var expected = SourceDtc.Compile(SourceFiles.VectorFolder, file, "-@");
        Assert.That(expected, Is.Not.Null, "cpp and dtc take the vector");

        var result = SourceFiles.InFolder(SourceFiles.VectorFolder).Compile(file, new DtsOptions { GenerateSymbols = true });

        Assert.That(result.Tree, Is.Not.Null, string.Join("\n", result.Diagnostics));
        Assert.That(FdtWriter.Write(result.Tree!), Is.EqualTo(expected));
    }

    [TestCaseSource(nameof(Vectors))]
    public void Text_that_cpp_has_expanded_becomes_the_same_blob(string file)
    {
        SourceDtc.Require();
        var direct = SourceFiles.InFolder(SourceFiles.VectorFolder).Compile(file);
        var expanded = SourceDtc.Preprocess(SourceFiles.VectorFolder, file);

        var result = DtsCompiler.Compile(new SourceFile("expanded.dts", expanded), SourceFiles.InFolder(SourceFiles.VectorFolder));

        Assert.That(result.Tree, Is.Not.Null, string.Join("\n", result.Diagnostics));
        Assert.That(FdtWriter.Write(result.Tree!), Is.EqualTo(FdtWriter.Write(direct.Tree!)));
    }

    [Test]
    public void An_overlay_by_reference_is_the_same_as_its_text_at_the_end_of_the_source()
    {
        SourceDtc.Require();
        const string Board = "/dts-v1/;\n/ { a: a { x = <1>; }; b { r = <&a>; }; };\n";
        const string First = "/dts-v1/;\n&a { x = <2>; c: c { }; };\n";
        const string Second = "#define N 3\n&c { y = <N &a>; };\n&{/b} { /delete-property/ r; };\n/ { z; };\n";

        var result = SourceFiles.CompileText(Board, new DtsOptions
        {
            Overlays = [new SourceFile("first.dtso", First), new SourceFile("second.dtso", Second)],
        });

        var expected = SourceDtc.CompileText(Board + First.Replace("/dts-v1/;", "", StringComparison.Ordinal) + Second);
        Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error), Is.Empty);
        Assert.That(FdtWriter.Write(result.Tree!), Is.EqualTo(expected));
    }
}
