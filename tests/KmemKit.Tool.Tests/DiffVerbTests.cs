using System;
using System.Linq;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem diff</c> and <c>kmem layout --compare</c>: exit codes, text and JSON.</summary>
public sealed class DiffVerbTests
{
    [Test]
    public void No_difference_says_nothing_and_is_fine()
    {
        var result = Kmem.Run("diff", "boards/seed/ex1", "boards/seed/ex1");

        Assert.That((result.ExitCode, result.Output), Is.EqualTo((0, "")), result.ToString());
    }

    [Test]
    public void A_difference_names_both_lines_and_is_fine_as_long_as_nothing_widens()
    {
        using var scratch = new Scratch();
        var old = scratch.Write("old/b.dts", Scratch.GoodBoard);
        var now = scratch.Write("new/b.dts", "\n" + Scratch.GoodBoard.Replace("0x10000000>", "0x08000000>", StringComparison.Ordinal).TrimStart('\n'));

        var result = Kmem.Run("diff", old, now);
        var json = Kmem.Run("diff", "--json", old, now).Json.Single();
        var shrunk = json.GetProperty("changes").EnumerateArray().Single(c => c.GetProperty("what").GetString() == "bank");

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("shrunk   bank       memory@80000000  0x80000000-0x90000000 -> 0x80000000-0x88000000  256 MiB to 128 MiB\n"));
        Assert.That(result.Output, Does.Match($@"    - {System.Text.RegularExpressions.Regex.Escape(old)}\(7,\d+\)\n    \+ {System.Text.RegularExpressions.Regex.Escape(now)}\(8,\d+\)\n"));
        Assert.That(shrunk.GetProperty("old").GetProperty("line").GetInt32() + 1, Is.EqualTo(shrunk.GetProperty("new").GetProperty("line").GetInt32()));
        Assert.That(shrunk.GetProperty("new").GetProperty("size").GetString(), Is.EqualTo("0x8000000"));
        Assert.That(json.GetProperty("widened").GetInt32(), Is.Zero);
    }

    [Test]
    public void What_widens_is_exit_code_3_and_stands_first()
    {
        using var scratch = new Scratch();
        var old = scratch.Write("old/b.dts", WithReserved("no-map;"));
        var now = scratch.Write("new/b.dts", WithReserved(""));

        var result = Kmem.Run("diff", old, now);
        var json = Kmem.Run("diff", "--json", old, now);

        Assert.That((result.ExitCode, json.ExitCode), Is.EqualTo((3, 3)), result.ToString());
        Assert.That(result.OutputLines[0], Does.StartWith("widened  reserved   secret"));
        Assert.That(json.Json.Single().GetProperty("widened").GetInt32(), Is.EqualTo(1));
        Assert.That(Kmem.Run("diff", now, old).ExitCode, Is.Zero, "the other way round narrows");

        static string WithReserved(string flags) => Scratch.GoodBoard.Replace("\tcpus {",
            "\treserved-memory { #address-cells = <1>; #size-cells = <1>; ranges; secret@84000000 { reg = <0x84000000 0x100000>; " + flags + " }; };\n\tcpus {", StringComparison.Ordinal);
    }

    [Test]
    public void An_error_in_either_board_is_told_and_nothing_is_compared()
    {
        using var scratch = new Scratch();
        var good = scratch.Write("b.dts", Scratch.GoodBoard);
        var bad = scratch.Write("c.dts", Scratch.GoodBoard.Replace("0x10000000>", "0x10000000 7>", StringComparison.Ordinal));

        foreach (var (old, now) in new[] { (good, bad), (bad, good), (good, scratch["missing.dts"]) })
        {
            var result = Kmem.Run("diff", "--json", old, now);
            Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
            Assert.That(result.Json.Single().TryGetProperty("changes", out _), Is.False);
        }
        Assert.That(Kmem.Run("diff", good).ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("diff", good, good, good).ExitCode, Is.EqualTo(2));
    }

    [Test]
    public void Strategies_stand_side_by_side_and_JSON_has_the_same_order()
    {
        var text = Kmem.Run("layout", "--compare", "boards/qcom/msm8974");
        var json = Kmem.Run("layout", "--compare", "--for", "vmalloc", "--json", "boards/qcom/msm8974").Json.Single();
        var strategies = json.GetProperty("strategies").EnumerateArray().ToList();

        Assert.That(text.ExitCode, Is.Zero, text.ToString());
        Assert.That(text.OutputLines[0], Is.EqualTo("msm8974: best for lowmem first; * is the board's own"));
        Assert.That(text.OutputLines.Count(l => l.StartsWith('*')), Is.EqualTo(1));
        Assert.That(text.OutputLines, Has.Length.EqualTo(2 + strategies.Count));
        Assert.That(json.GetProperty("for").GetString(), Is.EqualTo("vmalloc"));
        Assert.That(strategies[0].GetProperty("config").EnumerateArray().Select(c => c.GetString()), Is.EqualTo(new[] { "CONFIG_VMSPLIT_1G=y", "CONFIG_ENABLE_VMALLOC_SAVING=y" }));
        Assert.That(strategies.Count(s => s.GetProperty("current").GetBoolean()), Is.EqualTo(1));
    }

    [Test]
    public void For_without_compare_is_wrong_usage()
    {
        Assert.That(Kmem.Run("layout", "--for", "vmalloc", "boards/seed/ex1").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("layout", "--compare", "--for", "modules", "boards/seed/ex1").ExitCode, Is.EqualTo(2));
    }
}
