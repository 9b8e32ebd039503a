using System.Linq;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>The contract of the design's section 7, on the built tool as a process.</summary>
public sealed class ProcessContractTests
{
    private const string Msm8974 = "boards/qcom/msm8974/msm8974.dts";

    [Test]
    public void A_good_board_exits_with_0_and_an_empty_stderr_or_notes()
    {
        var result = Kmem.RunProcess("layout", Msm8974);

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("    vmalloc : 0xe6800000 - 0xff000000   ( 392 MB)\n    lowmem  : 0xc0000000 - 0xe6000000   ( 608 MB)\n"));
        Assert.That(result.ErrorLines, Has.None.Contains(": error "));
    }

    [Test]
    public void An_error_exits_with_1_and_stands_on_stderr_in_clickable_form()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("bad.dts", "/dts-v1/;\n/ {\n\tx = <&nowhere>;\n};\n");
        var result = Kmem.RunProcess("check", board);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.ErrorLines[0], Does.Match("^" + Regex.Escape(board) + @"\(3,\d+\): error KMK1\d{3}: .+$"));
    }

    [TestCase("", TestName = "No verb")]
    [TestCase("nonsense", TestName = "Unknown verb")]
    [TestCase("layout", TestName = "No board")]
    [TestCase("layout --nonsense boards/pc/pc-64", TestName = "Unknown option")]
    [TestCase("layout --config", TestName = "Option without value")]
    [TestCase("translate boards/pc/pc-64", TestName = "No address")]
    [TestCase("translate boards/pc/pc-64 c0000000", TestName = "No address but digits")]
    [TestCase("translate boards/pc/pc-64 0x10000000000000000", TestName = "Address beyond 64 bits")]
    [TestCase("dts -O exe boards/pc/pc-64", TestName = "Unknown format")]
    [TestCase("dts -O dtb boards/pc/pc-64 boards/pc/pc-32", TestName = "Two blobs on stdout")]
    [TestCase("dts -o x boards/pc/pc-64 boards/pc/pc-32", TestName = "Two trees in one file")]
    public void Wrong_usage_exits_with_2_and_says_so_on_stderr(string arguments)
    {
        var result = Kmem.RunProcess(arguments.Split(' ', System.StringSplitOptions.RemoveEmptyEntries));

        Assert.That(result.ExitCode, Is.EqualTo(2), result.ToString());
        Assert.That(result.Output, Is.Empty);
        Assert.That(result.ErrorLines[0], Does.StartWith("kmem: "));
    }

    [TestCase("--help")]
    [TestCase("layout --help")]
    [TestCase("translate -h")]
    [TestCase("check --help")]
    [TestCase("dts -?")]
    [TestCase("--version")]
    public void Help_and_version_exit_with_0_on_stdout(string arguments)
    {
        var result = Kmem.RunProcess(arguments.Split(' '));

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Is.Not.Empty);
        Assert.That(result.Error, Is.Empty);
    }

    [Test]
    public void The_help_names_every_verb_and_option_of_the_design()
    {
        var help = Kmem.Run("--help").Output;

        foreach (var word in new[] { "layout", "translate", "check", "dts", "boot", "--config", "--bootargs", "--json", "Exit code" })
            Assert.That(help, Does.Contain(word));
    }

    [Test]
    public void Many_boards_give_one_JSON_object_a_line_in_their_order_and_a_bad_one_stops_none()
    {
        using var scratch = new Scratch();
        var bad = scratch.Write("bad.dts", "/dts-v1/;\n/ {\n");
        var result = Kmem.RunProcess("layout", "--json", "boards/qcom/msm8974", bad, "no/such.dts", "boards/pc/pc-64/pc-64.dts");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.Json.Select(j => j.GetProperty("board").GetString()), Is.EqualTo(new[] { "msm8974", "bad", "such", "pc-64" }));
        Assert.That(result.Json.Select(j => j.TryGetProperty("linear", out _)), Is.EqualTo(new[] { true, false, false, true }));
        Assert.That(result.Json[2].GetProperty("diagnostics")[0].GetProperty("id").GetString(), Is.EqualTo("KMK0020"));
    }

    [Test]
    public void A_reader_that_goes_away_is_no_error()
    {
        var boards = string.Join(' ', Kmem.Boards);
        var result = Kmem.RunShell($"kmem layout {boards} {boards} | head -1; exit ${{PIPESTATUS[0]}}");

        Assert.That(result.OutputLines, Has.Length.EqualTo(1));
        Assert.That(result.Error, Does.Not.Contain("Exception").And.Not.Contain("KMK00"));
        Assert.That(result.ExitCode, Is.Zero, result.ToString());
    }

    [Test]
    public void Output_that_cannot_be_written_is_an_error_and_not_a_trace()
    {
        var result = Kmem.RunShell($"kmem layout {Msm8974} > /dev/full");

        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.ErrorLines[^1], Does.StartWith("kmem: error KMK0026: standard output cannot be written"));
    }

    [TestCase("<&-")]
    [TestCase("</dev/null")]
    [TestCase("2>&-")]
    public void A_stream_that_is_closed_does_no_harm(string redirection)
    {
        var result = Kmem.RunShell($"kmem layout {Msm8974} {redirection}");

        Assert.That(result.ExitCode, Is.Zero, result.ToString());
        Assert.That(result.Output, Does.Contain("lowmem"));
    }

    [Test]
    public void A_blob_on_stdout_is_the_blob_byte_for_byte()
    {
        using var scratch = new Scratch();
        var file = scratch["out.dtb"];

        var toStdout = Kmem.RunProcess("dts", "-O", "dtb", Msm8974);
        var toFile = Kmem.RunProcess("dts", "-O", "dtb", "-o", file, Msm8974);

        Assert.That((toStdout.ExitCode, toFile.ExitCode), Is.EqualTo((0, 0)), toStdout.Error + toFile.Error);
        Assert.That(toStdout.OutputBytes[..4], Is.EqualTo(new byte[] { 0xd0, 0x0d, 0xfe, 0xed }));
        Assert.That(System.IO.File.ReadAllBytes(file), Is.EqualTo(toStdout.OutputBytes));
        Assert.That(toFile.Output, Is.Empty);
    }

    [Test]
    public void Two_runs_print_the_same_bytes() =>
        Assert.That(Kmem.RunProcess("layout", Msm8974).OutputBytes, Is.EqualTo(Kmem.Run("layout", Msm8974).OutputBytes));
}
