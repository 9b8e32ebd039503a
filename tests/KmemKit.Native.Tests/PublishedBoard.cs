using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Reflection;
using System.Threading.Tasks;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Native.Tests;

/// <summary>The library and headers of the sample's board, published once, and programs of C that are linked with them.</summary>
[SetUpFixture]
internal sealed class PublishedBoard
{
    /// <summary>The board.</summary>
    public const string Board = "virt-cortex-a15";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(8);

    /// <summary>The root of the repository.</summary>
    public static string Root => Repository.Root;

    /// <summary>Where the tests' C sources are.</summary>
    public static string Sources { get; } = Path.Combine(Root, "tests", "KmemKit.Native.Tests", "C");

    /// <summary>A folder that is gone after the tests.</summary>
    public static string Scratch { get; private set; } = "";

    /// <summary>The publish folder.</summary>
    public static string Folder => Path.Combine(Scratch, "publish");

    /// <summary>The library.</summary>
    public static string Library => Path.Combine(Folder, "lib" + Board + ".so");

    [OneTimeSetUp]
    public void Publish()
    {
        if (!OperatingSystem.IsLinux())
            return;
        Scratch = Directory.CreateTempSubdirectory("kmemkit-native-").FullName;
        var configuration = typeof(PublishedBoard).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "Configuration").Value!;
        // Built it is, because this project refers to it.
        var result = Run("dotnet", "publish", Path.Combine(Root, "samples", "NativeHarness", "board"), "--no-build", "-c", configuration, "-o", Folder, "-nologo", "-nodeReuse:false");
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
    }

    [OneTimeTearDown]
    public void Remove()
    {
        if (Scratch.Length > 0)
            Directory.Delete(Scratch, recursive: true);
    }

    /// <summary>Compiles a program of C and links it with the library.</summary>
    /// <param name="name">Name of the program.</param>
    /// <param name="arguments">Sources and further options.</param>
    /// <returns>Its path.</returns>
    public static string Compile(string name, params string[] arguments)
    {
        OutsideTool.Require("gcc", "gcc");
        var program = Path.Combine(Scratch, name);
        var result = Run("gcc", ["-std=c99", "-O1", "-g", "-Wall", "-Wextra", "-Werror", "-rdynamic", "-I" + Folder, "-I" + Sources, .. arguments, "-o", program,
            "-L" + Folder, "-l" + Board, "-lpthread", "-Wl,-rpath," + Folder]);
        Assert.That(result.Code, Is.Zero, result.Output + result.Error);
        return program;
    }

    /// <summary>Runs a program to its end.</summary>
    /// <returns>128 and the signal where one ended it, as the shell counts.</returns>
    public static (int Code, string Output, string Error) Run(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = Scratch, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var name in new[] { "MSBUILD_EXE_PATH", "MSBuildExtensionsPath", "MSBuildSDKsPath", "MSBuildLoadMicrosoftTargetsReadOnly" })
            start.Environment.Remove(name);
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        if (!Task.WhenAll(output, error).Wait(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} does not end.");
        }
        process.WaitForExit();
        return (process.ExitCode, output.Result, error.Result);
    }
}
