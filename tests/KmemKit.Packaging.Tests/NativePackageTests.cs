using System;
using System.IO;
using KmemKit.Packaging.Tests.Harness;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Packaging.Tests;

/// <summary>KmemKit.Native as a new user meets it: the project of its README, published, and a test of C that is linked with what came of it.</summary>
[TestFixture]
[NonParallelizable]
internal sealed class NativePackageTests
{
    private const string Board = """
        /dts-v1/;
        / {
            compatible = "acme,board";
            #address-cells = <1>;
            #size-cells = <1>;
            memory@80000000 { device_type = "memory"; reg = <0x80000000 0x10000000>; };
            timer: timer@40000000 { compatible = "acme,timer"; reg = <0x40000000 0x1000>; };
        };
        """;

    private const string Program = """
        #include <assert.h>
        #include <linux/slab.h>
        #include <linux/io.h>

        static u64 ticks(void *context, u64 offset, unsigned int size) { return *(u32 *)context + offset + size; }

        int main(void)
        {
            static const struct kmem_device_ops timer = { ticks, NULL };
            u32 start = 1000, *memory = kmalloc(64, GFP_KERNEL);
            void __iomem *registers = ioremap(KMEM_DEVICE_TIMER_BASE, KMEM_DEVICE_TIMER_SIZE);
            assert(kmem_bus_add_device("timer", &timer, &start));
            *memory = readl((char *)registers + 8);
            assert(*memory == 1012 && virt_to_phys(memory) >= 0x80000000 && __phys_to_virt(virt_to_phys(memory)) == kmem_board_address(memory));
            iounmap(registers);
            kfree(memory);
            kfree(memory);
            return 0;
        }
        """;

    private static string Folder => Path.Combine(PackedFeed.Scratch, "native");

    [OneTimeSetUp]
    public void Write()
    {
        if (!OperatingSystem.IsLinux())
            Assert.Ignore("run on Linux: the library's memory is mapped twice there alone");
        OutsideTool.Require("gcc", "gcc");
        Directory.CreateDirectory(Folder);
        var cache = Cli.Fact("PackageCache");
        File.WriteAllText(Path.Combine(Folder, "nuget.config"), $"""
            <configuration>
              <packageSources><clear /><add key="private" value="{PackedFeed.Folder}" /><add key="machine" value="{cache}" /></packageSources>
              <fallbackPackageFolders><clear /><add key="machine" value="{cache}" /></fallbackPackageFolders>
            </configuration>
            """);
        foreach (var name in new[] { "Directory.Build.props", "Directory.Build.targets", "Directory.Packages.props" })
            File.WriteAllText(Path.Combine(Folder, name), "<Project />");
        File.WriteAllText(Path.Combine(Folder, "acme.dts"), Board);
        File.WriteAllText(Path.Combine(Folder, "acme_defconfig"), "CONFIG_ARM=y\nCONFIG_MMU=y\n");
        File.WriteAllText(Path.Combine(Folder, "test.c"), Program);
    }

    [TestCase("", "<KmemBoard Include=\"acme.dts\" />", "KMK0122")]
    [TestCase("<PublishAot>true</PublishAot>", "", "KMK0120")]
    [TestCase("<PublishAot>true</PublishAot>", "<KmemBoard Include=\"acme.dts\" /><KmemBoard Include=\"acme.dts\" Name=\"Second\" />", "KMK0120")]
    public void Project_that_cannot_be_published_is_told_why(string properties, string items, string id)
    {
        WriteProject("Bad", properties, items);
        var result = Cli.Dotnet(Folder, PackedFeed.Isolation, "build", "Bad.csproj", "-nologo", "-m:1", "-nodeReuse:false", "-v:minimal");
        Assert.That(result.ExitCode, Is.Not.Zero);
        Assert.That(result.Output, Does.Contain("error " + id));
    }

    [Test]
    public void Library_and_headers_serve_a_program_of_C()
    {
        WriteProject("Acme", "<PublishAot>true</PublishAot><UseCurrentRuntimeIdentifier>true</UseCurrentRuntimeIdentifier>", "<KmemBoard Include=\"acme.dts\" />");
        var publish = Cli.Dotnet(Folder, PackedFeed.Isolation, "publish", "Acme.csproj", "-o", "out", "-nologo", "-m:1", "-nodeReuse:false", "-v:minimal");
        Assert.That(publish.ExitCode, Is.Zero, publish.Output);
        Assert.That(Directory.GetFiles(Path.Combine(Folder, "out")), Is.EquivalentTo(
            Array.ConvertAll(new[] { "libacme.so", "acme_kernel.h", "acme.kmem.h", "kmem_kernel.h" }, name => Path.Combine(Folder, "out", name))));
        var compile = Cli.Run("gcc", Folder, PackedFeed.Isolation, "-Wall", "-Wextra", "-Werror", "-Iout", "test.c", "-Lout", "-lacme", "-Wl,-rpath," + Path.Combine(Folder, "out"), "-o", "program");
        Assert.That(compile.ExitCode, Is.Zero, compile.Output);
        var run = Cli.Run(Path.Combine(Folder, "program"), Folder, PackedFeed.Isolation);
        // The second kfree: printed with its place, and the end.
        Assert.That(run.ExitCode, Is.EqualTo(134), run.Output);
        Assert.That(run.Output, Does.Contain("Object already free").And.Contain("Freed in main at test.c:16 ").And.Contain("Call Trace:\n main at test.c:17\n"));
    }

    private static void WriteProject(string name, string properties, string items)
    {
        // Each is a project of its own: nothing of the one before is left.
        if (Directory.Exists(Path.Combine(Folder, "obj")))
            Directory.Delete(Path.Combine(Folder, "obj"), recursive: true);
        File.WriteAllText(Path.Combine(Folder, name + ".csproj"), $"""
        <Project Sdk="Microsoft.NET.Sdk">
          <PropertyGroup><TargetFramework>net10.0</TargetFramework>{properties}</PropertyGroup>
          <ItemGroup>
            <PackageReference Include="KmemKit" Version="{PackedFeed.Version}" />
            <PackageReference Include="KmemKit.Native" Version="{PackedFeed.Version}" />
            {items}
          </ItemGroup>
        </Project>
        """);
    }
}
