using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.Json;
using System.Threading.Tasks;
using KmemKit.Tests.Shared;
using KmemKit.Tool.Output;
using NUnit.Framework;

namespace KmemKit.Tool.Tests;

/// <summary>What a run of <c>kmem</c> left behind.</summary>
internal sealed record KmemResult(int ExitCode, byte[] OutputBytes, string Error)
{
    public string Output => Encoding.UTF8.GetString(OutputBytes);

    public string[] OutputLines => Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public string[] ErrorLines => Error.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public JsonElement[] Json => OutputLines.Select(line => JsonDocument.Parse(line).RootElement).ToArray();

    public override string ToString() => $"exit {ExitCode}\n--- stdout\n{Output}--- stderr\n{Error}";
}

/// <summary>Runs <c>kmem</c>: in this process where speed matters, as a process of its own where the process is the point.</summary>
internal static class Kmem
{
    /// <summary>The root of the repository: where the solution is.</summary>
    public static string Root => Repository.Root;

    /// <summary>The boards of the repository: paths of their sources, relative to the root.</summary>
    public static string[] Boards { get; } = Directory.GetFiles(Path.Combine(Root, "boards"), "*.dts", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(Root, f)).Order(StringComparer.Ordinal).ToArray();

    /// <summary>The shell command that starts the tool.</summary>
    public static string Command => $"dotnet '{Path.Combine(AppContext.BaseDirectory, "kmem.dll")}'";

    /// <summary>In this process, from the root of the repository. <paramref name="terminal"/>: as if a person looked at it.</summary>
    public static KmemResult Run(params string[] arguments) => Run(terminal: false, arguments);

    public static KmemResult Run(bool terminal, params string[] arguments)
    {
        Directory.SetCurrentDirectory(Root);
        var output = new MemoryStream();
        var error = new MemoryStream();
        using var console = new ConsoleStreams(output, error, terminal, terminal);
        var code = Program.Run(arguments, console);
        return new KmemResult(code, output.ToArray(), Encoding.UTF8.GetString(error.ToArray()));
    }

    /// <summary>As a process, from the root of the repository.</summary>
    public static KmemResult RunProcess(params string[] arguments) => Start("dotnet", [Path.Combine(AppContext.BaseDirectory, "kmem.dll"), .. arguments]);

    /// <summary>A bash command line, in which <c>kmem</c> is the tool.</summary>
    public static KmemResult RunShell(string script) => Start("bash", ["-c", $"kmem() {{ {Command} \"$@\"; }}; {script}"]);

    private static KmemResult Start(string program, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true, WorkingDirectory = Root,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        using var output = new MemoryStream();
        var copied = process.StandardOutput.BaseStream.CopyToAsync(output);
        // A hang is a failure and not a wait without end.
        if (!Task.WhenAll(error, copied).Wait(TimeSpan.FromMinutes(2)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} does not end.");
        }
        process.WaitForExit();
        return new KmemResult(process.ExitCode, output.ToArray(), error.Result);
    }
}
