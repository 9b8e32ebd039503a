using System.IO;
using System.Linq;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary><c>kmem smmu</c>: the plan as text and JSON, the image, why a device reaches a byte, and what is refused.</summary>
internal sealed class SmmuVerbTests
{
    private const string Board = "boards/qemu/virt-smmuv3";

    [Test]
    public void The_JSON_object_agrees_with_the_image_and_the_file_of_emit_is_the_same()
    {
        using var scratch = new Scratch();
        var result = Kmem.Run("smmu", "--json", "-o", scratch["image"], Board);
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        var json = result.Json.Single();
        Assert.That(json.EnumerateObject().Select(m => m.Name), Is.EqualTo(new[] { "board", "base", "bytes", "smmus", "diagnostics" }));
        Assert.That(new FileInfo(scratch["image"]).Length, Is.EqualTo(json.GetProperty("bytes").GetInt64()));
        Assert.That(Kmem.Run("emit", "-o", scratch["out"], "--only", "smmu", Board).ExitCode, Is.Zero);
        Assert.That(File.ReadAllBytes(Path.Combine(scratch["out"], "virt-smmuv3.smmu.bin")), Is.EqualTo(File.ReadAllBytes(scratch["image"])));
    }

    [Test]
    public void Why_says_the_way_the_grant_and_the_line()
    {
        var result = Kmem.Run("smmu", Board, "--why", "0x8", "0x200010", "0x9", "0x0");
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("device address 0x200010 -> 0x48000010 \"rw\"").And.Contain("virt-smmuv3.dts(").And.Contain("stream 0x9, device address 0x0: aborted"));
        var why = Kmem.Run("smmu", "--json", Board, "--why", "0x8", "0x100000").Json.Single().GetProperty("why")[0];
        Assert.That((why.GetProperty("phys").GetString(), why.GetProperty("access").GetString()), Is.EqualTo(("0x48300000", "r")));
    }

    [Test]
    public void Wrong_use_is_refused_and_a_board_without_SMMU_is_a_finding()
    {
        Assert.That(Kmem.Run("smmu", Board, "--why", "0x8").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("smmu", Board, "--why", "0x100000000", "0x0").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("smmu", Board, Board, "-o", "x").ExitCode, Is.EqualTo(2));
        Assert.That(Kmem.Run("smmu", Board, "--base", "0x40001001").ErrorLines.Single(), Does.Contain("KMK6062"));
        var without = Kmem.Run("smmu", "tests/vectors/diagnostics/KMK6060/bad.dts");
        Assert.That((without.ExitCode, without.ErrorLines.Single()), Is.EqualTo((1, without.ErrorLines.Single())));
        Assert.That(without.ErrorLines.Single(), Does.Contain("KMK6060"));
        Assert.That(Kmem.Run("smmu", "tests/vectors/diagnostics/KMK6060/good.dts").ExitCode, Is.Zero);
    }

    [Test]
    public void Check_reports_what_is_wrong_with_streams()
    {
        var result = Kmem.Run("check", "tests/vectors/diagnostics/KMK6040/bad.dts");
        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.ErrorLines.Single(l => l.Contains("error", System.StringComparison.Ordinal)), Does.Match(@"bad\.dts\(\d+,\d+\): error KMK6040: .*device-dma|bad\.dts\(\d+,\d+\): error KMK6040"));
    }
}
