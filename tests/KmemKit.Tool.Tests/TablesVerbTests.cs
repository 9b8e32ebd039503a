using System;
using System.IO;
using System.Linq;
using System.Text.Json;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem tables</c>: statistics, the object of the design, the image, and why an address is mapped so.</summary>
internal sealed class TablesVerbTests
{
    private const string Board = "boards/qemu/virt-cortex-a53";

    [Test]
    public void Check_has_the_findings_of_the_tables_and_emit_says_why_there_are_none()
    {
        using var scratch = new Scratch();
        const string Board = "tests/vectors/diagnostics/KMK5063/bad.dts";

        var check = Kmem.Run("check", Board);
        var emit = Kmem.Run("emit", Board, "-o", scratch["out"]);
        var others = Kmem.Run("emit", Board, "-o", scratch["others"], "--only", "json");
        var good = Kmem.Run("check", "tests/vectors/diagnostics/KMK5063/good.dts");

        Assert.That(check.ExitCode, Is.EqualTo(1));
        Assert.That(check.Error, Does.Contain("error KMK5022"));
        Assert.That(emit.ExitCode, Is.Zero);
        Assert.That(emit.Error, Does.Contain("warning KMK5063").And.Contain("KMK5022"));
        Assert.That(others.ExitCode, Is.Zero);
        Assert.That(others.Error, Does.Not.Contain(" KMK5"));
        Assert.That(good.ExitCode, Is.Zero);
        Assert.That(good.Error, Does.Not.Contain(" KMK5"));
    }

    [Test]
    public void The_JSON_object_has_the_members_of_the_design_and_agrees_with_the_image()
    {
        using var scratch = new Scratch();
        var result = Kmem.Run("tables", "--json", "-o", scratch["image"], Board);
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        var json = result.Json.Single();
        Assert.That(json.EnumerateObject().Select(m => m.Name), Is.EqualTo(new[] { "board", "format", "base", "ttbr", "tables", "bytes", "entries", "regions" }));
        Assert.That(json.GetProperty("format").GetString(), Is.EqualTo("vmsav8-64-4k"));
        Assert.That(json.GetProperty("ttbr").EnumerateObject().Select(m => m.Name), Is.SupersetOf(new[] { "TTBR0_EL1", "TTBR1_EL1", "TCR_EL1", "MAIR_EL1" }));
        Assert.That(new FileInfo(scratch["image"]).Length, Is.EqualTo(json.GetProperty("bytes").GetInt64()));
        foreach (var region in json.GetProperty("regions").EnumerateArray())
            Assert.That(region.EnumerateObject().Select(m => m.Name), Is.EqualTo(new[] { "virt", "phys", "size", "privileged", "user", "execute", "memory_type" }));
        // 1 GiB of RAM behind one block: 0x40000000 is mapped at the start of the linear map.
        Assert.That(json.GetProperty("entries").GetProperty("L1_block").GetInt32(), Is.EqualTo(1));
    }

    [Test]
    public void Why_says_the_walk_the_region_and_the_line()
    {
        var result = Kmem.Run("tables", Board, "--why", "0xffff000012345678", "--why", "0x1000");
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("0xffff000012345678 -> 0x52345678").And.Contains("TTBR1_EL1").And.Contains("level 0").And.Contains("level 1")
            .And.Contains("leaf").And.Contains("the linear map").And.Contains("virt.dtsi("));
        Assert.That(result.Output, Does.Contain("0x1000 is not mapped"));
        var json = Kmem.Run("tables", "--json", Board, "--why", "0xffff000012345678").Json.Single().GetProperty("why")[0];
        Assert.That(json.GetProperty("maps_to").GetString(), Is.EqualTo("0x52345678"));
        Assert.That(json.GetProperty("walk").EnumerateArray().Last().GetProperty("kind").GetString(), Is.EqualTo("leaf"));
        Assert.That(json.GetProperty("line").ValueKind, Is.EqualTo(JsonValueKind.Number));
    }

    [Test]
    public void The_text_has_registers_levels_and_regions()
    {
        var result = Kmem.Run("tables", Board, "boards/qcom/msm8974", "--map", "flat");
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("Registers:").And.Contains("Levels:").And.Contains("Regions:").And.Contains("TTBR0_EL1").And.Contains("msm8974: arm-short"));
    }

    [Test]
    public void A_board_without_tables_is_an_error_and_bad_addresses_are_wrong_usage()
    {
        var none = Kmem.Run("tables", "--json", "boards/qemu/mps2-an385");
        Assert.That(none.ExitCode, Is.EqualTo(1), none.ToString());
        Assert.That(none.Error, Does.Contain("KMK5050"));
        Assert.That(none.Json.Single().TryGetProperty("diagnostics", out _), Is.True);
        Assert.That(Kmem.Run("tables", Board, "--why", "12").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("tables", Board, Board, "-o", "x").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("tables", Board, "--base", "0x40001001").ExitCode, Is.EqualTo(1));
    }
}
