using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Packaging.Tests.Harness;

/// <summary>What a program left behind.</summary>
internal sealed record CliResult(int ExitCode, string Output)
{
    public string[] Lines => Output.Split('\n');
}

/// <summary>Runs programs, <c>dotnet</c> above all, as a user does, away from this repository and from the user's own settings.</summary>
internal static class Cli
{
    /// <summary>The root of the repository.</summary>
    public static string Root => Repository.Root;

    /// <summary>A fact that the project file wrote into this assembly.</summary>
    public static string Fact(string name) =>
        typeof(Cli).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == name).Value!;

    public static CliResult Dotnet(string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        Run("dotnet", folder, environment, arguments);

    public static CliResult Run(string program, string folder, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        // What the test's own host was given would reach into the builds it starts.
        foreach (var name in new[] { "MSBUILD_EXE_PATH", "MSBuildExtensionsPath", "MSBuildSDKsPath", "MSBuildLoadMicrosoftTargetsReadOnly" })
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_NOLOGO"] = "1";
        start.Environment["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!Task.WhenAll(output, error).Wait(TimeSpan.FromMinutes(8)))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} does not end.");
        }
        process.WaitForExit();
        return new CliResult(process.ExitCode, output.Result + error.Result);
    }
}
