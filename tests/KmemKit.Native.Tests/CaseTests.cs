using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Misuse in C: each line that says so is reported, with its file, line, function and kind; no other line is. See C/case.h.</summary>
[TestFixture]
internal sealed partial class CaseTests
{
    private static readonly string[] s_files = ["objects.c", "memory.c", "devices.c"];
    private static readonly Dictionary<string, string[]> s_outputs = [];

    private readonly record struct Reported(string Kind, string File, int Line)
    {
        public override string ToString() => $"{Kind} {File}:{Line}";
    }

    /// <summary>Every case of every file.</summary>
    private static IEnumerable<TestCaseData> Cases()
    {
        foreach (var file in s_files)
        {
            foreach (Match match in CaseLine().Matches(File.ReadAllText(Path.Combine(PublishedBoard.Sources, file))))
                yield return new TestCaseData(file, match.Groups[1].Value) { TestName = $"{Path.GetFileNameWithoutExtension(file)}: {match.Groups[1].Value.Replace('_', ' ')}" };
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void Case(string file, string name)
    {
        var lines = OutputOf(file, name);
        var found = lines.Select(line => ReportLine().Match(line)).Where(m => m.Success)
            .Select(m => (Report: new Reported(m.Groups[1].Value, Path.GetFileName(m.Groups[2].Value), int.Parse(m.Groups[3].Value, null)), Function: m.Groups[4].Value)).ToList();
        var expected = Expected(file, name);
        var text = string.Join('\n', lines);
        Assert.That(found.Select(f => f.Report.ToString()).Order(), Is.EqualTo(expected.Select(e => e.Report.ToString()).Order()), text);
        foreach (var (report, function) in found)
            Assert.That(function, Is.EqualTo(expected.First(e => e.Report.Line == report.Line).Function), text);
        // Each report names the call in its text as well.
        foreach (var (report, function) in found)
            Assert.That(text, Does.Contain($"{function} at {report.File}:{report.Line}"));
    }

    /// <summary>An object's report says who allocated and who freed it.</summary>
    [Test]
    public void Object_reports_name_allocation_and_free()
    {
        var text = string.Join('\n', OutputOf("objects.c", "kfree_twice"));
        var line = LineOf("objects.c", "CASE(kfree_twice)");
        Assert.That(text, Does.Contain($"Allocated in kfree_twice at objects.c:{line + 2} age=0 cpu=0 pid=1\n").And.Contain($"Freed in kfree_twice at objects.c:{line + 3} age=0 cpu=0 pid=1\n"));
        Assert.That(text, Does.Contain("BUG kmalloc-64 (Not tainted): Object already free\n"));
        Assert.That(text, Does.Contain($"Call Trace:\n kfree_twice at objects.c:{line + 4}\n"));
    }

    /// <summary>What was given back is nobody's: the report of a second unmap names no mapping of it.</summary>
    [Test]
    public void Dma_reports_name_who_mapped_only_while_it_is_mapped()
    {
        var texts = string.Join('\n', OutputOf("devices.c", "dma_misused_by_the_driver")).Split("REPORT DMA ");
        var by = $"[mapped by dma_misused_by_the_driver at devices.c:{LineOf("devices.c", "CASE(dma_misused_by_the_driver)") + 6}]";
        Assert.That(texts[^2], Does.Contain("with different direction").And.Contain(by));
        Assert.That(texts[^1], Does.Contain("it has not allocated").And.Not.Contain("mapped by"));
    }

    /// <summary>The program as a whole ends well: one after the other, each case on a fresh machine.</summary>
    [TestCaseSource(nameof(s_files))]
    public void All_cases_of_a_file_in_one_process(string file)
    {
        var program = Program(file);
        var result = PublishedBoard.Run(program);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.EndWith("DONE\n"));
        Assert.That(ReportLine().Matches(result.Output), Has.Count.EqualTo(File.ReadLines(Path.Combine(PublishedBoard.Sources, file)).Sum(l => Marks(l).Length)));
    }

    private static string[] OutputOf(string file, string name)
    {
        var key = file + "/" + name;
        if (s_outputs.TryGetValue(key, out var known))
            return known;
        var result = PublishedBoard.Run(Program(file), name);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        return s_outputs[key] = result.Output.Split('\n');
    }

    private static string Program(string file)
    {
        var program = Path.Combine(PublishedBoard.Scratch, Path.GetFileNameWithoutExtension(file));
        return File.Exists(program) ? program : PublishedBoard.Compile(Path.GetFileNameWithoutExtension(file), Path.Combine(PublishedBoard.Sources, file));
    }

    // A case's marks are those from the end of the case before it, so that its helpers in front of it count, to its own end.
    private static List<(Reported Report, string Function)> Expected(string file, string name)
    {
        var lines = File.ReadAllLines(Path.Combine(PublishedBoard.Sources, file));
        var start = Array.IndexOf(lines, $"CASE({name})");
        var end = Array.IndexOf(lines, "}", start);
        var first = Array.FindLastIndex(lines, start - 1, l => l.StartsWith("CASE(", StringComparison.Ordinal));
        first = first < 0 ? 0 : Array.IndexOf(lines, "}", first);
        var expected = new List<(Reported, string)>();
        for (var i = first; i < end; i++)
        {
            var function = name;
            for (var above = i; above >= first; above--)
            {
                if (FunctionLine().Match(lines[above]) is { Success: true } match)
                {
                    function = match.Groups[1].Success ? match.Groups[1].Value : match.Groups[2].Value;
                    break;
                }
            }
            expected.AddRange(Marks(lines[i]).Select(kind => (new Reported(kind, file, i + 1), function)));
        }
        return expected;
    }

    private static string[] Marks(string line) => line.Contains("//! ", StringComparison.Ordinal)
        ? line[(line.IndexOf("//! ", StringComparison.Ordinal) + 4)..].Split(' ')
        : [];

    private static int LineOf(string file, string text) => Array.IndexOf(File.ReadAllLines(Path.Combine(PublishedBoard.Sources, file)), text) + 1;

    [GeneratedRegex(@"^CASE\((\w+)\)$", RegexOptions.Multiline)]
    private static partial Regex CaseLine();

    [GeneratedRegex(@"^REPORT (\w+) (\S*):(\d+) (\S*)$", RegexOptions.Multiline)]
    private static partial Regex ReportLine();

    // CASE(name), or a helper's head.
    [GeneratedRegex(@"^(?:CASE\((\w+)\)|static .*?(\w+)\(.*\))$")]
    private static partial Regex FunctionLine();
}
