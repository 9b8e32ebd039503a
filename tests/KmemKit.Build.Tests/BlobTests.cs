using System;
using System.IO;
using System.Linq;
using KmemKit.Build.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>A blob as a board: it is decoded to source, and then it is a board as any other.</summary>
[TestFixture]
internal sealed class BlobTests
{
    private const string Decoded = "obj/kmem/b/decoded/b.dts";

    private BoardProject _project = null!;

    [SetUp]
    public void MakeProject() => _project = new BoardProject().Write("b.dtb", Samples.Blob()).Board("b.dtb");

    [TearDown]
    public void RemoveProject() => _project.Dispose();

    [Test]
    public void It_is_decoded_and_built_once()
    {
        var first = _project.Run();
        Assert.That(first.Errors, Is.Empty);
        Assert.That(File.ReadAllText(_project[Decoded]), Does.StartWith("/dts-v1/;").And.Contain("0x80000000"));
        Assert.That(first.Artifacts, Has.Member("obj/kmem/b/b.layout.json"));
        var before = _project.Times();
        Assert.That(_project.Run().Built, Is.Empty);
        Assert.That(_project.Times(), Is.EqualTo(before));
    }

    [Test]
    public void It_has_the_layout_of_its_source()
    {
        _project.Write("s/b.dts", Samples.Board()).Board("s/b.dts", ("Name", "FromSource"));
        Assert.That(_project.Run().Errors, Is.Empty);
        Assert.That(File.ReadAllText(_project["obj/kmem/b/b.layout.json"]), Is.EqualTo(File.ReadAllText(_project["obj/kmem/FromSource/b.layout.json"])));
    }

    [Test]
    public void Design_time_decodes_and_writes_nothing_else()
    {
        _project.DecodeOnly = true;
        Assert.That(_project.Run().Succeeded);
        var files = _project.Times().Keys.Where(f => f.StartsWith("obj", StringComparison.Ordinal));
        Assert.That(files, Is.EquivalentTo(new[] { Decoded, "obj/kmem/b/decoded/b.record" }));
        var before = _project.Times();
        Assert.That(_project.Run().Built, Is.Empty);
        Assert.That(_project.Times(), Is.EqualTo(before));
        _project.DecodeOnly = false;
        Assert.That(_project.Run().Artifacts, Is.Not.Empty);
    }

    [Test]
    public void Changed_blob_and_edited_source_are_decoded_anew()
    {
        _project.Run();
        var text = File.ReadAllText(_project[Decoded]);
        File.AppendAllText(_project[Decoded], "edited\n");
        Assert.That(_project.Run().Built, Is.EqualTo(new[] { "b.dtb" }));
        Assert.That(File.ReadAllText(_project[Decoded]), Is.EqualTo(text));
        Assert.That(_project.Touch("b.dtb").Run().Succeeded);
        Assert.That(_project.Run().Built, Is.Empty);
    }

    [Test]
    public void Warning_about_the_blob_is_reported_when_it_is_decoded()
    {
        _project.Write("b.dtb", [.. Samples.Blob(), 1, 2, 3, 4]);
        var result = _project.Run();
        Assert.That(result.Succeeded);
        Assert.That(result.Warnings, Is.EqualTo(new[] { "b.dtb(1): KMK1503" }));
        Assert.That(_project.Run().Warnings, Is.Empty);
    }
}
