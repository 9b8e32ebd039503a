using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Boards;

// tests/vectors/diagnostics/<ID>/bad.dts with its bad_defconfig and bad_overrides breaks that rule; good.* beside it is the nearest neighbour that does not.
[TestFixture]
internal sealed class BoardVectorTests
{
    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");

    private static IEnumerable<string> Ids =>
        DiagnosticTable.SetUp.Rules.Concat(DiagnosticTable.Policy.Rules).Concat(DiagnosticTable.Board.Rules)
            .Concat(DiagnosticTable.Layout.Rules).Concat(DiagnosticTable.Mpu.Rules)
            // A fault of KmemKit itself has no board.
            .Where(rule => rule != DiagnosticTable.Mpu.PlanWrong).Select(rule => rule.Id);

    [TestCaseSource(nameof(Ids))]
    public void The_bad_board_has_this_finding(string id)
    {
        var result = Compile(id, "bad");
        Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain(id));
        var rule = DiagnosticTable.All.Single(r => r.Id == id);
        Assert.That(result.HasErrors, Is.EqualTo(rule.DefaultSeverity == DiagnosticSeverity.Error), string.Join("\n", result.Diagnostics));
        // What a constant of the kernel does stands in no file.
        foreach (var diagnostic in result.Diagnostics.Where(d => d.Id == id && !HasOverrides(id) && id is not ("KMK3516" or "KMK3529")))
            Assert.That(diagnostic.Span.IsKnown, Is.True, diagnostic.ToString());
    }

    [TestCaseSource(nameof(Ids))]
    public void The_good_neighbour_has_no_finding_of_policy_board_and_layout(string id)
    {
        var result = Compile(id, "good");
        Assert.That(result.BoardIds(), Is.Empty, string.Join("\n", result.Diagnostics));
        Assert.That(result.Diagnostics.Select(d => d.Id), Has.None.StartsWith("KMK4"), string.Join("\n", result.Diagnostics));
        Assert.That(result.HasErrors, Is.False, string.Join("\n", result.Diagnostics));
        Assert.That(result.Layout, Is.Not.Null);
    }

    private static bool HasOverrides(string id) => File.Exists(Path.Combine(Folder, id, "bad_overrides"));

    private static BoardCompilation Compile(string id, string name)
    {
        var path = Path.Combine(Folder, id, name);
        return BoardPipeline.Compile(new BoardInput(new SourceFile(name + ".dts", File.ReadAllText(path + ".dts")))
        {
            Defconfig = Defconfig(path),
            Overrides = File.Exists(path + "_overrides") ? [.. File.ReadAllLines(path + "_overrides")] : [],
        });
    }

    private static SourceFile? Defconfig(string path)
    {
        if (File.Exists(path + "_defconfig"))
            return new SourceFile(Path.GetFileName(path) + "_defconfig", File.ReadAllText(path + "_defconfig"));
        return File.Exists(path + "_defconfig.hex")
            ? new SourceFile(Path.GetFileName(path) + "_defconfig", BlobVectors.ReadHex(path + "_defconfig.hex"))
            : null;
    }
}
