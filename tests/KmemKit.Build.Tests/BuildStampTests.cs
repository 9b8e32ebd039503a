using System;
using System.Collections;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Build.Boards;
using KmemKit.Build.Records;
using KmemKit.Build.Tests.Harness;
using Microsoft.Build.Framework;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>The one file by which a build without work knows that there is none.</summary>
[TestFixture]
internal sealed class BuildStampTests
{
    private BoardProject _project = null!;

    private string Stamp => BuildStamp.PathIn(_project.StateFolder);

    [SetUp]
    public void BuildTwoBoards()
    {
        _project = new BoardProject()
            .Write("a%20;b\t|.dts", Samples.Board()).Board("a%20;b\t|.dts", ("Name", "A"))
            .Write("c.dtb", Samples.Blob()).Board("c.dtb", ("EmitDts", "true"));
        Assert.That(_project.Run().Errors, Is.Empty);
        Assert.That(Stamp, Does.Exist);
    }

    [TearDown]
    public void RemoveProject() => _project.Dispose();

    [Test]
    public void Build_without_work_reads_no_record()
    {
        var first = _project.Board("c.dtb", ("EmitDts", "true")).Run();
        // A record that nobody reads can be locked away: what is named comes from the stamp alone.
        var records = Directory.GetFiles(_project.StateFolder, "*.record", SearchOption.AllDirectories);
        Assert.That(records, Has.Length.EqualTo(3));
        var times = records.ToDictionary(r => r, File.GetLastWriteTimeUtc);
        foreach (var record in records)
        {
            var length = (int)new FileInfo(record).Length;
            File.WriteAllText(record, new string('x', length));
            File.SetLastWriteTimeUtc(record, times[record]);
        }
        var second = _project.Run();
        Assert.That(second.Built, Is.Empty);
        Assert.That(second.Artifacts, Is.EqualTo(first.Artifacts));
        Assert.That(second.Artifacts, Has.Some.Contains("a%20;b\t|"));
    }

    [TestCase("")]
    [TestCase("kmemkit-build 2\n")]
    [TestCase("kmemkit-build 1\n")]
    public void Stamp_that_cannot_be_understood_is_made_again_without_a_board(string text)
    {
        var good = File.ReadAllText(Stamp);
        File.WriteAllText(Stamp, text);
        Assert.That(_project.Run().Built, Is.Empty);
        Assert.That(File.ReadAllText(Stamp), Is.EqualTo(good));
    }

    [Test]
    public void Stamp_with_a_line_missing_cut_or_changed_never_stops_a_build()
    {
        var lines = File.ReadAllText(Stamp).Split('\n');
        for (var i = 0; i < lines.Length - 1; i++)
        {
            foreach (var line in new[] { null, lines[i][..(lines[i].Length / 2)], "x" + lines[i] })
            {
                File.WriteAllText(Stamp, string.Join('\n', lines.Take(i).Concat(line is null ? [] : [line]).Concat(lines.Skip(i + 1))));
                var result = _project.Run();
                Assert.That(result.Succeeded, $"line {i}: {result.Messages}");
                Assert.That(result.Built, Is.Empty, $"line {i}: the records still know");
            }
        }
    }

    [Test]
    public void Each_file_in_it_decides()
    {
        foreach (var path in _project.Times().Keys.Where(p => !p.EndsWith("build.stamp", StringComparison.Ordinal)).ToArray())
        {
            var question = BuildStamp.Question([], []);
            var files = new[] { new RecordedFile(_project[path], FileStamp.Of(_project[path])) };
            var stamp = _project["stamp"];
            File.WriteAllText(stamp, BuildStamp.Write(question, files, ["kind", "board", _project[path]]));
            Assert.That(BuildStamp.ReadIfCurrent(stamp, question), Is.EqualTo(new[] { "kind", "board", _project[path] }), path);
            Assert.That(BuildStamp.ReadIfCurrent(stamp, question + "x"), Is.Null, path);
            _project.Touch(path);
            Assert.That(BuildStamp.ReadIfCurrent(stamp, question), Is.Null, path);
        }
    }

    [Test]
    public void A_setting_changed_to_one_of_equal_length_is_another_question()
    {
        _project.Board("c.dtb", ("Bootargs", "mem=100M"));
        Assert.That(_project.Run().Built, Is.EqualTo(new[] { "c.dtb" }));
        Assert.That(_project.Board("c.dtb", ("Bootargs", "mem=200M")).Run().Built, Is.EqualTo(new[] { "c.dtb" }));
    }

    [Test]
    public void It_holds_each_file_of_the_project()
    {
        var text = File.ReadAllText(Stamp).Split('\n');
        foreach (var path in _project.Times().Keys.Where(p => !p.EndsWith("build.stamp", StringComparison.Ordinal)))
        {
            var escaped = _project[path].Replace("%", "%25", StringComparison.Ordinal).Replace("\t", "%09", StringComparison.Ordinal).Replace("|", "%7c", StringComparison.Ordinal);
            Assert.That(text, Has.One.Matches<string>(l => l!.StartsWith("file ", StringComparison.Ordinal) && l.EndsWith(" " + escaped, StringComparison.Ordinal)), path);
        }
    }

    [Test]
    public void After_an_error_there_is_none()
    {
        _project.Write("c.dtb", [1, 2, 3]);
        Assert.That(_project.Run().Succeeded, Is.False);
        Assert.That(Stamp, Does.Not.Exist);
        Assert.That(_project.Write("c.dtb", Samples.Blob()).Run().Succeeded);
        Assert.That(Stamp, Does.Exist);
    }

    /// <summary>Whatever the task reads of an item is in the question: else a change of it would not be seen.</summary>
    [Test]
    public void Question_has_all_that_is_read_of_an_item()
    {
        var item = new WatchedItem("/b/b.dts", "EmitC", "EmitSvg", "EmitAnything");
        BoardItem.Read(item);
        var read = item.Asked.ToArray();
        Assert.That(read, Has.Member("Bootargs").And.Member("EmitSvg"));
        var all = Question(item, "");
        foreach (var name in read)
            Assert.That(Question(item, name), Is.Not.EqualTo(all), name);
        Assert.That(BuildStamp.Question([item, item], []), Is.Not.EqualTo(all));
        Assert.That(BuildStamp.Question([item], ["/x"]), Is.Not.EqualTo(all));
        Assert.That(BuildStamp.Question([item], ["/x\t/y"]), Is.Not.EqualTo(BuildStamp.Question([item], ["/x", "/y"])));
    }

    private static string Question(WatchedItem item, string changed)
    {
        item.Changed = changed;
        return BuildStamp.Question([item], []);
    }

    /// <summary>An item that notes which metadata is asked for; what <see cref="Changed"/> names has another value.</summary>
    private sealed class WatchedItem(string path, params string[] names) : ITaskItem
    {
        public HashSet<string> Asked { get; } = [];

        public string Changed { get; set; } = "";

        public string ItemSpec { get; set; } = path;

        public ICollection MetadataNames => names;

        public int MetadataCount => names.Length;

        public string GetMetadata(string metadataName)
        {
            Asked.Add(metadataName);
            return metadataName == Changed ? "changed" : "/" + metadataName + "/";
        }

        public void SetMetadata(string metadataName, string metadataValue) => throw new NotSupportedException();

        public void RemoveMetadata(string metadataName) => throw new NotSupportedException();

        public void CopyMetadataTo(ITaskItem destinationItem) => throw new NotSupportedException();

        public IDictionary CloneCustomMetadata() => throw new NotSupportedException();
    }
}
