using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Streams;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Streams;

// tests/vectors/diagnostics/KMK60xx: bad.dts, with bad_options, breaks that rule; good.* is the nearest neighbour that does not.
internal sealed class StreamVectorTests
{
    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");

    private static IEnumerable<string> Ids => DiagnosticTable.All.Where(r => r.Id.StartsWith("KMK60", System.StringComparison.Ordinal))
        // A fault of KmemKit itself has no board, and a board without an SMMU is a finding of kmem smmu alone.
        .Where(rule => rule.Id is not ("KMK6099" or "KMK6060")).Select(rule => rule.Id);

    [TestCaseSource(nameof(Ids))]
    public void The_bad_board_has_this_finding_and_no_other_error(string id)
    {
        var result = Plan(id, "bad");
        Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain(id), string.Join("\n", result.Diagnostics));
        Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error && d.Id != id), Is.Empty);
        Assert.That(result.Diagnostics.Where(d => d.Id == id).All(d => d.Span.IsKnown && !d.Message.Contains('{')), string.Join("\n", result.Diagnostics));
        Assert.That(result.Plan is null, Is.EqualTo(DiagnosticTable.All.Single(r => r.Id == id).DefaultSeverity == DiagnosticSeverity.Error));
    }

    [TestCaseSource(nameof(Ids))]
    public void The_good_neighbour_has_a_plan_and_no_finding(string id)
    {
        var result = Plan(id, "good");
        Assert.That(result.Diagnostics, Is.Empty, string.Join("\n", result.Diagnostics));
        Assert.That(StreamPlanVerifier.FirstWrong(result.Plan!), Is.Null);
    }

    [Test]
    public void A_board_without_an_SMMU_has_no_plan_and_no_finding() =>
        Assert.That((Plan("KMK6060", "bad").Plan, Plan("KMK6060", "good").Plan?.Smmus.Length), Is.EqualTo(((StreamTablePlan?)null, (int?)1)));

    private static StreamTablePlanResult Plan(string id, string name)
    {
        var path = Path.Combine(Folder, id, name);
        var options = File.Exists(path + "_options") ? PhysAddr.Parse(File.ReadAllText(path + "_options").Trim().Split('=')[1]) : (PhysAddr?)null;
        return StreamTablePlanner.Plan(StreamBoards.Layout(File.ReadAllText(path + ".dts"), File.ReadAllText(path + "_defconfig")), new StreamTableOptions { Base = options });
    }
}
