using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Packaging.Tests.Harness;
using NUnit.Framework;

namespace KmemKit.Packaging.Tests;

/// <summary>All packages, packed once for all tests under a version that no cache has seen.</summary>
[SetUpFixture]
internal sealed class PackedFeed
{
    public static readonly string[] Ids = ["KmemKit", "KmemKit.Build", "KmemKit.Conformance", "KmemKit.Native", "KmemKit.Runtime", "KmemKit.Templates", "KmemKit.Tool"];

    /// <summary>The version: above any release's, so that nothing else can be meant.</summary>
    public static string Version { get; } = $"99.0.0-test.{Guid.NewGuid():n}";

    /// <summary>A folder that is gone after the tests.</summary>
    public static string Scratch { get; private set; } = "";

    /// <summary>The folder with the packages: a private feed.</summary>
    public static string Folder => Path.Combine(Scratch, "feed");

    public static string Package(string id) => Path.Combine(Folder, $"{id}.{Version}.nupkg");

    /// <summary>Settings under which nothing of the user's is read or written.</summary>
    public static IReadOnlyDictionary<string, string> Isolation => new Dictionary<string, string>
    {
        ["DOTNET_CLI_HOME"] = Path.Combine(Scratch, "home"),
        ["NUGET_PACKAGES"] = Path.Combine(Scratch, "packages"),
    };

    [OneTimeSetUp]
    public void Pack()
    {
        Scratch = Directory.CreateTempSubdirectory("kmemkit-packages-").FullName;
        // One call for all: what they share is evaluated once. Built they are, because this project refers to them.
        var projects = string.Join(';', Ids.Select(id => Path.Combine(Cli.Root, "src", id, id + ".csproj")));
        File.WriteAllText(Path.Combine(Scratch, "pack.proj"), $"""
            <Project>
              <Target Name="PackAll">
                <MSBuild Projects="{projects}" Targets="Pack"
                         Properties="NoBuild=true;Version={Version};PackageOutputPath={Folder};Configuration={Cli.Fact("Configuration")}" />
              </Target>
            </Project>
            """);
        var result = Cli.Dotnet(Scratch, new Dictionary<string, string>(), "msbuild", "pack.proj", "-t:PackAll", "-nologo", "-m:1", "-nodeReuse:false", "-v:minimal");
        Assert.That(result.ExitCode, Is.Zero, result.Output);
        Assert.That(Ids.Where(id => !File.Exists(Package(id))), Is.Empty, result.Output);
    }

    [OneTimeTearDown]
    public void Remove()
    {
        if (Scratch.Length > 0)
            Directory.Delete(Scratch, recursive: true);
    }
}
