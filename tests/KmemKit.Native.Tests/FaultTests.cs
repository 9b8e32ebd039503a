using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>Pointers that no code may follow, and what a report does to a program that has no handler.</summary>
[TestFixture]
internal sealed class FaultTests
{
    private const int Abort = 128 + 6;
    private const int Segv = 128 + 11;

    private static string s_program = "";

    [OneTimeSetUp]
    public void Compile() => s_program = PublishedBoard.Compile("faults", Path.Combine(PublishedBoard.Sources, "faults.c"));

    [Test]
    public void Followed_pointers_fault_and_are_explained()
    {
        var result = PublishedBoard.Run(s_program);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        var output = result.Output;
        string Of(string name) => Regex.Match(output, $"CASE {name}\n(.*?)(?=CASE |DONE)", RegexOptions.Singleline).Groups[1].Value;
        int Reports(string name) => Regex.Count(Of(name), "^REPORT FAULT ", RegexOptions.Multiline);
        Assert.Multiple(() =>
        {
            Assert.That(Reports("registers_followed"), Is.EqualTo(3), output);
            Assert.That(Of("registers_followed"), Does.Match(@"read from virtual address f[0-9a-f]+004 \(host [0-9a-f]+\): it is registers at 0x0*9000000 that registers_followed at faults.c:\d+ mapped: use readl and writel"));
            Assert.That(Of("registers_followed"), Does.Match("write to virtual address .* it was registers that registers_followed at .* mapped and registers_followed at .* unmapped"));
            // The place of the instruction, by its function: the program was linked with -rdynamic or names an offset.
            Assert.That(Of("registers_followed"), Does.Match(@"Call Trace:\n (\w+\+0x[0-9a-f]+ \[faults\]|faults\+0x[0-9a-f]+)\n"));
            Assert.That(Reports("vmalloc_out_of_bounds_and_after_free"), Is.EqualTo(3), output);
            Assert.That(Regex.Count(Of("vmalloc_out_of_bounds_and_after_free"), "out of bounds: it is the guard page of the 8192 bytes"), Is.EqualTo(2));
            Assert.That(Of("vmalloc_out_of_bounds_and_after_free"), Does.Contain("use after free: allocated by vmalloc_out_of_bounds_and_after_free at faults.c:"));
            Assert.That(Reports("memory_of_a_process_followed"), Is.EqualTo(1), output);
            Assert.That(Of("memory_of_a_process_followed"), Does.Contain("use copy_to_user and copy_from_user"));
            Assert.That(Of("after_a_fault").Split('\n').Count(l => l.StartsWith("REPORT ", System.StringComparison.Ordinal)), Is.EqualTo(1));
        });
    }

    [Test]
    public void Report_without_a_handler_is_printed_and_ends_the_program()
    {
        var result = PublishedBoard.Run(s_program, "abort");
        Assert.That(result.Code, Is.EqualTo(Abort), result.Output + result.Error);
        Assert.That(result.Error, Does.Match(@"BUG kmalloc-\d+ ").And.Match(@"Call Trace:\n main at faults.c:\d+\n"));
    }

    [Test]
    public void Fault_without_a_handler_is_printed_and_ends_the_program()
    {
        var result = PublishedBoard.Run(s_program, "die");
        Assert.That(result.Code, Is.EqualTo(Abort), result.Output + result.Error);
        Assert.That(result.Error, Does.Contain("Unable to handle kernel write to virtual address"));
    }

    [Test]
    public void Fault_that_is_none_of_the_boards_is_left_alone()
    {
        var result = PublishedBoard.Run(s_program, "null");
        Assert.That(result.Code, Is.EqualTo(Segv), result.Output + result.Error);
        Assert.That(result.Error, Does.Not.Contain("Unable to handle"));
    }

    [Test]
    public void Exit_without_shutdown_reports_leaks()
    {
        var result = PublishedBoard.Run(s_program, "exit");
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Match(@"REPORT LEAK .*faults.c:\d+ main\n"));
    }
}
