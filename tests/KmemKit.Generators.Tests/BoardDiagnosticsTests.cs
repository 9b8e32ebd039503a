using System.Linq;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>Findings of the board compiler, as the compiler shows them: on the line of the board's own text.</summary>
[TestFixture]
internal sealed class BoardDiagnosticsTests
{
    [Test]
    public void Syntax_error_is_on_its_line_and_column()
    {
        var text = "/dts-v1/;\n/ {\n\tmodel = ;\n};\n";
        var diagnostic = new GeneratorProject().Board("/p/a.dts", text).Run().Result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error);
        var span = diagnostic.Location.GetLineSpan();
        Assert.That(span.Path, Is.EqualTo("/p/a.dts"));
        Assert.That(span.StartLinePosition.Line, Is.EqualTo(2));
        Assert.That(diagnostic.Id, Does.StartWith("KMK1"));
        Assert.That(diagnostic.Location.SourceSpan.Start, Is.EqualTo(text.IndexOf(';', 12)));
        Assert.That(diagnostic.ToString(), Does.StartWith("/p/a.dts(3,"));
    }

    [Test]
    public void Error_in_an_include_is_on_the_includes_line()
    {
        var project = new GeneratorProject()
            .Board("/p/a.dts", "/dts-v1/;\n#include \"bad.dtsi\"\n").Text("/p/bad.dtsi", "/* fine */\n/ { x = <; };\n").Run();
        var span = project.Result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error).Location.GetLineSpan();
        Assert.That((span.Path, span.StartLinePosition.Line), Is.EqualTo(("/p/bad.dtsi", 1)));
    }

    [Test]
    public void Missing_include_is_on_the_line_that_asks_for_it()
    {
        var project = new GeneratorProject().Board("/p/a.dts", "/dts-v1/;\n\n#include \"gone.dtsi\"\n/ {};\n").Run();
        var span = project.Result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error).Location.GetLineSpan();
        Assert.That((span.Path, span.StartLinePosition.Line), Is.EqualTo(("/p/a.dts", 2)));
    }

    [Test]
    public void Finding_about_the_policy_is_on_the_defconfigs_line()
    {
        var project = new GeneratorProject()
            .Board("/p/a.dts", Samples.Arm("<0x0 0x10000000>"), "Defconfig=%2Fp%2Fa_defconfig")
            .Text("/p/a_defconfig", "CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=\"nonsense\"\n").Run();
        var span = project.Result.Diagnostics.First(d => d.Id.StartsWith("KMK2", System.StringComparison.Ordinal)).Location.GetLineSpan();
        Assert.That((span.Path, span.StartLinePosition.Line), Is.EqualTo(("/p/a_defconfig", 1)));
    }

    [Test]
    public void Bootargs_of_the_item_replace_those_of_the_tree()
    {
        var text = Samples.Arm("<0x0 0x10000000>", "\tchosen { bootargs = \"mem=64M@0\"; };\n");
        var tree = new GeneratorProject().Board("/p/a.dts", text).Run().Source("Boards.A.Board.g.cs");
        var item = new GeneratorProject().Board("/p/a.dts", text, "Bootargs=mem%3D128M%400").Run().Source("Boards.A.Board.g.cs");
        Assert.That(tree, Does.Contain("[0x0, 0x4000000), 64 MiB, lowmem"));
        Assert.That(item, Does.Contain("[0x0, 0x8000000), 128 MiB, lowmem"));
    }

    [Test]
    public void Board_without_memory_is_an_error_and_no_type()
    {
        var project = new GeneratorProject()
            .Board("/p/empty.dts", "/dts-v1/;\n/ { #address-cells = <1>; #size-cells = <1>; compatible = \"x,y\";\n" + Samples.Cpu + "};\n")
            .Board("/p/good.dts", Samples.Arm("<0x0 0x10000000>")).Run();
        Assert.That(project.Result.Diagnostics.Where(d => d.DefaultSeverity == DiagnosticSeverity.Error), Is.Not.Empty);
        Assert.That(project.Result.GeneratedSources.Select(s => s.HintName).ToArray(), Has.Length.EqualTo(2).And.All.StartsWith("Boards.Good."));
    }

    [Test]
    public void Error_of_one_board_does_not_stop_the_others()
    {
        var project = new GeneratorProject()
            .Board("/p/a.dts", Samples.Arm("<0x0 0x10000000>")).Board("/p/b.dts", "no devicetree {{{ {0} }").Board("/p/c.dts", Samples.Arm("<0x0 0x10000000>")).Run();
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(4));
        Assert.That(project.Result.Diagnostics.Select(d => d.Location.GetLineSpan().Path).Distinct(), Is.EqualTo(new[] { "/p/b.dts" }));
        Assert.That(project.Result.Exception, Is.Null);
    }

    /// <summary>Its neighbour is the blob, in which the bytes are: the build decodes it to a source with numbers.</summary>
    [Test]
    public void Bytes_of_another_file_are_one_error_that_says_what_to_do()
    {
        var source = Samples.Arm("<0x0 0x10000000>", extra: "\tnode {\n\t\tx = /incbin/(\"a.bin\");\n\t};\n");
        var project = new GeneratorProject().Board("/p/a.dts", source).Board("/p/b.dts", Samples.Arm("<0x0 0x10000000>")).Run();
        var error = project.Result.Diagnostics.Single();
        Assert.That(error.Id, Is.EqualTo("KMK0114"));
        Assert.That(error.Location.GetLineSpan().Path, Is.EqualTo("/p/a.dts"));
        Assert.That(source.Split('\n')[error.Location.GetLineSpan().StartLinePosition.Line], Does.Contain("/incbin/"));
        Assert.That(error.GetMessage(System.Globalization.CultureInfo.InvariantCulture), Does.Contain("kmem dts -O dtb"));
        Assert.That(project.Result.GeneratedSources.Select(s => s.HintName).ToArray(), Has.Length.EqualTo(2).And.All.StartsWith("Boards.B."));
    }

    [Test]
    public void Findings_of_unchanged_boards_are_not_made_again()
    {
        var project = new GeneratorProject().Board("/p/a.dts", "no devicetree").Board("/p/b.dts", Samples.Arm("<0x0 0x10000000>")).Run();
        var before = project.Result.Diagnostics;
        project.Text("/p/b.dts", Samples.Arm("<0x0 0x20000000>")).Run();
        Assert.That(project.Result.Diagnostics, Is.EqualTo(before).And.Not.Empty);
        Assert.That(project.Result.Diagnostics[0], Is.SameAs(before[0]));
    }
}
