extern alias generator;

using System;
using System.Linq;
using generator::KmemKit.BoardCompiler.Boards;
using generator::KmemKit.Generators;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>What KmemBoard items are refused for, each beside a board that is not concerned.</summary>
[TestFixture]
internal sealed class BoardItemDiagnosticsTests
{
    private static readonly string Good = Samples.Arm("<0x0 0x10000000>");

    private static void AssertOnly(GeneratorProject project, string id, string path)
    {
        Assert.That(project.Result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { id }));
        var diagnostic = project.Result.Diagnostics[0];
        Assert.That(diagnostic.Severity, Is.EqualTo(DiagnosticSeverity.Error));
        Assert.That(diagnostic.Location.GetLineSpan().Path, Is.EqualTo(path));
        Assert.That(project.Result.GeneratedSources.Select(s => s.HintName), Has.One.EqualTo("Boards.Good.Board.g.cs"));
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(2));
    }

    [TestCase("/p/---.dts", "Name=")]
    [TestCase("/p/x.dts", "Name=two%20words")]
    [TestCase("/p/x.dts", "Name=class")]
    [TestCase("/p/x.dts", "Name=1x")]
    [TestCase("/p/banks.dts", "Name=")]
    public void Unusable_name_is_KMK0100(string path, string request) =>
        AssertOnly(new GeneratorProject().Board("/p/good.dts", Good).Board(path, Good, request).Run(), "KMK0100", path);

    [TestCase("a..b")]
    [TestCase("1a")]
    [TestCase("a.namespace")]
    public void Unusable_namespace_is_KMK0101(string ns) =>
        AssertOnly(new GeneratorProject().Board("/p/good.dts", Good).Board("/p/x.dts", Good, "Namespace=" + ns).Run(), "KMK0101", "/p/x.dts");

    [TestCase("/q/good.dts", "Name=")]
    [TestCase("/p/x.dts", "Name=Good")]
    [TestCase("/p/x.dts", "Name=GOOD")]
    public void Name_that_is_taken_is_KMK0102(string path, string request) =>
        AssertOnly(new GeneratorProject().Board("/p/good.dts", Good).Board(path, Good, request).Run(), "KMK0102", path);

    [Test]
    public void Source_that_cannot_be_read_is_KMK0103() =>
        AssertOnly(new GeneratorProject().Board("/p/good.dts", Good).MissingBoard("/p/gone.dts").Run(), "KMK0103", "/p/gone.dts");

    [Test]
    public void Defconfig_that_is_not_there_is_KMK0104() => AssertOnly(
        new GeneratorProject().Board("/p/good.dts", Good).Board("/p/x.dts", Good, "Defconfig=%2Fp%2Fx_defconfig").Run(), "KMK0104", "/p/x.dts");

    [Test]
    public void Fault_of_the_board_compiler_is_KMK0199_and_names_the_fault()
    {
        var project = new GeneratorProject(new BoardGenerator(Faulty)).Board("/p/good.dts", Good).Board("/p/x.dts", Good).Run();
        AssertOnly(project, "KMK0199", "/p/x.dts");
        Assert.That(project.Result.Diagnostics[0].GetMessage(), Does.Contain("ArithmeticException").And.Contain("one and one is three"));

        static BoardCompilation Faulty(BoardInput input) =>
            input.Main.Path == "/p/x.dts" ? throw new ArithmeticException("one and one is three") : BoardPipeline.Compile(input);
    }

    [Test]
    public void Cancelling_is_no_fault()
    {
        var project = new GeneratorProject(new BoardGenerator(static _ => throw new OperationCanceledException())).Board("/p/x.dts", Good).Run();
        Assert.That(project.Result.Diagnostics.Select(d => d.Id), Does.Not.Contain("KMK0199"));
    }

    [Test]
    public void Same_name_in_another_namespace_is_another_board()
    {
        var project = new GeneratorProject().Board("/p/good.dts", Good).Board("/q/good.dts", Good, "Namespace=Other.Place").Run();
        Assert.That(project.Result.Diagnostics, Is.Empty);
        Assert.That(project.Output.GetTypeByMetadataName("Other.Place.Good"), Is.Not.Null);
    }

    [Test]
    public void One_source_may_be_several_boards()
    {
        var project = new GeneratorProject().Board("/p/good.dts", Good, "Name=|Name=Second").Run();
        Assert.That(project.Result.Diagnostics, Is.Empty);
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(4));
    }
}
