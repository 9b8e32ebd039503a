using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Artifacts;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Artifacts;

/// <summary>The set of files that a board gives.</summary>
internal sealed class ArtifactSetTests
{
    [Test]
    public void Suffixes_are_unique_and_none_is_that_of_a_board_s_own_files()
    {
        var suffixes = ArtifactTable.All.Select(kind => kind.Suffix).ToList();

        Assert.That(suffixes, Is.Unique);
        Assert.That(suffixes, Has.None.AnyOf(".dts", ".dtb", ".dtsi", ".h", "_defconfig"));
        Assert.That(ArtifactTable.Names, Has.All.Match("^[a-z-]+$"));
    }

    [Test]
    public void A_board_without_errors_gives_every_kind_it_has_something_for([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var compilation = RepositoryBoards.Compile(board);
        var artifacts = ArtifactSet.Write(compilation);
        var needsPlan = compilation.MpuPlan is null ? ["mpu"] : Array.Empty<string>();

        Assert.That(artifacts.Select(a => a.Kind.Name).Union(needsPlan), Is.SupersetOf(new[] { "dts", "dtb", "json" }));
        foreach (var artifact in artifacts)
        {
            Assert.That(artifact.FileName, Is.EqualTo(compilation.Name + artifact.Kind.Suffix));
            Assert.That(artifact.Bytes, Is.Not.Empty, artifact.FileName);
            if (artifact.Kind.Name != "dtb" && !artifact.FileName.EndsWith(".bin", StringComparison.Ordinal))
            {
                var text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString([.. artifact.Bytes]);
                Assert.That(text, Does.Not.Contain("\r").And.EndsWith("\n"), artifact.FileName);
                Assert.That(text, Does.Not.StartWith("\uFEFF"), artifact.FileName);
            }
        }
    }

    [Test]
    public void Neither_the_place_of_the_repository_nor_the_culture_nor_a_second_run_changes_a_byte([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var here = ArtifactSet.Write(RepositoryBoards.Compile(board));
        var culture = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = Odd();
            var there = ArtifactSet.Write(RepositoryBoards.Compile(board, "/some/where else/boards"));

            foreach (var (left, right) in here.Zip(there))
                Assert.That(Encoding.UTF8.GetString([.. right.Bytes]), Is.EqualTo(Encoding.UTF8.GetString([.. left.Bytes])), left.FileName);
            Assert.That(there.Length, Is.EqualTo(here.Length));
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    // Numbers that a writer formats by the culture of the day come out wrong in this one.
    private static CultureInfo Odd()
    {
        var culture = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        culture.NumberFormat.NumberDecimalSeparator = ",";
        culture.NumberFormat.NegativeSign = "~";
        culture.NumberFormat.NumberGroupSeparator = ".";
        return culture;
    }

    [Test]
    public void Kinds_are_chosen_by_name_and_an_unknown_name_is_refused()
    {
        var kinds = ArtifactTable.Named(["json", "dtb"]);

        Assert.That(kinds.Select(kind => kind.Name), Is.EqualTo(new[] { "dtb", "json" }));
        Assert.That(ArtifactSet.Write(RepositoryBoards.Compile("seed/ex1"), kinds).Select(a => a.FileName), Is.EqualTo(new[] { "ex1.kmem.dtb", "ex1.layout.json" }));
        Assert.That(() => ArtifactTable.Named(["yaml"]), Throws.ArgumentException.With.Message.Contains("yaml").And.Message.Contains("dtb"));
    }

    [Test]
    public void A_board_with_an_error_gives_nothing()
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("b.dts", "/dts-v1/;\n/ { memory@0 { device_type = \"memory\"; reg = <0 1 2>; }; };\n")));

        Assert.That(compilation.HasErrors);
        Assert.That(ArtifactSet.Write(compilation), Is.Empty);
    }

    [TestCase("bad", "KMK5063")]
    [TestCase("good", null)]
    public void Tables_that_cannot_be_planned_are_left_out_with_the_reason(string name, string? finding)
    {
        var folder = Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics", "KMK5063");
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile(name + ".dts", File.ReadAllText(Path.Combine(folder, name + ".dts"))))
        {
            Defconfig = new SourceFile(name + "_defconfig", File.ReadAllText(Path.Combine(folder, name + "_defconfig"))), RequireLayout = true,
        });

        var left = ArtifactSet.LeftOut(compilation);

        Assert.That(compilation.HasErrors, Is.False, string.Join('\n', compilation.Diagnostics));
        Assert.That(left.Select(d => (d.Id, d.Span.IsKnown)), Is.EqualTo(finding is null ? [] : new[] { (finding, true) }));
        Assert.That(left.All(d => d.Message.Contains("KMK5022", StringComparison.Ordinal)), string.Join('\n', left));
        Assert.That(ArtifactSet.Write(compilation).Any(a => a.Kind.Name == "tables"), Is.EqualTo(finding is null));
        Assert.That(ArtifactSet.LeftOut(compilation, ArtifactTable.Named(["json"])), Is.Empty);
    }

    [Test]
    public void A_tree_whose_boot_loader_fills_the_memory_in_still_gives_its_tree()
    {
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("b.dts", "/dts-v1/;\n/ { compatible = \"a,b\"; };\n")));

        Assert.That(compilation.Layout, Is.Null);
        Assert.That(ArtifactSet.Write(compilation).Select(a => a.Kind.Name), Is.EqualTo(new[] { "dts", "dtb" }));
    }
}
