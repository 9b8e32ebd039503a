using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.Build.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>Each thing that can be wrong with a board of a project is one error with its place, and the board beside it is built.</summary>
[TestFixture]
internal sealed class BadInputTests
{
    private BoardProject _project = null!;

    [SetUp]
    public void MakeProject() => _project = new BoardProject().Write("good.dts", Samples.Board()).Board("good.dts");

    [TearDown]
    public void RemoveProject() => _project.Dispose();

    private void Expect(string error, string? remedy = null)
    {
        var result = _project.Run();
        Assert.That(result.Succeeded, Is.False);
        Assert.That(result.Errors, Is.EqualTo(new[] { error }), result.Messages);
        if (remedy is not null)
            Assert.That(result.Messages, Does.Contain(remedy));
        Assert.That(result.Built, Has.Member("good.dts"));
        Assert.That(_project["obj/kmem/good/good.layout.json"], Does.Exist);
        Assert.That(result.Artifacts, Has.None.Contains("bad"));
        // A second build says the same, and leaves the good board alone.
        var second = _project.Run();
        Assert.That(second.Errors, Is.EqualTo(result.Errors));
        Assert.That(second.Built, Has.No.Member("good.dts"));
    }

    [Test]
    public void Missing_source()
    {
        _project.Board("bad.dts");
        Expect("bad.dts: KMK0103", "Include=");
    }

    [Test]
    public void Missing_defconfig()
    {
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("Defconfig", "gone_defconfig"));
        Expect("bad.dts: KMK0104", "gone_defconfig");
    }

    [Test]
    public void Malformed_defconfig_names_its_line()
    {
        _project.Write("bad.dts", Samples.Board()).Write("bad_defconfig", "CONFIG_ARM=y\nwhat is this\n").Board("bad.dts", ("Defconfig", "bad_defconfig"));
        Expect("bad_defconfig(2): KMK2001");
    }

    [Test]
    public void Missing_include_names_the_line()
    {
        _project.Write("bad.dts", Samples.Board(before: "\n#include \"gone.dtsi\"\n")).Board("bad.dts");
        Expect("bad.dts(3): KMK1000", "gone.dtsi");
    }

    [Test]
    public void Error_in_an_include_names_the_includes_line()
    {
        _project.Write("part.dtsi", "\n\n/ { x = <1> };\n").Write("bad.dts", Samples.Board(before: "#include \"part.dtsi\"\n")).Board("bad.dts");
        Expect("part.dtsi(3): KMK1100");
    }

    [Test]
    public void Two_places_are_each_named_once()
    {
        const string Second = "/ { memory@88000000 { device_type = \"memory\"; reg = <0x88000000 0x10000000>; }; };\n";
        var banks = _project.Write("bad.dts", Samples.Board() + Second).Board("bad.dts").Run();
        Assert.That(banks.Errors, Is.EqualTo(new[] { "bad.dts(9): KMK3001" }), banks.Messages);
        Assert.That(Regex.Count(banks.Messages, @"bad\.dts\(7,"), Is.EqualTo(1), banks.Messages);
        var labels = _project.Write("bad.dts", Samples.Board() + "/ { x: a { }; };\n/ { x: b { }; };\n").Run();
        Assert.That(labels.Errors, Is.EqualTo(new[] { "bad.dts(10): KMK1302" }), labels.Messages);
        Assert.That(Regex.Count(labels.Messages, @"bad\.dts\(9,"), Is.EqualTo(1), labels.Messages);
    }

    [Test]
    public void Junk_as_a_blob()
    {
        _project.Write("bad.dtb", Samples.Ascii("MZ this is a program, not a devicetree, and long enough to have a header")).Board("bad.dtb");
        Expect("bad.dtb(1): KMK1501");
    }

    [Test]
    public void Empty_blob()
    {
        _project.Write("bad.dtb", []).Board("bad.dtb");
        Expect("bad.dtb(1): KMK1500");
    }

    [Test]
    public void Cut_blob()
    {
        _project.Write("bad.dtb", Samples.Blob()[..100]).Board("bad.dtb");
        Expect("bad.dtb(1): KMK1502");
    }

    [Test]
    public void Missing_blob()
    {
        _project.Board("bad.dtb");
        Expect("bad.dtb: KMK0103");
    }

    [Test]
    public void Blob_named_as_a_source()
    {
        _project.Write("bad.dts", Samples.Blob()).Board("bad.dts");
        Expect("bad.dts(1): KMK0024");
    }

    [Test]
    public void Two_boards_with_one_name()
    {
        _project.Write("other/good.dts", Samples.Board()).Board("other/good.dts");
        var result = _project.Run();
        Assert.That(result.Errors, Is.EqualTo(new[] { "other/good.dts: KMK0102" }));
        Assert.That(result.Messages, Does.Contain(_project["good.dts"]));
        Assert.That(_project["obj/kmem/good/good.layout.json"], Does.Exist, "the first keeps the name");
    }

    [TestCase("9 lives", "KMK0100")]
    [TestCase("../../escape", "KMK0100")]
    [TestCase("class", "KMK0100")]
    [TestCase("Banks", "KMK0100")]
    public void Name_that_is_no_identifier(string name, string id)
    {
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("Name", name));
        Expect("bad.dts: " + id);
    }

    [Test]
    public void File_name_that_gives_no_identifier()
    {
        _project.Write("bad-плата.dts", Samples.Board()).Board("bad-плата.dts");
        Expect("bad-плата.dts: KMK0100", "Name=");
    }

    [Test]
    public void Namespace_that_is_none()
    {
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("Namespace", "A..B"));
        Expect("bad.dts: KMK0101");
    }

    [Test]
    public void Output_that_cannot_be_written()
    {
        // A file where a folder is needed: root, too, cannot write there.
        _project.Write("bad.dts", Samples.Board()).Write("out", "a file\n").Board("bad.dts", ("OutputDir", "out/deeper"));
        Expect("out/deeper/bad.kmem.h: KMK0026");
    }

    [Test]
    public void Output_that_is_a_folder()
    {
        Directory.CreateDirectory(_project["out/bad.layout.json/x"]);
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("OutputDir", "out"));
        Expect("out/bad.layout.json: KMK0026");
        Assert.That(Directory.EnumerateFiles(_project["out"]).Where(f => Path.GetFileName(f).StartsWith('.')), Is.Empty, "half a file is left");
    }

    [Test]
    public void Two_boards_with_one_output()
    {
        _project.Board("good.dts", ("OutputDir", "out"));
        _project.Write("bad/good.dts", Samples.Board("0x90000000")).Board("bad/good.dts", ("Name", "Other"), ("OutputDir", "out"));
        var result = _project.Run();
        Assert.That(result.Errors, Is.EqualTo(new[] { "bad/good.dts: KMK0110" }));
        Assert.That(File.ReadAllText(_project["out/good.layout.json"]), Does.Contain("\"start\":\"0x80000000\""));
    }

    [Test]
    public void Switch_that_is_neither_on_nor_off()
    {
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("EmitJson", "yes"));
        Expect("bad.dts: KMK0111", "EmitJson");
    }

    [Test]
    public void Switch_of_nothing()
    {
        _project.Write("bad.dts", Samples.Board()).Board("bad.dts", ("EmitCobol", "true"));
        Expect("bad.dts: KMK0113", "EmitJson");
    }

    [Test]
    public void Several_bad_boards_are_reported_each()
    {
        _project.Board("bad1.dts").Write("bad2.dts", Samples.Board(before: "#include \"gone.h\"\n")).Board("bad2.dts");
        Assert.That(_project.Run().Errors, Is.EqualTo(new[] { "bad1.dts: KMK0103", "bad2.dts(2): KMK1000" }));
    }
}
