using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Sources;
using KmemKit.Conformance.Boards;
using KmemKit.Conformance.Boards.Rules;
using KmemKit.Conformance.Rules;
using KmemKit.Tests.Shared;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>
/// Every devicetree blob of Debian's armmp kernel that describes memory holds: in shards, so that a build farm can split them
/// (<c>--filter "Name~Shard_3"</c>), each counting what passed. A blob leaves the memory to the boot loader where it describes none; those are counted too.
/// </summary>
[TestFixture]
[Category("Armmp")]
internal sealed class ArmmpTests
{
    private const int Shards = 8;

    // Allocators depend on the kernel and its version more than on the tree, and the C compiler takes longer than all other rules: both see every sixteenth blob.
    private const int WholeEach = 16;

    private static readonly string[] s_slow = ["Allocators", "Kernel", "Determinism"];

    private static IEnumerable<TestCaseData> AllShards =>
        Enumerable.Range(0, Shards).Select(i => new TestCaseData(i).SetName(string.Create(CultureInfo.InvariantCulture, $"Shard_{i}_of_{Shards}")));

    [TestCaseSource(nameof(AllShards))]
    public void Blobs_that_describe_memory_hold(int shard)
    {
        var blobs = Blobs();
        if (blobs.Length == 0)
            Assert.Ignore("no blobs; run tests/scripts/fetch-armmp-dtbs.sh, or set KMEMKIT_ARMMP_DTBS to a folder that has them");
        var (passed, silent, facts) = (0, 0, 0L);
        var failures = new List<string>();
        for (var i = shard; i < blobs.Length; i += Shards)
        {
            using var board = BoardSubject.Of(new BoardInput(new SourceFile(blobs[i], File.ReadAllBytes(blobs[i]))) { Overrides = ["CONFIG_ARM=y"] });
            if (board.Compilation.Layout is null)
            {
                // What describes no memory says just that.
                var errors = board.Compilation.Diagnostics.Where(d => d.Severity == BoardCompiler.Diagnostics.DiagnosticSeverity.Error).Select(d => d.Descriptor.Id).Distinct().ToList();
                if (errors.Any(e => e != "KMK3500") || errors.Count == 0)
                    failures.Add($"{Path.GetFileName(blobs[i])}: {string.Join("; ", board.Compilation.Diagnostics)}");
                silent++;
                continue;
            }
            var isWhole = i / Shards % WholeEach == 0;
            var part = isWhole ? board : board with { OtherArtifacts = [.. board.Artifacts.Where(a => a.Kind.Name != "c")] };
            var rules = BoardRules.All.Where(r => isWhole || !s_slow.Contains(r.Category));
            var results = rules.Select(r => r.Run(part, board.Name, new RuleOptions { Budget = ConformanceBudget.Quick with { Samples = 16, Steps = 500 } })).ToList();
            facts += results.Sum(r => r.Proof.Checked);
            var failed = results.Where(r => r.Outcome == RuleOutcome.Failed).ToList();
            if (failed.Count == 0)
                passed++;
            failures.AddRange(failed.Select(r => r.ToString()));
        }
        TestContext.Progress.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"armmp shard {shard} of {Shards}: {passed} boards hold by {facts} facts, {silent} blobs describe no memory, {failures.Count} findings"));
        Assert.That(failures, Is.Empty);
        Assert.That(passed, Is.GreaterThan(0));
    }

    private static string[] Blobs()
    {
        var folder = Environment.GetEnvironmentVariable("KMEMKIT_ARMMP_DTBS") ?? Path.Combine(Repository.Root, "artifacts", "armmp-dtbs");
        return Directory.Exists(folder) ? Directory.GetFiles(folder, "*.dtb", SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToArray() : [];
    }
}
