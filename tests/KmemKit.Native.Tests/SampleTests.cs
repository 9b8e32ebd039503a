using System;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>samples/NativeHarness: a driver in C with its unit tests, and the same driver in C#.</summary>
[TestFixture]
internal sealed class SampleTests
{
    private static string Sample => Path.Combine(PublishedBoard.Root, "samples", "NativeHarness");

    [Test]
    public void Driver_in_C_passes_its_tests()
    {
        var sources = Directory.GetFiles(Path.Combine(Sample, "driver"), "*.c").Order(StringComparer.Ordinal).ToArray();
        var result = PublishedBoard.Run(PublishedBoard.Compile("pl011_test", [.. sources, "-I" + Path.Combine(Sample, "driver"), "-D_GNU_SOURCE"]));
        TestContext.Out.Write(result.Output);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(Regex.Count(result.Output, "^PASS ", RegexOptions.Multiline), Is.EqualTo(5), result.Output);
        Assert.That(result.Output, Does.Contain("   on the line: \"hello, board\"\n"));
        // The one that is wrong on purpose says where the device read what it had no longer.
        var line = Array.FindIndex(File.ReadAllLines(Path.Combine(Sample, "driver", "pl011_model.c")), l => l.Contains("kmem_device_dma_read", StringComparison.Ordinal)) + 1;
        Assert.That(result.Output, Does.Match($@"FAIL device_that_reads_freed_memory_is_caught: \S+pl011_model\.c:{line}: misuse\n").And.Contain("DMA-API: /pl011@9000000: device reads DMA memory it was not given"));
        Assert.That(result.Error, Does.Contain("uart0: PL011 at 0x9000000, irq 32"));
    }

    [Test]
    public void Driver_in_CSharp_does_the_same()
    {
        var configuration = typeof(SampleTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;
        var result = PublishedBoard.Run("dotnet", Path.Combine(Sample, "csharp", "bin", configuration, "net10.0", "NativeHarness.dll"));
        TestContext.Out.Write(result.Output);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        Assert.That(result.Output, Does.Contain("on the line: \"hello, board\" (12 bytes by DMA)").And.Contain("came in: \"AT+OK\"").And.Contain("0 mappings left, 0 rules of the DMA API broken"));
    }

    [Test]
    public void Files_of_the_sample_are_short()
    {
        foreach (var file in Directory.EnumerateFiles(Sample, "*.*", SearchOption.AllDirectories).Where(f => f.EndsWith(".c", StringComparison.Ordinal) || f.EndsWith(".h", StringComparison.Ordinal) || f.EndsWith(".cs", StringComparison.Ordinal)))
        {
            if (!Path.GetRelativePath(Sample, file).Split(Path.DirectorySeparatorChar).Any(p => p is "obj" or "bin"))
                Assert.That(File.ReadLines(file).Count(), Is.LessThanOrEqualTo(150), file);
        }
    }
}
