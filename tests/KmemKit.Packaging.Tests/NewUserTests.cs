using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using KmemKit.Packaging.Tests.Harness;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Packaging.Tests;

/// <summary>
/// A new user's first minutes, from the packages: an empty folder, a private feed, no network. The tests are steps of one story, in order, because each build
/// is of what the one before left.
/// </summary>
[TestFixture]
[NonParallelizable]
internal sealed class NewUserTests
{
    private static readonly string[] Quiet = ["-nologo", "-m:1", "-nodeReuse:false", "-v:minimal"];

    private static string Work => Path.Combine(PackedFeed.Scratch, "work");

    private static string Project => Path.Combine(Work, "Acme.Board");

    [OneTimeSetUp]
    public void InstallTemplates()
    {
        Directory.CreateDirectory(Work);
        var cache = Cli.Fact("PackageCache");
        // The machine's packages serve as a feed, for their versions, and as a fallback folder, so that they are used where they are.
        File.WriteAllText(Path.Combine(Work, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="private" value="{PackedFeed.Folder}" /><add key="machine" value="{cache}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="machine" value="{cache}" /></fallbackPackageFolders>
            </configuration>
            """);
        // The folder is empty, whatever the temporary folder's parents hold.
        File.WriteAllText(Path.Combine(Work, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(Work, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(Work, "Directory.Packages.props"), "<Project />");
    }

    /// <summary>The lines are those of the templates' README, run as they stand there.</summary>
    [Test]
    public void Step_1_the_readmes_lines_lead_to_a_passing_test()
    {
        var lines = ReadmeLines().TakeWhile(l => !l.StartsWith("arm-none-eabi-gcc", StringComparison.Ordinal)).ToArray();
        Assert.That(lines.Select(l => l.Split(' ')[1]), Is.EqualTo(new[] { "new", "new", "test" }));
        var run = Cli.Run("sh", Work, PackedFeed.Isolation, "-exc", string.Join('\n', lines));
        Succeeds(run);
        Assert.That(File.ReadAllText(Path.Combine(Project, "Acme.Board.csproj")), Does.Contain(PackedFeed.Version));
        Assert.That(Regex.Matches(run.Output, @"warning \w+").Select(m => m.Value), Is.Empty, run.Output);
        Assert.That(Artifacts().Keys, Has.Some.EndsWith("firmware/generated/demo.layout.json"));
        var counts = Regex.Match(run.Output, @"Failed:\s+(\d+), Passed:\s+(\d+), Skipped:\s+(\d+)");
        Assert.That(counts.Groups.Values.Skip(1).Select(g => g.Value), Is.EqualTo(new[] { "0", "63", "0" }), run.Output);
    }

    [Test, DependsOnTest(nameof(Step_1_the_readmes_lines_lead_to_a_passing_test))]
    public void Step_2_the_readmes_last_line_compiles_firmware_with_the_header_and_links_it_by_the_fragment()
    {
        OutsideTool.Require("arm-none-eabi-gcc", "gcc-arm-none-eabi");
        var command = ReadmeLines()[^1];
        Succeeds(Shell(command));
        Assert.That(new FileInfo(Path.Combine(Project, "firmware/firmware.elf")).Length, Is.GreaterThan(0));
        // The file itself gives the same command.
        var text = File.ReadAllText(Path.Combine(Project, "firmware/main.c"));
        Assert.That(Words(Regex.Replace(text, @"\\\r?\n \*", " ")), Does.Contain(Words(command)));
        // The header is what decides: a claim that the map does not bear out is an error of the compiler.
        Edit("firmware/main.c", "== 0xd0000000U", "== 0xe0000000U");
        var wrong = Shell(command);
        Assert.That(wrong.ExitCode, Is.Not.Zero);
        Assert.That(wrong.Output, Does.Contain("the second chip is mapped where the drivers expect it"));
        Edit("firmware/main.c", "== 0xe0000000U", "== 0xd0000000U");
    }

    [Test, DependsOnTest(nameof(Step_2_the_readmes_last_line_compiles_firmware_with_the_header_and_links_it_by_the_fragment))]
    public void Step_3_the_tool_is_installed_and_emits_the_bytes_of_the_build()
    {
        var tools = Path.Combine(PackedFeed.Scratch, "tools");
        Succeeds(Dotnet(Work, "tool", "install", "KmemKit.Tool", "--version", PackedFeed.Version, "--tool-path", tools));
        var emitted = Path.Combine(PackedFeed.Scratch, "emitted");
        Succeeds(Cli.Run(Path.Combine(tools, "kmem"), Project, PackedFeed.Isolation, "emit", "-o", emitted, "boards/demo"));
        var built = Directory.EnumerateFiles(Path.Combine(Project, "firmware/generated")).ToArray();
        Assert.That(built, Is.Not.Empty);
        foreach (var file in built)
            Assert.That(File.ReadAllBytes(Path.Combine(emitted, Path.GetFileName(file))), Is.EqualTo(File.ReadAllBytes(file)), file);
    }

    [Test, DependsOnTest(nameof(Step_3_the_tool_is_installed_and_emits_the_bytes_of_the_build))]
    public void Step_4_a_second_build_touches_no_file()
    {
        var before = Times();
        Succeeds(Build());
        Assert.That(Changed(before), Is.Empty);
    }

    [Test, DependsOnTest(nameof(Step_4_a_second_build_touches_no_file))]
    public void Step_5_a_touched_include_makes_the_board_again_and_rewrites_no_artifact()
    {
        var before = Times();
        var artifacts = Artifacts();
        var include = Path.Combine(Project, "boards/demo/demo-soc.dtsi");
        File.SetLastWriteTimeUtc(include, DateTime.UtcNow.AddSeconds(1));
        Succeeds(Build());
        Assert.That(Changed(before), Has.Some.EndsWith("demo.record"));
        Assert.That(Artifacts(), Is.EqualTo(artifacts));
    }

    [Test, DependsOnTest(nameof(Step_5_a_touched_include_makes_the_board_again_and_rewrites_no_artifact))]
    public void Step_6_new_boards_come_in_by_their_template()
    {
        string[] cpus = ["cortex-a9", "cortex-a53", "cortex-m4"];
        foreach (var cpu in cpus)
            Succeeds(Dotnet(Project, "new", "kmem-board", "-n", "my-" + cpu, "--cpu", cpu));
        Edit("Acme.Board.csproj", "<KmemBoard Include=\"boards/demo/demo.dts\"", "<KmemBoard Include=\"boards/my-*/*.dts\" /><KmemBoard Include=\"boards/demo/demo.dts\"");
        File.WriteAllText(Path.Combine(Project, "NewBoards.cs"), """
            using Boards;
            using KmemKit.Conformance;
            sealed class A9Conformance : BoardConformance<MyCortexA9>;
            sealed class A53Conformance : BoardConformance<MyCortexA53>;
            sealed class M4Conformance : BoardConformance<MyCortexM4>;
            """);
        var build = Build();
        Succeeds(build);
        Assert.That(build.Output, Does.Not.Contain("warning KMK"));
    }

    /// <summary>On the processor and system that the packages have code for: the test asks each assembly where it lies.</summary>
    [Test, DependsOnTest(nameof(Step_6_new_boards_come_in_by_their_template))]
    public void Step_7_their_proofs_pass_on_code_that_came_compiled()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            Assert.Ignore("run on Linux on x64: the packages have compiled code for it alone");
        File.WriteAllText(Path.Combine(Project, "CompiledCode.cs"), """
            using System.IO;
            using NUnit.Framework;
            sealed class CompiledCode
            {
                [TestCase(typeof(KmemKit.Architecture.PhysAddr))]
                [TestCase(typeof(KmemKit.BoardCompiler.Boards.BoardPipeline))]
                [TestCase(typeof(KmemKit.Runtime.Boot.BootedMemory))]
                [TestCase(typeof(KmemKit.Conformance.BoardConformance<>))]
                public void Is_taken(System.Type type) =>
                    Assert.That(Path.GetDirectoryName(type.Assembly.Location), Does.EndWith(Path.Combine("runtimes", "linux-x64", "lib", "net10.0")));
            }
            """);
        var run = Dotnet(Project, ["test", "--filter", "FullyQualifiedName~CompiledCode|FullyQualifiedName~A9|FullyQualifiedName~A53|FullyQualifiedName~M4", .. Quiet]);
        Succeeds(run);
        Assert.That(Regex.Match(run.Output, @"Failed:\s+0, Passed:\s+(\d+), Skipped:\s+0").Groups[1].Value, Is.EqualTo($"{4 + (3 * 60)}"), run.Output);
    }

    [Test, DependsOnTest(nameof(Step_7_their_proofs_pass_on_code_that_came_compiled))]
    public void Step_8_an_error_in_the_devicetree_is_one_error_with_its_line()
    {
        Edit("boards/demo/demo-soc.dtsi", "reg = <0x10009000 0x1000>;", "reg = <0x10009000 0x1000>");
        var build = Build();
        Assert.That(build.ExitCode, Is.Not.Zero);
        var errors = build.Lines.Where(l => l.Contains("error", StringComparison.Ordinal)).Select(l => l.Trim()).Distinct().ToArray();
        Assert.That(errors, Has.Length.EqualTo(1), build.Output);
        // The line behind the one without a semicolon is where the parser meets it.
        Assert.That(errors[0], Does.Match(@"boards/demo/demo-soc\.dtsi\(23,\d+(,\d+,\d+)?\): error KMK1100: "));
        Edit("boards/demo/demo-soc.dtsi", "reg = <0x10009000 0x1000>", "reg = <0x10009000 0x1000>;");
        Succeeds(Build());
    }

    [Test, DependsOnTest(nameof(Step_8_an_error_in_the_devicetree_is_one_error_with_its_line))]
    public void Step_9_an_editors_build_writes_no_artifact_and_knows_the_boards()
    {
        Directory.Delete(Path.Combine(Project, "firmware/generated"), recursive: true);
        Succeeds(Dotnet(Project, ["msbuild", "-t:Compile", "-p:DesignTimeBuild=true", "-p:SkipCompilerExecution=true", "-p:ProvideCommandLineArgs=true", .. Quiet]));
        Assert.That(Path.Combine(Project, "firmware/generated"), Does.Not.Exist);
        Assert.That(File.ReadAllText(Path.Combine(Project, "obj/Debug/net10.0/Acme.Board.GeneratedMSBuildEditorConfig.editorconfig")), Does.Contain("KmemBoards"));
    }

    [Test, DependsOnTest(nameof(Step_9_an_editors_build_writes_no_artifact_and_knows_the_boards))]
    public void Step_10_clean_removes_all_of_it()
    {
        Succeeds(Build());
        Assert.That(Artifacts(), Is.Not.Empty);
        Succeeds(Dotnet(Project, ["msbuild", "-t:Clean", .. Quiet]));
        Assert.That(Artifacts(), Is.Empty);
        Assert.That(Path.Combine(Project, "obj/Debug/net10.0/kmem"), Does.Not.Exist);
    }

    /// <summary>A device of twenty lines, the test of its driver, and a test that is wrong about the board: as the README has them, and it says what they print.</summary>
    [Test, DependsOnTest(nameof(Step_10_clean_removes_all_of_it))]
    public void Step_11_a_device_and_a_driver_test_of_the_readme_run_and_a_fault_is_explained()
    {
        File.WriteAllText(Path.Combine(Project, "UartTests.cs"), ReadmeBlock("csharp"));
        var run = Dotnet(Project, ["test", "--no-restore", "--filter", "FullyQualifiedName~UartTests", .. Quiet]);
        var counts = Regex.Match(run.Output, @"Failed:\s+(\d+), Passed:\s+(\d+), Skipped:\s+(\d+)");
        Assert.That(counts.Groups.Values.Skip(1).Select(g => g.Value), Is.EqualTo(new[] { "1", "1", "0" }), run.Output);
        Assert.That(run.Output, Does.Contain("Failed A_task_may_write_the_uart"));
        foreach (var part in ReadmeBlock("text").Split(["\n", "..."], StringSplitOptions.None))
            Assert.That(Words(run.Output), Does.Contain(Words(part).Trim()), run.Output);
    }

    private static string Readme => File.ReadAllText(Path.Combine(Cli.Root, "src/KmemKit.Templates/README.md")).ReplaceLineEndings("\n");

    private static string ReadmeBlock(string language) => Regex.Match(Readme, $"```{language}\n(.*?)\n```", RegexOptions.Singleline).Groups[1].Value;

    // The commands of the README's block, one each.
    private static string[] ReadmeLines() => ReadmeBlock("sh").Replace("\\\n", "", StringComparison.Ordinal).Split('\n');

    private static string Words(string text) => Regex.Replace(text, @"\s+", " ");

    private static CliResult Shell(string command) => Cli.Run("sh", Project, PackedFeed.Isolation, "-c", command);

    private static CliResult Build() => Dotnet(Project, ["build", "--no-restore", .. Quiet]);

    private static CliResult Dotnet(string folder, params string[] arguments) => Cli.Dotnet(folder, PackedFeed.Isolation, arguments);

    private static void Succeeds(CliResult result) => Assert.That(result.ExitCode, Is.Zero, result.Output);

    private static void Edit(string path, string old, string replacement)
    {
        var full = Path.Combine(Project, path);
        var text = File.ReadAllText(full);
        Assert.That(text, Does.Contain(old));
        File.WriteAllText(full, text.Replace(old, replacement, StringComparison.Ordinal));
    }

    private static Dictionary<string, DateTime> Times() => Directory.EnumerateFiles(Project, "*", SearchOption.AllDirectories).ToDictionary(f => f, File.GetLastWriteTimeUtc);

    private static Dictionary<string, DateTime> Artifacts() => Directory.Exists(Path.Combine(Project, "firmware/generated"))
        ? Directory.EnumerateFiles(Path.Combine(Project, "firmware/generated")).ToDictionary(f => f, File.GetLastWriteTimeUtc)
        : [];

    private static IEnumerable<string> Changed(Dictionary<string, DateTime> before)
    {
        var after = Times();
        return before.Keys.Union(after.Keys).Where(f => !before.TryGetValue(f, out var old) || !after.TryGetValue(f, out var now) || old != now);
    }
}
