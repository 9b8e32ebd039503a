using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Artifacts;

/// <summary>What a compiler and <c>objcopy</c> make of a written image.</summary>
internal static class CompiledImage
{
    /// <summary>Compiles a source and gives the bytes of a section.</summary>
    /// <param name="folder">Where the source is, and what is made of it.</param>
    /// <param name="prefix">Of the tools, such as <c>aarch64-linux-gnu-</c>.</param>
    /// <param name="source">The source's file name.</param>
    /// <param name="section">Such as <c>.kmem_tables</c>.</param>
    public static byte[] Section(string folder, string prefix, string source, string section)
    {
        Run(folder, prefix + "gcc", ["-c", "-ffreestanding", "-Wall", "-Wextra", "-Werror", "-o", "out.o", source]);
        Run(folder, prefix + "objcopy", ["-O", "binary", "--only-section=" + section, "out.o", "out.bin"]);
        return File.ReadAllBytes(Path.Combine(folder, "out.bin"));
    }

    private static void Run(string folder, string program, IEnumerable<string> arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, error);
    }
}
