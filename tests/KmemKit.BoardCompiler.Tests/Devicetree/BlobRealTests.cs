using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Devicetree.Blobs;
using KmemKit.BoardCompiler.Devicetree.Printing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// The blobs of Debian's armmp kernel (tests/scripts/fetch-armmp-dtbs.sh), in batches, each against dtc. A batch is one test: dtc is run for all of it by one
// shell. The folder is KMEMKIT_ARMMP_DTBS, else artifacts/armmp-dtbs of the repository.
[TestFixture]
[Category("RealBlobs")]
[Parallelizable(ParallelScope.Children)]
internal sealed class BlobRealTests
{
    private const int Batches = 18;

    private static IEnumerable<int> BatchNumbers => Enumerable.Range(0, Batches);

    [Test]
    public void There_are_hundreds_of_blobs() => Assert.That(Blobs(), Has.Length.GreaterThan(500));

    [TestCaseSource(nameof(BatchNumbers))]
    public void A_real_blob_is_read_without_an_error(int batch)
    {
        var blobs = Blobs(batch);
        foreach (var path in blobs)
        {
            var result = FdtReader.Read(Load(path));
            Assert.That(result.Diagnostics.Select(d => d.ToString()), Is.Empty, path);
            Assert.That(result.Tree, Is.Not.Null, path);
        }
        TestContext.Out.WriteLine(blobs.Length + " blobs");
    }

    [TestCaseSource(nameof(BatchNumbers))]
    public void A_real_blob_is_written_as_dtc_writes_it(int batch)
    {
        WithFolder(Blobs(batch), (blobs, folder) =>
        {
            BlobDtc.Shell(folder, Loop(blobs, "dtc -q -q -I dtb -O dtb -o $i.dtb $f"));
            for (var i = 0; i < blobs.Length; i++)
            {
                var ours = FdtWriter.Write(FdtReader.Read(Load(blobs[i])).Tree!);
                Assert.That(ours.AsSpan().SequenceEqual(Output(folder, i + ".dtb")), blobs[i]);
            }
        });
    }

    // Lossless always; byte for byte wherever dtc's own way through source is.
    [TestCaseSource(nameof(BatchNumbers))]
    public void A_real_blob_printed_as_source_compiles_to_the_same_tree(int batch)
    {
        var (count, identical, dtcTrees, sameAsDtc) = (0, 0, 0, 0);
        WithFolder(Blobs(batch), (blobs, folder) =>
        {
            var originals = blobs.Select(path => FdtReader.Read(Load(path)).Tree!).ToArray();
            for (var i = 0; i < blobs.Length; i++)
                File.WriteAllText(Path.Combine(folder, i + ".ours.dts"), DtsPrinter.Print(originals[i]));
            BlobDtc.Shell(folder, Loop(blobs,
                "dtc -q -q -I dtb -O dts -o $i.dtc.dts $f",
                "dtc -q -q -I dts -O dtb -o $i.dtc.dtb $i.dtc.dts || : > $i.dtc.dtb",
                "dtc -q -q -I dts -O dtb -o $i.ours.dtb $i.ours.dts"));
            for (var i = 0; i < blobs.Length; i++)
            {
                var original = File.ReadAllBytes(blobs[i]);
                var bytes = Output(folder, i + ".ours.dtb");
                var again = FdtReader.Read(new SourceFile(blobs[i], bytes));
                Assert.That(again.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error), Is.Empty, blobs[i]);
                Assert.That(DeviceTreeComparer.FirstDifference(originals[i], again.Tree!, DeviceTreeComparison.IgnoreBootCpu), Is.Null, blobs[i]);
                var throughDtc = Output(folder, i + ".dtc.dtb");
                if (throughDtc.Length > 0)
                {
                    dtcTrees++;
                    var dtcTree = FdtReader.Read(new SourceFile(blobs[i], throughDtc)).Tree!;
                    var difference = DeviceTreeComparer.FirstDifference(again.Tree!, dtcTree, DeviceTreeComparison.IgnoreBootCpu);
                    // Where dtc's way through source loses something, ours may differ from it, and only there.
                    if (difference is null)
                        sameAsDtc++;
                    else
                        Assert.That(DeviceTreeComparer.FirstDifference(originals[i], dtcTree, DeviceTreeComparison.IgnoreBootCpu), Is.Not.Null, blobs[i]);
                }
                if (!throughDtc.AsSpan().SequenceEqual(original))
                    continue;
                identical++;
                Assert.That(FdtWriter.Write(again.Tree!).AsSpan().SequenceEqual(original), blobs[i]);
            }
            count = blobs.Length;
        });
        TestContext.Out.WriteLine($"{count} blobs, {identical} byte-identical through dtc; {sameAsDtc} of {dtcTrees} trees as dtc's own");
    }

    private static void WithFolder(string[] blobs, Action<string[], string> action)
    {
        var folder = BlobDtc.NewFolder();
        try
        {
            action(blobs, folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    private static string Loop(string[] blobs, params string[] commands)
    {
        var script = new StringBuilder("i=0\nwhile read -r f; do\n");
        foreach (var command in commands)
            script.Append(command).Append('\n');
        script.Append("i=$((i+1))\ndone <<'LIST'\n");
        foreach (var blob in blobs)
            script.Append(blob).Append('\n');
        return script.Append("LIST\n").ToString();
    }

    private static byte[] Output(string folder, string name) => File.ReadAllBytes(Path.Combine(folder, name));

    private static SourceFile Load(string path) => new(Path.GetFileName(path), File.ReadAllBytes(path));

    private static string[] Blobs(int batch) => Blobs().Where((_, index) => index % Batches == batch).ToArray();

    internal static string[] Blobs()
    {
        var folder = Environment.GetEnvironmentVariable("KMEMKIT_ARMMP_DTBS") is { Length: > 0 } named
            ? named
            : Path.Combine(BlobVectors.RepositoryRoot, "artifacts", "armmp-dtbs");
        var blobs = Directory.Exists(folder) ? Directory.GetFiles(folder, "*.dtb") : [];
        if (blobs.Length == 0)
            Assert.Ignore("run tests/scripts/fetch-armmp-dtbs.sh (needs apt and the Debian package dpkg)");
        Array.Sort(blobs, StringComparer.Ordinal);
        return blobs;
    }
}
