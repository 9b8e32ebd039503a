using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Tests.Artifacts;
using KmemKit.BoardCompiler.Writers.Emulators;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Writers.Emulators;

/// <summary>The file for QEMU's -readconfig, read by QEMU: the memory it makes is the board's, and images are loaded where the file says.</summary>
internal sealed class QemuConfigTests
{
    [TestCase("qemu/virt-cortex-a15", "qemu-system-arm")]
    [TestCase("qemu/virt-cortex-a53", "qemu-system-aarch64")]
    [TestCase("qemu/mps2-an385", "qemu-system-arm")]
    [TestCase("qemu/mps2-an386", "qemu-system-arm")]
    [TestCase("qemu/mps2-an500", "qemu-system-arm")]
    [TestCase("qemu/mps2-an505", "qemu-system-arm")]
    [TestCase("qemu/mps3-an547", "qemu-system-arm")]
    [TestCase("qemu/virt-riscv32", "qemu-system-riscv32")]
    [TestCase("qemu/virt-riscv64", "qemu-system-riscv64")]
    [TestCase("qemu/integratorcp-arm946", "qemu-system-arm")]
    public void QEMU_takes_it_and_has_RAM_from_the_first_to_the_last_word_of_every_bank(string board, string qemu)
    {
        OutsideTool.Require(qemu, qemu.Contains("riscv", StringComparison.Ordinal) ? "qemu-system-misc" : "qemu-system-arm");
        var layout = RepositoryBoards.Compile(board).Layout!;
        var text = QemuConfigWriter.Write(layout);
        // The command line that the file itself names.
        var line = Regex.Match(text, @"^# (\S+)( -cpu \S+)? -readconfig (\S+) ", RegexOptions.Multiline);
        Assert.That((line.Groups[1].Value, line.Groups[3].Value), Is.EqualTo((qemu, layout.Board.Name + ".qemu.cfg")));
        var places = layout.Banks.SelectMany(b => new[] { b.Range.Start.Value, b.Range.End.Value - 4 }).ToList();
        var folder = Directory.CreateTempSubdirectory("kmemkit-qemu-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(folder, line.Groups[3].Value), text);
            string[] arguments =
            [
                .. line.Groups[2].Value.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-readconfig", line.Groups[3].Value,
                .. places.SelectMany((p, i) => new[] { "-device", string.Create(CultureInfo.InvariantCulture, $"loader,addr=0x{p:x},data=0x{0x5a000000 + i:x},data-len=4") }),
                // Firmware of QEMU's own would lie where the first word goes.
                .. qemu.Contains("riscv", StringComparison.Ordinal) ? new[] { "-bios", "none" } : [],
                "-nographic", "-nic", "none", "-S", "-monitor", "stdio", "-serial", "null",
            ];
            var output = Run(qemu, arguments, folder, string.Concat(places.Select(p => $"xp /1xw 0x{p:x}\n")) + "quit\n");

            // QEMU's virt puts its own devicetree over the first word, unless -kernel says where else.
            for (var i = layout.Board.Compatible.Contains("linux,dummy-virt") ? 1 : 0; i < places.Count; i++)
                Assert.That(output, Does.Contain(string.Create(CultureInfo.InvariantCulture, $"{places[i]:x16}: 0x{0x5a000000 + i:x8}")), output);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Test]
    public void Size_and_places_are_the_layout_s([ValueSource(typeof(RepositoryBoards), nameof(RepositoryBoards.Names))] string board)
    {
        var layout = RepositoryBoards.Compile(board).Layout!;
        var text = QemuConfigWriter.Write(layout);
        var size = Regex.Match(text, "^(?:  size = \"|# The machine .* of it, )([0-9]+)([MB])(?:\"| are the board's.)$", RegexOptions.Multiline);
        var bytes = ulong.Parse(size.Groups[1].Value, CultureInfo.InvariantCulture) << (size.Groups[2].Value == "M" ? 20 : 0);

        Assert.That(bytes, Is.EqualTo(layout.Board.Banks.Aggregate(0UL, (sum, b) => sum + b.Range.Size.Value)));
        Assert.That(Regex.Matches(text, @"^#   RAM (\S+) to (\S+)$", RegexOptions.Multiline).Select(m => $"{m.Groups[1]} {m.Groups[2]}"),
            Is.EqualTo(layout.Banks.Select(b => $"{b.Range.Start} {b.Range.End}")));
        Assert.That(text.Contains("[machine]", StringComparison.Ordinal), Is.EqualTo(board.StartsWith("qemu/", StringComparison.Ordinal) && board != "qemu/zcu102-rpu"));
    }

    private static string Run(string program, string[] arguments, string folder, string input)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder,
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(TimeSpan.FromMinutes(1)))
        {
            process.Kill();
            Assert.Fail("QEMU does not end: " + error.Result);
        }
        return output.Result + error.Result;
    }
}
