using System;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.Files;
using KmemKit.Tool.Input;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>Each thing that can be wrong with a file has its own id, exit code 1, and no trace of an exception.</summary>
public sealed class BadFileTests
{
    private static void Expect(KmemResult result, string id)
    {
        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.Error, Does.Contain($": error {id}: ").And.Not.Contain("   at KmemKit").And.Not.Contain("Unhandled"));
        Assert.That(result.Output, Is.Empty);
    }

    [Test]
    public void An_absent_board_is_KMK0020() => Expect(Kmem.Run("layout", "no/such/board.dts"), "KMK0020");

    [Test]
    public void An_empty_name_is_no_trace_either() => Expect(Kmem.Run("layout", ""), "KMK0021");

    [Test]
    public void An_absent_fragment_is_KMK0020() => Expect(Kmem.Run("layout", "--config", "no_such_fragment", "boards/pc/pc-64"), "KMK0020");

    [Test]
    public void A_file_that_may_not_be_read_is_KMK0021()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            // The superuser may read everything; a file of the kernel that gives an error on reading stands for it.
            if (!File.Exists("/proc/self/mem"))
                Assert.Ignore("a system with /proc and a user without privileges is needed");
            Expect(Kmem.Run("layout", "/proc/self/mem"), "KMK0021");
            return;
        }
        using var scratch = new Scratch();
        var board = scratch.Write("a.dts", Scratch.GoodBoard);
        File.SetUnixFileMode(board, UnixFileMode.None);
        Expect(Kmem.Run("layout", board), "KMK0021");
    }

    [Test]
    public void A_folder_without_its_board_is_KMK0022()
    {
        using var scratch = new Scratch();
        scratch.Write("other.dts", Scratch.GoodBoard);
        Expect(Kmem.Run("layout", scratch.Folder), "KMK0022");
    }

    [Test]
    public void A_file_beyond_the_limit_is_KMK0023()
    {
        using var scratch = new Scratch();
        var board = scratch["huge.dts"];
        using (var file = File.Create(board))
            file.SetLength(FileReader.LargestFile + 1L);
        Expect(Kmem.Run("layout", "--config", board, "boards/pc/pc-64"), "KMK0023");
        Expect(Kmem.Run("layout", board), "KMK0023");
    }

    [Test]
    public void A_device_without_end_is_KMK0023_and_no_hang()
    {
        if (!File.Exists("/dev/zero"))
            Assert.Ignore("a system with /dev/zero is needed");
        Expect(Kmem.Run("layout", "/dev/zero"), "KMK0023");
    }

    [Test]
    public void Binary_junk_is_KMK0024_at_its_first_zero_byte()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("junk.dts", [.. "/dts-v1/;\n/ {"u8, 0, 1, 2, 0xff, 0xfe]);
        var result = Kmem.Run("layout", board);

        Expect(result, "KMK0024");
        Assert.That(result.ErrorLines[0], Does.StartWith($"{board}(2,4): error KMK0024: "));
    }

    [Test]
    public void UTF_16_is_KMK0025()
    {
        using var scratch = new Scratch();
        Expect(Kmem.Run("layout", scratch.Write("a.dts", [.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Scratch.GoodBoard)])), "KMK0025");
    }

    [Test]
    public void An_output_file_that_cannot_be_made_is_KMK0026_with_the_system_s_reason_in_words()
    {
        var result = Kmem.RunProcess("dts", "-o", "/no/such/folder/x.dts", "boards/pc/pc-64");

        Expect(result, "KMK0026");
        Assert.That(result.Error, Does.Contain("Could not find a part of the path"));
    }

    [Test]
    public void A_broken_defconfig_beside_a_board_is_reported_with_the_defconfig_s_name()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("a.dts", Scratch.GoodBoard);
        scratch.Write("a_defconfig", [.. "CONFIG_ARM=y\n"u8, 0]);
        var result = Kmem.Run("layout", board);

        Expect(result, "KMK0024");
        Assert.That(result.Error, Does.Contain("a_defconfig(2,1)"));
    }

    [Test]
    public void An_include_that_is_binary_is_reported_with_the_include_s_name()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("a.dts", "/dts-v1/;\n#include \"b.dtsi\"\n/ { };\n");
        scratch.Write("b.dtsi", [0, 0, 0]);
        var result = Kmem.Run("check", board);

        Assert.That(result.ExitCode, Is.EqualTo(1));
        Assert.That(result.Error, Does.Contain("b.dtsi(1,1): error KMK0024"));
    }

    [TestCase(0)]
    [TestCase(4)]
    [TestCase(39)]
    [TestCase(60)]
    [TestCase(200)]
    public void A_blob_cut_short_is_an_error_with_a_place(int length)
    {
        using var scratch = new Scratch();
        var whole = Kmem.Run("dts", "-O", "dtb", "boards/pc/pc-64").OutputBytes;
        var board = scratch.Write("cut.dtb", whole[..length]);
        var result = Kmem.Run("check", "--json", board);

        Assert.That(result.ExitCode, Is.EqualTo(1), result.ToString());
        Assert.That(result.ErrorLines[0], Does.Match(@"^.*cut\.dtb\(\d+,\d+\): error KMK\d{4}: "));
        Assert.That(result.Json.Single().GetProperty("errors").GetInt32(), Is.Positive);
    }

    [Test]
    public void A_byte_order_mark_is_no_part_of_the_text()
    {
        using var scratch = new Scratch();
        var plain = scratch.Write("one/a.dts", Scratch.GoodBoard);
        var marked = scratch.Write("two/a.dts", [0xef, 0xbb, 0xbf, .. Encoding.UTF8.GetBytes(Scratch.GoodBoard)]);

        Assert.That(Kmem.Run("dts", "-O", "dtb", marked).OutputBytes, Is.EqualTo(Kmem.Run("dts", "-O", "dtb", plain).OutputBytes).And.Not.Empty);
    }

    [Test]
    public void Bytes_of_Latin_1_in_a_string_reach_the_blob_as_they_are()
    {
        using var scratch = new Scratch();
        var board = scratch.Write("a.dts", [.. "/dts-v1/;\n/ {\n\tmodel = \"caf"u8, 0xe9, .. "\", \"b"u8, 0xc3, 0xa9, .. "\";\n};\n"u8]);
        var blob = Kmem.Run("dts", "-O", "dtb", board);

        Assert.That(blob.ExitCode, Is.Zero, blob.ToString());
        Assert.That(blob.OutputBytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[(byte)'f', 0xe9, 0, (byte)'b', 0xc3, 0xa9, 0]), Is.Positive);
    }

    [Test]
    public void A_name_with_control_characters_cannot_steer_the_terminal_or_fake_a_finding()
    {
        var result = Kmem.Run("layout", "evil\u001b[2J\nx.dts(1,1): error KMK9999: fake");

        Assert.That(result.ErrorLines, Has.Length.EqualTo(1), result.Error);
        Assert.That(result.Error, Does.Not.Contain('\u001b'));
    }

    [Test]
    public void An_unexpected_exception_becomes_one_line_and_the_next_board_gets_its_turn()
    {
        using var console = new Output.ConsoleStreams(new MemoryStream(), new MemoryStream());
        var verb = new Throwing();
        var code = Commands.BoardRunner.Run(verb, ["a", "b"], new Commands.Settings([], null, true, []), console);

        Assert.That((code, verb.Calls), Is.EqualTo((1, 2)));
    }

    private sealed class Throwing : Commands.IVerb
    {
        public int Calls { get; private set; }

        public Commands.VerbOutput Run(BoardRequest request, BoardCompiler.Diagnostics.DiagnosticBag findings) =>
            throw new InvalidOperationException($"call {++Calls}\nsecond line");

        public string FailureJson(string board, BoardCompiler.Diagnostics.DiagnosticBag findings) => "{}";
    }
}
