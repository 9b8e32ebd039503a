using System;
using System.Diagnostics;
using System.IO;

namespace KmemKit.Conformance.Boards.Subjects;

/// <summary>Outside programs of this host.</summary>
internal static class HostPrograms
{
    /// <summary>Whether a program is on the PATH.</summary>
    public static bool Has(string program)
    {
        foreach (var folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator))
        {
            if (folder.Length > 0 && File.Exists(Path.Combine(folder, program)))
                return true;
        }
        return false;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>What it said, where it failed; else null.</returns>
    public static string? Run(string program, string folder, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true, RedirectStandardOutput = true, WorkingDirectory = folder, Environment = { ["LC_ALL"] = "C" },
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? null : errors.Result + output;
    }
}
