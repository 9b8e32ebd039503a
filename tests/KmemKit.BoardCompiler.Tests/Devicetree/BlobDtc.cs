using System;
using System.Diagnostics;
using System.IO;
using KmemKit.Tests.Shared;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// The outside witness: dtc of Debian's device-tree-compiler, run on files in a folder of its own.
internal static class BlobDtc
{
    internal static byte[] Run(byte[] input, string arguments)
    {
        var folder = NewFolder();
        try
        {
            File.WriteAllBytes(Path.Combine(folder, "in"), input);
            Shell(folder, "dtc -q -q " + arguments + " -o out in");
            return File.ReadAllBytes(Path.Combine(folder, "out"));
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    internal static string NewFolder()
    {
        RequireDtc();
        return Directory.CreateTempSubdirectory("kmemkit-dtc-").FullName;
    }

    // One shell for many runs of dtc: starting a process from here costs more than dtc's own work.
    internal static void Shell(string folder, string script)
    {
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = folder, RedirectStandardError = true, RedirectStandardInput = true };
        start.ArgumentList.Add("-e");
        using var process = Process.Start(start)!;
        process.StandardInput.Write(script);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException("the shell ended with " + process.ExitCode + ": " + errors);
    }

    internal static void RequireDtc() => OutsideTool.Require("dtc", "device-tree-compiler");
}
