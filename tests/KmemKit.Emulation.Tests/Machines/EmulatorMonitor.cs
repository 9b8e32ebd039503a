using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text.Json;
using System.Text.RegularExpressions;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Machines;

/// <summary>A program on an emulated core, seen through the emulator's monitor.</summary>
/// <remarks>QEMU Machine Protocol over standard input and output: one JSON object a line, the human monitor's commands by human-monitor-command.</remarks>
public sealed partial class EmulatorMonitor : IDisposable
{
    private readonly Process _process;

    private EmulatorMonitor(Process process) => _process = process;

    /// <summary>Starts a program.</summary>
    /// <param name="machine">On what. The test is skipped where the emulator is not installed.</param>
    /// <param name="firmware">The program; it stays somewhere and never ends.</param>
    /// <param name="images">What is in memory beside it.</param>
    public static EmulatorMonitor Start(QemuMachine machine, Firmware firmware, params MemoryImage[] images)
    {
        machine.Require();
        var folder = Scratch.NewFolder();
        var monitor = new EmulatorMonitor(HostProcess.Start(
            machine.Program, folder, [.. Emulator.Arguments(machine, firmware, images, folder), "-serial", "none", "-qmp", "stdio"]));
        try
        {
            Assert.That(monitor.ReadLine(), Does.Contain("\"QMP\""));
            monitor.Execute("""{"execute":"qmp_capabilities"}""");
            return monitor;
        }
        catch
        {
            monitor.Dispose();
            throw;
        }
    }

    /// <summary>A command of the human monitor, and its words.</summary>
    public string Command(string line) => Execute(JsonSerializer.Serialize(new Request("human-monitor-command", new CommandLine(line))));

    /// <summary>Returns when the core is at an address; a core that does not come there in time fails the test.</summary>
    public void WaitFor(ulong address)
    {
        var watch = Stopwatch.StartNew();
        string registers;
        do
        {
            registers = Command("info registers");
            if (ProgramCounter().Match(registers) is { Success: true } pc
                && ulong.Parse(pc.Groups[1].Value, NumberStyles.HexNumber, CultureInfo.InvariantCulture) == address)
            {
                Command("stop");
                return;
            }
        }
        while (watch.Elapsed < Emulator.DefaultLimit);
        Assert.Fail($"The program is not at 0x{address:x} after {Emulator.DefaultLimit}:\n{registers}");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        HostProcess.Kill(_process);
        _process.Dispose();
    }

    private string Execute(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        while (true)
        {
            using var answer = JsonDocument.Parse(ReadLine());
            if (answer.RootElement.TryGetProperty("return", out var value))
                return value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            // Events come between.
            Assert.That(answer.RootElement.TryGetProperty("event", out _), $"{request}: {answer.RootElement}");
        }
    }

    private string ReadLine() => _process.StandardOutput.ReadLineAsync().WaitAsync(Emulator.DefaultLimit).GetAwaiter().GetResult()
        ?? throw new EndOfStreamException("The emulator is gone.");

    // AArch64, Armv7 (x86 has 16 digits in its r15), x86, RISC-V.
    [GeneratedRegex(@"(?:\bPC=|\bR15=(?=[0-9a-f]{8}\b)|\b[ER]IP=|^ ?pc +)([0-9a-f]+)", RegexOptions.Multiline)]
    private static partial Regex ProgramCounter();

    private sealed record Request(
        [property: System.Text.Json.Serialization.JsonPropertyName("execute")] string Execute,
        [property: System.Text.Json.Serialization.JsonPropertyName("arguments")] CommandLine Arguments);

    private sealed record CommandLine([property: System.Text.Json.Serialization.JsonPropertyName("command-line")] string Line);
}
