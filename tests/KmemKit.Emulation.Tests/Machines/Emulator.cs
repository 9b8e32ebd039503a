using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using KmemKit.Emulation.Tests.Toolchains;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Machines;

/// <summary>Bytes that are in memory before the program starts: page tables, register tables, probes.</summary>
/// <param name="Address">Physical address.</param>
/// <param name="Bytes">At least one.</param>
public sealed record MemoryImage(ulong Address, byte[] Bytes);

/// <summary>How a program on an emulated core ended.</summary>
/// <param name="ExitCode">What it gave to <c>finish</c>; null where it did not end in time and was killed.</param>
/// <param name="Results">All bytes that it gave to <c>report</c>.</param>
/// <param name="Console">What the emulator and the machine's console printed.</param>
public sealed record EmulatorEnd(int? ExitCode, byte[] Results, string Console);

/// <summary>Runs programs on emulated cores: headless, with a time limit, results in one file.</summary>
public static class Emulator
{
    private const string ResultsFile = "results.bin";

    /// <summary>Long enough for a busy machine; a program that hangs costs it once.</summary>
    public static TimeSpan DefaultLimit { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Runs a program and gives what it reported; a program that does not finish with 0 fails the test.</summary>
    public static byte[] Results(QemuMachine machine, Firmware firmware, params MemoryImage[] images)
    {
        var end = Run(machine, firmware, images, DefaultLimit);
        Assert.That(end.ExitCode, Is.Zero, $"{machine}: {(end.ExitCode is null ? "killed at its time limit" : "ended early")}\n{end.Console}");
        return end.Results;
    }

    /// <summary>Runs a program to its end, or to the limit.</summary>
    /// <param name="machine">On what. The test is skipped where the emulator is not installed.</param>
    /// <param name="firmware">The program.</param>
    /// <param name="images">What is in memory beside it.</param>
    /// <param name="limit">When it is killed.</param>
    public static EmulatorEnd Run(QemuMachine machine, Firmware firmware, IReadOnlyList<MemoryImage> images, TimeSpan limit)
    {
        machine.Require();
        var folder = Scratch.NewFolder();
        var end = HostProcess.Run(machine.Program, folder, [.. Arguments(machine, firmware, images, folder), "-serial", "stdio"], limit);
        var results = Path.Combine(folder, ResultsFile);
        // The exit device of a PC ends the emulator with twice the value and one.
        var code = machine.HasSemihosting || end.ExitCode is not { } value ? end.ExitCode : value % 2 == 1 ? value / 2 : -1;
        return new EmulatorEnd(code, File.Exists(results) ? File.ReadAllBytes(results) : [], end.Output + end.Error);
    }

    internal static List<string> Arguments(QemuMachine machine, Firmware firmware, IReadOnlyList<MemoryImage> images, string folder)
    {
        List<string> arguments = [.. machine.Arguments, "-display", "none", "-monitor", "none", "-nic", "none", "-no-reboot"];
        if (machine.LoaderCpu is { } cpu)
            arguments.AddRange(["-device", string.Create(CultureInfo.InvariantCulture, $"loader,file={firmware.Path},cpu-num={cpu}")]);
        else
            arguments.AddRange(["-kernel", firmware.Path]);
        arguments.AddRange(machine.HasSemihosting
            ? ["-semihosting-config", "enable=on,target=native"]
            : ["-debugcon", "file:" + ResultsFile, "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
        for (var i = 0; i < images.Count; i++)
        {
            var file = Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"image{i}.bin"));
            File.WriteAllBytes(file, images[i].Bytes);
            arguments.AddRange(["-device", string.Create(CultureInfo.InvariantCulture, $"loader,file={file},addr=0x{images[i].Address:x},force-raw=on")]);
        }
        return arguments;
    }
}
