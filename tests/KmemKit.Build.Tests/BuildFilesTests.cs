using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.Build.Tasks;
using KmemKit.Build.Tests.Harness;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Build.Tests;

/// <summary>The props and targets that hand KmemBoard items to the generator, used as a package's user uses them.</summary>
[TestFixture]
internal sealed class BuildFilesTests
{
    private static string Build => Path.Combine(Root, "src", "KmemKit.Build", "build");

    private static string Root => Repository.Root;

    private string _folder = "";

    [SetUp]
    public void MakeFolder()
    {
        // A '#' and a blank in the path, which would cut the line that carries metadata.
        _folder = Path.Combine(Path.GetTempPath(), "kmemkit #" + Guid.NewGuid().ToString("n"));
        Directory.CreateDirectory(_folder);
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [Test]
    public void Every_code_in_the_targets_is_in_the_table_and_an_error()
    {
        var text = File.ReadAllText(Path.Combine(Build, "KmemKit.Build.targets"));
        var codes = Regex.Matches(text, "Code=\"([^\"]+)\"").Select(m => m.Groups[1].Value).ToArray();
        Assert.That(codes, Is.Not.Empty);
        foreach (var code in codes)
            Assert.That(DiagnosticTable.All.Single(d => d.Id == code).DefaultSeverity, Is.EqualTo(DiagnosticSeverity.Error), code);
    }

    [Test]
    public void Values_arrive_whole_and_files_are_found()
    {
        Write("boards/x/x.dts", "/dts-v1/;\n#include \"../common/y.dtsi\"\n");
        Write("boards/x/x_defconfig", "CONFIG_ARM=y\n");
        Write("boards/x/other_defconfig", "CONFIG_ARM=y\n");
        Write("boards/x/sub/z.h", "#define Z\n");
        Write("boards/common/y.dtsi", "/ {};\n");
        Write("include/dt-bindings/a.h", "#define A\n");
        var output = Run(
            """
            <KmemBoard Include="boards/x/x.dts" Bootargs="mem=1G;#a b=%2541 | ü" />
            <KmemBoard Include="boards/x/x.dts" Name="Second" Namespace="A.B" Defconfig="boards/x/other_defconfig" />
            """, "<KmemIncludePath>include;boards</KmemIncludePath>");

        var lines = output.Split('\n').Select(l => l.Trim()).ToArray();
        var board = lines.Single(l => l.StartsWith("TEXT boards/x/x.dts|", StringComparison.Ordinal));
        var requests = board["TEXT boards/x/x.dts|".Length..].Split('|');
        Assert.That(requests, Has.Length.EqualTo(2));
        Assert.That(Value(requests[0], "Bootargs"), Is.EqualTo("mem=1G;#a b=%41 | ü"));
        Assert.That(Value(requests[0], "Defconfig"), Is.EqualTo(Path.Combine(_folder, "boards/x/x_defconfig")));
        Assert.That(Value(requests[1], "Name"), Is.EqualTo("Second"));
        Assert.That(Value(requests[1], "Namespace"), Is.EqualTo("A.B"));
        Assert.That(Value(requests[1], "Defconfig"), Is.EqualTo(Path.Combine(_folder, "boards/x/other_defconfig")));
        foreach (var file in new[] { "boards/x/x_defconfig", "boards/x/other_defconfig", "boards/x/sub/z.h", "boards/common/y.dtsi", "include/dt-bindings/a.h" })
            Assert.That(lines, Has.One.EqualTo($"TEXT {file}|"));
        var paths = lines.Single(l => l.StartsWith("PATH ", StringComparison.Ordinal))["PATH ".Length..].Split('|').Select(Uri.UnescapeDataString);
        Assert.That(paths, Is.EqualTo(new[] { Path.Combine(_folder, "include"), Path.Combine(_folder, "boards") }));
    }

    [Test]
    public void Errors_of_the_task_are_the_builds()
    {
        Write("boards/good.dts", Samples.Board());
        Write("boards/bad.dts", Samples.Board(before: "\n#include \"gone.h\"\n"));
        var output = Run("<KmemBoard Include=\"boards/*.dts\" />", "", succeeds: false, target: "KmemBuildBoards");
        Assert.That(output, Does.Contain(Path.Combine(_folder, "boards/bad.dts") + "(3,"));
        Assert.That(Regex.Matches(output, "error KMK1000").Select(m => m.Value).ToArray(), Has.Length.EqualTo(1));
        Assert.That(output, Does.Not.Contain("error MSB"));
        Assert.That(Path.Combine(_folder, "obj/Debug/net10.0/kmem/good/good.layout.json"), Does.Exist);
    }

    [Test]
    public void Last_board_that_goes_takes_its_files_along()
    {
        Write("a.dts", Samples.Board());
        Run("<KmemBoard Include=\"a.dts\" />", "", target: "KmemBuildBoards");
        Assert.That(Path.Combine(_folder, "obj/Debug/net10.0/kmem/a/a.layout.json"), Does.Exist);
        Run("", "", target: "KmemBuildBoards");
        Assert.That(Directory.EnumerateFiles(Path.Combine(_folder, "obj/Debug/net10.0/kmem"), "*", SearchOption.AllDirectories), Is.Empty);
    }

    [TestCase("<KmemMSBuildVersion>17.14.0</KmemMSBuildVersion>", "KMK0107")]
    [TestCase("<KmemBuildVersion>1.2.3</KmemBuildVersion></PropertyGroup><ItemGroup><KmemPackage Include=\"KmemKit.Runtime\" Version=\"1.2.2\" /></ItemGroup><PropertyGroup>", "KMK0109")]
    [TestCase("<KmemBuildVersion>1.2.3</KmemBuildVersion>", "KMK0112")]
    public void Set_up_that_cannot_work_stops_the_build(string properties, string id)
    {
        Write("a.dts", Samples.Board());
        var output = Run("<KmemBoard Include=\"a.dts\" />", properties, succeeds: false);
        Assert.That(Regex.Matches(output, "error KMK\\d+").Select(m => m.Value).Distinct(), Is.EqualTo(new[] { "error " + id }), output);
    }

    [Test]
    public void Compiler_that_would_leave_the_generator_out_stops_the_build()
    {
        Write("a.dts", Samples.Board());
        // As a reference to an older compiler's package sets it, behind all of the project's own properties.
        Assert.That(Run("<KmemBoard Include=\"a.dts\" />", "", succeeds: false, arguments: "-p:CompilerApiVersion=roslyn4.8"), Does.Contain("error KMK0108"));
    }

    [Test]
    public void Packages_of_one_version_are_fine()
    {
        Write("a.dts", Samples.Board());
        Run("<KmemBoard Include=\"a.dts\" /><KmemPackage Include=\"KmemKit.Runtime\" Version=\"1.2.3\" />", "<KmemBuildVersion>1.2.3</KmemBuildVersion>");
    }

    [Test]
    public void Artifacts_beside_the_board_are_no_sources_of_the_next_build()
    {
        Write("b/a.dts", Samples.Board());
        Write("b/a.kmem.h", "/* made */\n");
        Write("b/a.kmem.dts", "/* made */\n");
        Assert.That(Run("<KmemBoard Include=\"b/a.dts\" OutputDir=\"b\" />", ""), Does.Not.Contain("a.kmem."));
    }

    [Test]
    public void Framework_without_boards_stops_the_build()
    {
        Write("a.dts", "/dts-v1/;\n");
        Assert.That(Run("<KmemBoard Include=\"a.dts\" />", "<TargetFramework>net8.0</TargetFramework>", succeeds: false), Does.Contain("error KMK0106"));
    }

    [Test]
    public void Transitive_files_import_the_direct_ones()
    {
        foreach (var extension in new[] { "props", "targets" })
        {
            var file = Path.Combine(Build, "..", "buildTransitive", "KmemKit.Build." + extension);
            var import = XDocument.Load(file).Root!.Elements("Import").Single().Attribute("Project")!.Value;
            Assert.That(File.Exists(import.Replace("$(MSBuildThisFileDirectory)", Path.GetDirectoryName(file) + "/", StringComparison.Ordinal)));
        }
    }

    private static string Value(string request, string key) =>
        Uri.UnescapeDataString(request.Split('&').Single(p => p.StartsWith(key + "=", StringComparison.Ordinal))[(key.Length + 1)..]);

    private void Write(string path, string text)
    {
        var full = Path.Combine(_folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, text);
    }

    // Runs the target alone: neither restore nor compiler, so that a case takes a second.
    private string Run(string items, string properties, bool succeeds = true, string target = "Show", params string[] arguments)
    {
        Write("p.csproj", $"""
            <Project>
              <Import Project="Sdk.props" Sdk="Microsoft.NET.Sdk" />
              <Import Project="{Build}/KmemKit.Build.props" />
              <PropertyGroup><TargetFramework>net10.0</TargetFramework><KmemTasksAssembly>{typeof(BuildKmemBoards).Assembly.Location}</KmemTasksAssembly>{properties}</PropertyGroup>
              <ItemGroup>{items}</ItemGroup>
              <Import Project="Sdk.targets" Sdk="Microsoft.NET.Sdk" />
              <Import Project="{Build}/KmemKit.Build.targets" />
              <Target Name="Show" DependsOnTargets="KmemPrepareBoards">
                <ItemGroup>
                  <_Shown Include="@(AdditionalFiles)"><Relative>$([MSBuild]::MakeRelative('$(MSBuildProjectDirectory)', '%(FullPath)'))</Relative></_Shown>
                </ItemGroup>
                <Message Importance="high" Text="TEXT %(_Shown.Relative)|%(_Shown.KmemBoards)" />
                <Message Importance="high" Text="PATH $(_KmemIncludePath)" />
              </Target>
            </Project>
            """);
        var start = new ProcessStartInfo("dotnet", ["msbuild", "p.csproj", "-nologo", "-t:" + target, "-v:minimal", "-nodeReuse:false", .. arguments])
        {
            WorkingDirectory = _folder, RedirectStandardOutput = true, RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd() + error.Result;
        process.WaitForExit();
        Assert.That(process.ExitCode == 0, Is.EqualTo(succeeds), output);
        return output;
    }
}
