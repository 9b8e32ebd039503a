using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading.Tasks;
using NUnit.Framework;

namespace KmemKit.Emulation.Tests.Machines;

/// <summary>How a program ended.</summary>
/// <param name="ExitCode">Its exit code; null where it was killed at its time limit.</param>
/// <param name="Output">Standard output.</param>
/// <param name="Error">Standard error.</param>
public sealed record ProcessEnd(int? ExitCode, string Output, string Error);

/// <summary>Programs of the host: run to their end or to a time limit, never left behind.</summary>
public static class HostProcess
{
    private static readonly TimeSpan s_compileLimit = TimeSpan.FromMinutes(2);

    public static ProcessEnd Run(string program, string folder, IEnumerable<string> arguments, TimeSpan limit)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
        })!;
        // Also where the test host itself is told to end.
        void AtExit(object? sender, EventArgs e) => Kill(process);
        AppDomain.CurrentDomain.ProcessExit += AtExit;
        try
        {
            process.StandardInput.Close();
            var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
            var ended = process.WaitForExit(limit);
            if (!ended)
                Kill(process);
            Task.WaitAll(output, error);
            return new ProcessEnd(ended ? process.ExitCode : null, output.Result, error.Result);
        }
        finally
        {
            AppDomain.CurrentDomain.ProcessExit -= AtExit;
            Kill(process);
        }
    }

    /// <summary>Starts a program that is talked to by standard input and output; it ends with the test host at the latest.</summary>
    public static Process Start(string program, string folder, IEnumerable<string> arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Kill(process);
        return process;
    }

    /// <summary>Ends a program and those it started.</summary>
    public static void Kill(Process process)
    {
        try
        {
            process.Kill(true);
        }
        catch (InvalidOperationException)
        {
            // It has ended, or was disposed of.
        }
    }

    /// <summary>Runs a program that must succeed.</summary>
    public static void Check(string program, string folder, IReadOnlyCollection<string> arguments)
    {
        var end = Run(program, folder, arguments, s_compileLimit);
        Assert.That(end.ExitCode, Is.Zero, $"{program} {string.Join(' ', arguments)}\n{end.Output}{end.Error}");
    }
}
