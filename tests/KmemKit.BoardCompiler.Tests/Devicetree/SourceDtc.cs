using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// The outside witness: cpp as the kernel's build runs it, and dtc behind it.
internal static class SourceDtc
{
    private const string Script =
        "cpp -nostdinc -undef -x assembler-with-cpp -Iinclude \"$1\" -o \"$2/in.dts\" && dtc -q $3 -I dts -O dtb -o \"$2/out.dtb\" - < \"$2/in.dts\"";

    internal static void Require()
    {
        OutsideTool.Require("dtc", "device-tree-compiler");
        OutsideTool.Require("cpp", "cpp");
    }

    // The blob, or null where cpp or dtc refuses. The source's folder is the current one.
    internal static byte[]? Compile(string folder, string file, string options = "")
    {
        var output = Directory.CreateTempSubdirectory("kmem-dts-");
        try
        {
            var start = new ProcessStartInfo("/bin/bash") { WorkingDirectory = folder, RedirectStandardError = true };
            foreach (var argument in new[] { "-c", Script, "witness", file, output.FullName, options })
                start.ArgumentList.Add(argument);
            using var process = Process.Start(start)!;
            var errors = process.StandardError.ReadToEndAsync();
            process.WaitForExit();
            Task.WaitAll(errors);
            return process.ExitCode == 0 ? File.ReadAllBytes(Path.Combine(output.FullName, "out.dtb")) : null;
        }
        finally
        {
            output.Delete(recursive: true);
        }
    }

    // What cpp makes of a source, line markers and all.
    internal static string Preprocess(string folder, string file)
    {
        var start = new ProcessStartInfo("cpp") { WorkingDirectory = folder, RedirectStandardOutput = true };
        foreach (var argument in new[] { "-nostdinc", "-undef", "-x", "assembler-with-cpp", "-Iinclude", file })
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.That(process.ExitCode, Is.Zero, "cpp takes the vector");
        return text;
    }

    // The same for a text by itself.
    internal static byte[]? CompileText(string text, string options = "")
    {
        var folder = Directory.CreateTempSubdirectory("kmem-dts-");
        try
        {
            File.WriteAllText(Path.Combine(folder.FullName, "board.dts"), text);
            return Compile(folder.FullName, "board.dts", options);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
