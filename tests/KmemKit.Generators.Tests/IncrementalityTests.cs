extern alias generator;

using System.Linq;
using generator::KmemKit.Generators;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NUnit.Framework;
using static Microsoft.CodeAnalysis.IncrementalStepRunReason;

namespace KmemKit.Generators.Tests;

/// <summary>What an edit makes the generator do again, and what not.</summary>
[TestFixture]
internal sealed class IncrementalityTests
{
    private const string A = "/p/boards/a/a.dts";
    private const string B = "/p/boards/b/b.dts";
    private const string C = "/p/boards/c/c.dts";

    // a includes shared.dtsi; b includes it through middle.dtsi; c includes nothing.
    private static GeneratorProject ThreeBoards() => new GeneratorProject()
        .Board(A, "#include \"../shared.dtsi\"\n" + Samples.Arm("<0x0 0x10000000>"), "Name=&Defconfig=%2Fp%2Fboards%2Fa%2Fa_defconfig")
        .Board(B, "#include \"../middle.dtsi\"\n" + Samples.Arm("<0x10000000 0x10000000>"))
        .Board(C, Samples.Arm("<0x20000000 0x10000000>"))
        .Text("/p/boards/shared.dtsi", "/* shared */\n")
        .Text("/p/boards/middle.dtsi", "#include \"shared.dtsi\"\n")
        .Text("/p/boards/a/a_defconfig", "CONFIG_ARM=y\n")
        .Run();

    private static void AssertAllCached(GeneratorProject project)
    {
        Assert.That(project.Reasons(TrackingNames.Compiled), Has.Length.EqualTo(3).And.All.EqualTo(Cached));
        Assert.That(project.Reasons(TrackingNames.Models), Has.Length.EqualTo(3).And.All.EqualTo(Cached));
        Assert.That(project.SourceReasons(), Has.Length.EqualTo(3).And.All.EqualTo(Cached));
    }

    [Test]
    public void First_run_makes_every_board()
    {
        var project = ThreeBoards();
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { New, New, New }));
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(6));
    }

    [Test]
    public void Same_input_runs_nothing() => AssertAllCached(ThreeBoards().Run());

    [Test]
    public void Adding_unrelated_csharp_runs_nothing() =>
        AssertAllCached(ThreeBoards().CSharp("New.cs", "/// <summary>x</summary>\npublic class New;").Run());

    [Test]
    public void Editing_unrelated_csharp_runs_nothing() =>
        AssertAllCached(ThreeBoards().CSharp("Unrelated.cs", "/// <summary>x</summary>\npublic class Unrelated { private int _x; }").Run());

    [Test]
    public void Removing_unrelated_csharp_runs_nothing() =>
        AssertAllCached(ThreeBoards().Edit(c => c.RemoveAllSyntaxTrees()).Run());

    [Test]
    public void Adding_a_reference_runs_nothing() =>
        AssertAllCached(ThreeBoards().Edit(c => c.AddReferences(CSharpCompilation.Create("other").ToMetadataReference())).Run());

    [Test]
    public void Editing_one_board_leaves_the_others_cached()
    {
        var project = ThreeBoards().Text(C, Samples.Arm("<0x20000000 0x20000000>")).Run();
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Cached, Modified }));
        Assert.That(project.SourceReasons(), Is.EqualTo(new[] { Cached, Cached, Modified }));
        Assert.That(project.Source("Boards.C.Board.g.cs"), Does.Contain("0x40000000"));
    }

    [Test]
    public void Editing_an_include_runs_exactly_the_boards_that_reach_it()
    {
        var project = ThreeBoards().Text("/p/boards/shared.dtsi", "/* shared, edited */\n").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Modified, Modified, Unchanged }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Unchanged, Unchanged, Cached }));
    }

    [Test]
    public void Editing_an_include_of_one_board_runs_that_board()
    {
        var project = ThreeBoards().Text("/p/boards/middle.dtsi", "#include \"shared.dtsi\"\n/* edited */\n").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Unchanged, Modified, Unchanged }));
    }

    [Test]
    public void Editing_a_text_that_no_board_reaches_runs_nothing() =>
        AssertAllCached(ThreeBoards().Text("/p/boards/nobody.dtsi", "/* nobody's */\n").Run());

    [Test]
    public void Editing_a_defconfig_runs_its_board()
    {
        var project = ThreeBoards().Text("/p/boards/a/a_defconfig", "CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=0x80000000\n").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Modified, Unchanged, Unchanged }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Modified, Cached, Cached }));
    }

    [Test]
    public void A_comment_at_the_end_is_compiled_but_writes_no_code_again()
    {
        var project = ThreeBoards().Text(C, Samples.Arm("<0x20000000 0x10000000>") + "/* the end */\n").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs)[2], Is.EqualTo(Modified));
        Assert.That(project.Reasons(TrackingNames.Models)[2], Is.AnyOf(Unchanged, Cached));
        Assert.That(project.SourceReasons(), Is.EqualTo(new[] { Cached, Cached, Cached }));
    }

    [Test]
    public void A_new_include_in_front_of_the_old_one_is_seen()
    {
        var project = new GeneratorProject().IncludePath("/p/first|/p/second")
            .Board(A, Samples.Head + "#include <ram.h>\n" + Samples.Arm("<RAM>").Substring(Samples.Head.Length))
            .Text("/p/second/ram.h", "#define RAM 0x0 0x10000000\n")
            .Run();
        Assert.That(project.Source("Boards.A.Board.g.cs"), Does.Contain("0x10000000"));
        project.Text("/p/first/ram.h", "#define RAM 0x0 0x20000000\n").Run();
        Assert.That(project.Source("Boards.A.Board.g.cs"), Does.Contain("0x20000000"));
    }

    [Test]
    public void Adding_a_board_makes_that_board()
    {
        var project = ThreeBoards().Board("/p/boards/d/d.dts", Samples.Arm("<0x30000000 0x10000000>")).Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Unchanged, Unchanged, Unchanged, New }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Cached, Cached, New }));
        Assert.That(project.SourceReasons(), Is.EqualTo(new[] { Cached, Cached, Cached, New }));
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(8));
    }

    [Test]
    public void Removing_the_last_board_makes_no_other_and_removes_its_code()
    {
        var project = ThreeBoards().RemoveText(C).Run();
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Cached, Removed }));
        Assert.That(project.Result.GeneratedSources.Select(s => s.HintName), Has.None.StartsWith("Boards.C."));
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(4));
    }

    // The compiler tells the boards behind it by their places, so those are compared anew; but equal inputs make no code again.
    [Test]
    public void Removing_a_board_in_the_middle_removes_its_code_and_leaves_the_others()
    {
        var before = ThreeBoards();
        var c = before.Source("Boards.C.Board.g.cs");
        var project = before.RemoveText(B).Run();
        Assert.That(project.Result.GeneratedSources.Select(s => s.HintName), Has.None.StartsWith("Boards.B."));
        Assert.That(project.Result.GeneratedSources, Has.Length.EqualTo(4));
        Assert.That(project.Source("Boards.C.Board.g.cs"), Is.EqualTo(c));
        Assert.That(project.Reasons(TrackingNames.Compiled)[0], Is.EqualTo(Cached));
    }

    [Test]
    public void Adding_an_include_that_was_missing_makes_the_board_that_names_it()
    {
        var project = ThreeBoards().Text(C, "#include \"late.dtsi\"\n" + Samples.Arm("<0x20000000 0x10000000>")).Run();
        Assert.That(project.Result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1000" }));
        project.Text("/p/boards/c/late.dtsi", "/* here */\n").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Unchanged, Unchanged, Modified }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Cached, Modified }));
        Assert.That(project.Result.Diagnostics, Is.Empty);
    }

    [Test]
    public void Removing_an_include_makes_exactly_the_boards_that_reach_it()
    {
        var project = ThreeBoards().RemoveText("/p/boards/middle.dtsi").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Unchanged, Modified, Unchanged }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Modified, Cached }));
        Assert.That(project.Result.Diagnostics.Select(d => d.Id), Is.EqualTo(new[] { "KMK1000" }));
    }

    [Test]
    public void Adding_a_defconfig_makes_its_board()
    {
        const string Policy = "/p/boards/c/c_defconfig";
        var project = ThreeBoards().Text(Policy, "CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=0x80000000\n")
            .Request(C, "Name=&Defconfig=" + System.Uri.EscapeDataString(Policy)).Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Unchanged, Unchanged, Modified }));
        Assert.That(project.Reasons(TrackingNames.Compiled), Is.EqualTo(new[] { Cached, Cached, Modified }));
        Assert.That(project.Source("Boards.C.Board.g.cs"), Does.Contain("0x80000000"));
    }

    [Test]
    public void Removing_a_defconfig_makes_its_board()
    {
        var project = ThreeBoards().RemoveText("/p/boards/a/a_defconfig").Request(A, "Name=").Run();
        Assert.That(project.Reasons(TrackingNames.Inputs), Is.EqualTo(new[] { Modified, Unchanged, Unchanged }), string.Join(' ', project.Reasons(TrackingNames.Inputs)));
        Assert.That(project.Reasons(TrackingNames.Compiled).Skip(1), Is.All.EqualTo(Cached));
    }

    [Test]
    public void Without_boards_no_text_is_read_and_nothing_is_made()
    {
        var project = new GeneratorProject().Text("/p/x.dtsi", "/ {};").Text("/p/y.h", "#define Y").Run();
        Assert.That(project.Result.GeneratedSources, Is.Empty);
        Assert.That(project.Result.Diagnostics, Is.Empty);
        Assert.That(project.Reasons(TrackingNames.Texts), Is.Empty);
    }
}
