using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.Json;
using System.Text.RegularExpressions;
using KmemKit.Runtime.Proc;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem boot</c>: every board boots, text and JSON say the same, and what cannot be booted is a finding.</summary>
internal sealed class BootVerbTests
{
    private static readonly string[] _boards = Kmem.Boards;

    [TestCaseSource(nameof(_boards))]
    public void A_board_prints_its_boot_log_with_the_layout_block_behind_its_memory(string board)
    {
        var result = Kmem.Run("boot", board);

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        var lines = result.Output.Split('\n');
        var memory = Array.FindLastIndex(lines, line => line.StartsWith("Memory: ", StringComparison.Ordinal));
        Assert.That(lines[memory], Does.Match("^Memory: [0-9]+[kK]/[0-9]+[kK] available"));
        Assert.That(lines[memory + 1], Does.EndWith("irtual kernel memory layout:"));
        var block = Kmem.Run("layout", board).Output.Split('\n').SkipWhile(line => !line.EndsWith("irtual kernel memory layout:", StringComparison.Ordinal))
            .TakeWhile(line => line != "Zones:");
        Assert.That(lines.Skip(memory + 1).TakeWhile(line => line.Length > 0 && !line.Contains("hash table", StringComparison.Ordinal)), Is.EqualTo(block));
        Assert.That(Kmem.Run("boot", board).OutputBytes, Is.EqualTo(result.OutputBytes), "a boot is the same each time");
    }

    [TestCaseSource(nameof(_boards))]
    public void Its_JSON_says_what_its_text_says(string board)
    {
        var text = Kmem.Run("boot", "--proc", "all", board).Output;
        var json = Kmem.Run("boot", "--json", "--proc", "all", board).Json.Single();

        Assert.That(json.GetProperty("board").GetString(), Is.EqualTo(Path.GetFileNameWithoutExtension(board)));
        var log = string.Concat(json.GetProperty("log").EnumerateArray().Select(line => line.GetString() + "\n"));
        var files = string.Concat(json.GetProperty("proc").EnumerateObject().Select(file => $"\n/proc/{file.Name}:\n{file.Value.GetString()}"));
        Assert.That(log + files, Is.EqualTo(text));
        Assert.That(json.GetProperty("proc").EnumerateObject().Select(file => file.Name), Is.EqualTo(ProcFiles.Names));

        var memory = json.GetProperty("memory");
        var unit = json.GetProperty("page_size").GetUInt64() >> 10;
        Assert.That(Pages(memory, "available") + Pages(memory, "reserved") + Pages(memory, "cma"), Is.EqualTo(Pages(memory, "present")));
        Assert.That(Sum(json, "managed") - Pages(memory, "available"), Is.Zero.Or.EqualTo(Pages(memory, "cma")), "contiguous areas are given back behind the log");
        Assert.That(Sum(json, "present"), Is.EqualTo(Pages(memory, "present")));
        Assert.That(Number(text, "^MemTotal: +([0-9]+) kB"), Is.EqualTo(Sum(json, "managed") * unit));
        Assert.That(Number(text, "Total pages: ([0-9]+)"), Is.EqualTo(json.GetProperty("total_pages").GetUInt64()));
        foreach (var zone in json.GetProperty("zones").EnumerateArray())
        {
            var blocks = zone.GetProperty("blocks").EnumerateArray().Select((count, order) => count.GetUInt64() << order).Aggregate(0UL, (sum, pages) => sum + pages);
            Assert.That(blocks, Is.EqualTo(Pages(zone, "free")), zone.ToString());
        }
        foreach (var hash in json.GetProperty("hashes").EnumerateArray())
            Assert.That(text, Does.Match($"(?m)^{hash.GetProperty("name").GetString()} hash table entries: {Pages(hash, "entries")} \\(order: -?[0-9]+, {Pages(hash, "bytes")} bytes"));
    }

    [Test]
    public void Only_the_files_that_were_asked_for_are_printed_each_once_and_in_that_order()
    {
        var text = Kmem.Run("boot", "--proc", "meminfo", "--proc", "buddyinfo", "--proc", "meminfo", "boards/pc/pc-64").Output;
        Assert.That(Regex.Matches(text, "(?m)^/proc/(.*):$").Select(match => match.Groups[1].Value), Is.EqualTo(new[] { "meminfo", "buddyinfo" }));
        Assert.That(Kmem.Run("boot", "boards/pc/pc-64").Output, Does.Not.Contain("/proc/"));
    }

    [TestCase("boot")]
    [TestCase("boot", "boards/pc/pc-64", "--proc", "nonsense")]
    [TestCase("boot", "boards/pc/pc-64", "--proc")]
    public void Wrong_usage_is_2(params string[] arguments)
    {
        var result = Kmem.Run(arguments);
        Assert.That((result.ExitCode, result.Output), Is.EqualTo((2, "")), result.ToString());
    }

    [Test]
    public void One_board_that_does_not_boot_does_not_stop_the_others()
    {
        const string Small = "tests/vectors/diagnostics/KMK0028/small.dts";
        var result = Kmem.Run("boot", "--json", "boards/pc/pc-64", Small, "no/such/board.dts", "boards/qcom/msm7x27");

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Json.Select(json => json.TryGetProperty("log", out _)), Is.EqualTo(new[] { true, false, false, true }));
        Assert.That(result.Json[1].GetProperty("diagnostics")[0].GetProperty("id").GetString(), Is.EqualTo("KMK0028"));
        Assert.That(result.ErrorLines.Select(line => Regex.Match(line, "KMK[0-9]+").Value), Is.EqualTo(new[] { "KMK0028", "KMK0020" }));
        Assert.That(result.Error, Does.Not.Contain("   at "));
    }

    [Test]
    public void A_board_without_memory_has_the_error_of_its_layout()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("empty.dts", "/dts-v1/;\n/ { compatible = \"test,empty\"; #address-cells = <1>; #size-cells = <1>; };\n"u8.ToArray());
        var result = Kmem.Run("boot", board);
        Assert.That((result.ExitCode, result.Output), Is.EqualTo((1, "")));
        Assert.That(result.Error, Does.Contain(": error KMK3").And.Not.Contain("   at "));
    }

    [Test]
    public void Settings_and_kernel_parameters_change_what_is_booted()
    {
        var json = Kmem.Run("boot", "--json", "--bootargs", "mem=64M", "--config", "CONFIG_LINUX_VERSION=4.4", "boards/qcom/msm7x27").Json.Single();
        Assert.That(json.GetProperty("linux_version").GetString(), Is.EqualTo("4.4"));
        Assert.That(Pages(json.GetProperty("memory"), "present"), Is.EqualTo(16384));
        Assert.That(json.GetProperty("log").EnumerateArray().Select(line => line.GetString()), Has.Member("Kernel command line: mem=64M"));
    }

    private static ulong Pages(JsonElement element, string name) => element.GetProperty(name).GetUInt64();

    private static ulong Sum(JsonElement json, string name) => json.GetProperty("zones").EnumerateArray().Aggregate(0UL, (sum, zone) => sum + Pages(zone, name));

    private static ulong Number(string text, string pattern) =>
        ulong.Parse(Regex.Match(text, pattern, RegexOptions.Multiline).Groups[1].Value, CultureInfo.InvariantCulture);
}
