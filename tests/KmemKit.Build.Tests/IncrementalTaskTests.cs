using System;
using System.IO;
using System.Linq;
using KmemKit.Build.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>Which boards a build makes again, and which files it touches.</summary>
[TestFixture]
internal sealed class IncrementalTaskTests
{
    private BoardProject _project = null!;

    // a includes shared.dtsi; b includes it through middle.h; c includes nothing. a has a policy.
    [SetUp]
    public void BuildThreeBoards()
    {
        _project = new BoardProject()
            .Write("boards/shared.dtsi", "/* shared */\n")
            .Write("boards/middle.h", "#include \"shared.dtsi\"\n")
            .Write("boards/a/a.dts", Samples.Board(before: "#include \"../shared.dtsi\"\n"))
            .Write("boards/a/a_defconfig", "CONFIG_ARM=y\n")
            .Write("boards/b/b.dts", Samples.Board(before: "#include \"../middle.h\"\n"))
            .Write("boards/c/c.dts", Samples.Board())
            .Board("boards/a/a.dts", ("Defconfig", "boards/a/a_defconfig"))
            .Board("boards/b/b.dts")
            .Board("boards/c/c.dts");
        var first = _project.Run();
        Assert.That(first.Errors, Is.Empty);
        Assert.That(first.Built, Is.EqualTo(new[] { "a.dts", "b.dts", "c.dts" }));
        Assert.That(first.Artifacts, Has.Member("obj/kmem/a/a.layout.json").And.Member("obj/kmem/c/c.layout.json"));
        Assert.That(first.Artifacts.Select(a => File.Exists(_project[a])), Has.All.True);
    }

    [TearDown]
    public void RemoveProject() => _project.Dispose();

    [Test]
    public void Second_build_makes_nothing_and_touches_no_file()
    {
        var before = _project.Times();
        var artifacts = _project.Run();
        Assert.That(artifacts.Built, Is.Empty);
        Assert.That(artifacts.Artifacts, Has.Length.GreaterThanOrEqualTo(3), "they are named all the same");
        Assert.That(_project.Times(), Is.EqualTo(before));
    }

    [Test]
    public void Touched_include_makes_exactly_the_boards_that_reach_it_and_rewrites_no_artifact()
    {
        var before = _project.Times();
        Assert.That(_project.Touch("boards/shared.dtsi").Run().Built, Is.EqualTo(new[] { "a.dts", "b.dts" }));
        Assert.That(_project.Touch("boards/middle.h").Run().Built, Is.EqualTo(new[] { "b.dts" }));
        Assert.That(_project.Run().Built, Is.Empty);
        var after = _project.Times();
        foreach (var artifact in before.Keys.Where(f => f.EndsWith(".layout.json", StringComparison.Ordinal)))
            Assert.That(after[artifact], Is.EqualTo(before[artifact]), artifact);
    }

    [Test]
    public void Edited_board_makes_that_board_and_its_artifact_changes()
    {
        var before = File.ReadAllText(_project["obj/kmem/c/c.layout.json"]);
        Assert.That(_project.Write("boards/c/c.dts", Samples.Board("0x90000000")).Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(File.ReadAllText(_project["obj/kmem/c/c.layout.json"]), Is.Not.EqualTo(before).And.Contain("\"start\":\"0x90000000\""));
    }

    [Test]
    public void Edited_defconfig_makes_its_board() =>
        Assert.That(_project.Write("boards/a/a_defconfig", "CONFIG_ARM=y\nCONFIG_PAGE_OFFSET=0x80000000\n").Run().Built, Is.EqualTo(new[] { "a.dts" }));

    [TestCase("Bootargs", "vmalloc=300M")]
    [TestCase("EmitDts", "true")]
    [TestCase("EmitJson", "false")]
    [TestCase("OutputDir", "out")]
    public void Changed_setting_of_an_item_makes_its_board(string name, string value) =>
        Assert.That(_project.Board("boards/c/c.dts", (name, value)).Run().Built, Is.EqualTo(new[] { "c.dts" }));

    [Test]
    public void Include_path_is_every_boards()
    {
        _project.IncludePaths = ["include"];
        Assert.That(_project.Run().Built, Has.Length.EqualTo(3));
        Assert.That(_project.Run().Built, Is.Empty);
    }

    [Test]
    public void New_file_in_front_of_an_include_makes_the_board()
    {
        _project.IncludePaths = ["first", "second"];
        _project.Write("second/ram.h", "#define RAM 0x80000000\n").Write("boards/c/c.dts", Samples.Board("RAM", before: "#include <ram.h>\n"));
        Assert.That(_project.Run().Errors, Is.Empty);
        Assert.That(_project.Write("first/ram.h", "#define RAM 0x90000000\n").Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(File.ReadAllText(_project["obj/kmem/c/c.layout.json"]), Does.Contain("\"start\":\"0x90000000\""));
    }

    [Test]
    public void Edited_or_missing_artifact_is_made_again()
    {
        var artifact = _project["obj/kmem/c/c.layout.json"];
        var good = File.ReadAllText(artifact);
        File.AppendAllText(artifact, "by hand\n");
        Assert.That(_project.Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(File.ReadAllText(artifact), Is.EqualTo(good));
        File.Delete(artifact);
        Assert.That(_project.Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(File.ReadAllText(artifact), Is.EqualTo(good));
    }

    [TestCase("")]
    [TestCase("kmemkit-record 1\n")]
    [TestCase("kmemkit-record 1\nkey x\nread 12\n")]
    [TestCase("kmemkit-record 1\nkey x\nmade json 1 2\n")]
    [TestCase("something else\n")]
    public void Record_that_cannot_be_understood_makes_the_board(string record)
    {
        Assert.That(_project.Write("obj/kmem/c/c.record", record).Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(_project.Run().Built, Is.Empty);
    }

    [Test]
    public void Added_board_makes_itself_only() =>
        Assert.That(_project.Write("boards/d/d.dts", Samples.Board()).Board("boards/d/d.dts").Run().Built, Is.EqualTo(new[] { "d.dts" }));

    [Test]
    public void Removed_board_takes_its_files_along()
    {
        _project.Board("boards/c/c.dts", ("OutputDir", "out"));
        _project.Run();
        Assert.That(_project["out/c.layout.json"], Does.Exist);
        Assert.That(_project["obj/kmem/c/c.layout.json"], Does.Not.Exist, "it moved");
        Assert.That(_project.Remove("boards/c/c.dts").Run().Built, Is.Empty);
        Assert.That(Directory.EnumerateFiles(_project["out"]).Concat(Directory.EnumerateFiles(_project["obj/kmem/c"])), Is.Empty);
        Assert.That(_project["obj/kmem/b/b.layout.json"], Does.Exist);
    }

    [Test]
    public void Without_boards_nothing_of_them_is_left()
    {
        _project.Remove("boards/a/a.dts").Remove("boards/b/b.dts").Remove("boards/c/c.dts");
        Assert.That(_project.Run().Succeeded);
        Assert.That(Directory.EnumerateFiles(_project.StateFolder, "*", SearchOption.AllDirectories), Is.Empty);
    }

    [Test]
    public void One_source_under_two_policies_is_two_boards()
    {
        _project.Board("boards/c/c.dts", ("Name", "Second"), ("Bootargs", "vmalloc=300M"));
        Assert.That(_project.Run().Built, Is.EqualTo(new[] { "c.dts" }));
        Assert.That(File.ReadAllText(_project["obj/kmem/Second/c.layout.json"]), Is.Not.EqualTo(File.ReadAllText(_project["obj/kmem/c/c.layout.json"])));
    }

    [Test]
    public void Board_with_an_error_is_made_until_it_is_right_and_the_others_are_not()
    {
        _project.Write("boards/b/b.dts", Samples.Board().Replace("<1>;\n\tcompatible", "<1>\n\tcompatible", StringComparison.Ordinal));
        for (var i = 0; i < 2; i++)
        {
            var result = _project.Run();
            Assert.That(result.Succeeded, Is.False);
            Assert.That(result.Errors, Is.EqualTo(new[] { "boards/b/b.dts(5): KMK1100" }));
            Assert.That(result.Built, Is.EqualTo(new[] { "b.dts" }));
        }
        Assert.That(_project.Write("boards/b/b.dts", Samples.Board()).Run().Built, Is.EqualTo(new[] { "b.dts" }));
        Assert.That(_project.Run().Built, Is.Empty);
    }
}
