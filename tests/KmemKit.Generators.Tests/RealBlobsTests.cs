using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Generators.Tests.Harness;
using Microsoft.CodeAnalysis;
using NUnit.Framework;

namespace KmemKit.Generators.Tests;

/// <summary>A map for every devicetree blob of Debian's armmp kernel, as its source, generated and compiled.</summary>
/// <remarks>
/// Most of these trees leave the memory to the boot loader (no memory node, or one of size 0), which is an error for a map. Those are generated once as they
/// are, to see just that error, and once with a memory that <c>mem=</c> gives, to see their devices compile. The package's kernel is
/// 32-bit Arm, which the policy says: some processors could run another (Raspberry Pi 4), and some trees have no cpu node (mmp2).
/// </remarks>
[TestFixture]
[Category("RealBlobs")]
internal sealed class RealBlobsTests
{
    private const int BatchSize = 100;

    [Test]
    public void Every_blob_gives_a_map_that_compiles()
    {
        var folder = Environment.GetEnvironmentVariable("KMEMKIT_ARMMP_DTBS") ?? Path.Combine(BoardFiles.Root, "artifacts", "armmp-dtbs");
        var blobs = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.dtb", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray() : [];
        if (blobs.Length == 0)
            Assert.Ignore($"no blobs in {folder}; run tests/scripts/fetch-armmp-dtbs.sh, or set KMEMKIT_ARMMP_DTBS to a folder that has them");

        int described = 0, filled = 0;
        foreach (var batch in blobs.Chunk(BatchSize))
        {
            var sources = batch.ToDictionary(b => b, Decompile);
            var clock = Stopwatch.StartNew();
            var plain = Add(new GeneratorProject(), sources).Run();
            AssertCompiles(plain);
            var made = Names(plain);
            described += made.Count;

            // What says nothing about memory says so, and nothing else.
            var empty = sources.Where(s => !made.Contains(NameOf(s.Key))).ToDictionary(s => s.Key, s => s.Value);
            var errors = plain.Result.Diagnostics.Where(d => d.DefaultSeverity == DiagnosticSeverity.Error)
                .ToLookup(d => Path.GetFileNameWithoutExtension(d.Location.GetLineSpan().Path));
            foreach (var blob in empty.Keys)
            {
                var ids = errors[Path.GetFileNameWithoutExtension(blob)].Select(e => e.Id).ToArray();
                Assert.That(ids, Is.Not.Empty.And.All.EqualTo("KMK3500"), blob);
            }

            var withMemory = Add(new GeneratorProject(), empty, source => $"Bootargs=mem%3D512M%40{MemoryStart(source)}").Run();
            AssertCompiles(withMemory);
            var errorsLeft = withMemory.Result.Diagnostics.Where(d => d.DefaultSeverity == DiagnosticSeverity.Error).ToArray();
            Assert.That(errorsLeft, Is.Empty);
            Assert.That(Names(withMemory), Has.Count.EqualTo(empty.Count));
            filled += empty.Count;
            TestContext.Progress.WriteLine(
                $"{described} + {filled}: {batch.Length} blobs: generator {plain.Elapsed.TotalSeconds + withMemory.Elapsed.TotalSeconds:f1} s of {clock.Elapsed.TotalSeconds:f1} s");
        }
        TestContext.Out.WriteLine($"{blobs.Length} blobs: {described} describe their memory and compile, {filled} describe none and compile with 512 MiB by mem=");
        Assert.That(described + filled, Is.EqualTo(blobs.Length));
    }

    private static GeneratorProject Add(GeneratorProject project, Dictionary<string, string> sources, Func<string, string>? request = null)
    {
        foreach (var (blob, source) in sources)
            project.Board("/blobs/" + Path.GetFileNameWithoutExtension(blob) + ".dts", source, $"Name={NameOf(blob)}&Defconfig=%2Fblobs%2Farmmp_defconfig&{request?.Invoke(source)}");
        return project.Text("/blobs/armmp_defconfig", "CONFIG_ARM=y\n");
    }

    // Where the tree's own empty memory node stands, else where its reserved memory may be placed: both must lie in RAM.
    private static string MemoryStart(string source)
    {
        var place = Regex.Match(source, @"\bmemory@(?<start>[0-9a-f]+) \{");
        if (!place.Success)
            place = Regex.Match(source, @"\balloc-ranges = <0x(?<start>[0-9a-f]+) ");
        return place.Success ? "0x" + place.Groups["start"].Value : "0x80000000";
    }

    // Unique and an identifier, whatever the file's name.
    private static string NameOf(string blob) =>
        "B_" + Regex.Replace(Path.GetFileNameWithoutExtension(blob), "[^A-Za-z0-9]", m => "_" + ((int)m.Value[0]).ToString("x"));

    private static string Decompile(string blob)
    {
        var result = FdtReader.Read(new SourceFile(blob, File.ReadAllBytes(blob)));
        Assert.That(result.Tree, Is.Not.Null, string.Join("\n", result.Diagnostics));
        return DtsPrinter.Print(result.Tree!);
    }

    private static HashSet<string> Names(GeneratorProject project) =>
        [.. project.Result.GeneratedSources.Select(s => s.HintName.Split('.')[1])];

    private static void AssertCompiles(GeneratorProject project)
    {
        Assert.That(project.Result.Exception, Is.Null);
        Assert.That(project.Output.GetDiagnostics().Where(d => d.Severity > DiagnosticSeverity.Hidden).Take(5), Is.Empty);
    }
}
