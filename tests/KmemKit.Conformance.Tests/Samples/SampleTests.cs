using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Samples;

/// <summary>Samples do what they are there for: each is built by the solution, run as it stands, and says what it should.</summary>
internal sealed class SampleTests
{
    [TestCase("CustomBoard", "21.5 degrees", "the task sets the sensor: refused, Permission fault at 0x40010000", "the task reads the kernel's RAM: refused")]
    [TestCase("QuickStart", "== msm8974: a hole in lowmem costs lowmem", "Virtual kernel memory layout")]
    [TestCase("MpuTasks", "7 of 8 regions in use (at least 7), 0 bytes granted beyond", "sensor   writes to the mailbox: MemManage at 0x21030000", "registers differ from the plan in 0 places")]
    [TestCase("MmuDriver", "ioremap", "refused: careless", "user code reads kernel memory: data abort", "what vfree took away: data abort", "kmap: a highmem page")]
    [TestCase("SmmuPipeline", "4 pictures went through", "the encoder writes into the camera's picture: Abort", "the SMMU reports Translation of stream 2")]
    public void A_sample_says_what_it_should(string name, params string[] said)
    {
        var folder = Path.Combine(Repository.Root, "samples", name);
        var configuration = Path.GetFileName(Path.GetDirectoryName(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar)))!;
        var program = Path.Combine(folder, "bin", configuration, "net10.0", name + ".dll");
        Assert.That(program, Does.Exist);
        using var process = Process.Start(new ProcessStartInfo("dotnet", [program]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That((process.ExitCode, errors.Result), Is.EqualTo((0, "")));
        TestContext.Out.WriteLine(output);
        foreach (var text in said)
            Assert.That(output, Does.Contain(text));
        Assert.That(File.ReadLines(Path.Combine(folder, "Program.cs")).Count(), Is.LessThan(150));
    }
}
