using System.Collections.Generic;
using System.IO;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Sources;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Tests.Devicetree;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

// tests/vectors/diagnostics/KMK50xx: bad.dts with bad_defconfig, and bad_options of the tables, breaks that rule; good.* is the nearest neighbour that does not.
internal sealed class TableVectorTests
{
    private static string Folder => Path.Combine(BlobVectors.RepositoryRoot, "tests", "vectors", "diagnostics");

    private static IEnumerable<string> Ids => DiagnosticTable.Mmu.Rules
        // A fault of KmemKit itself has no board; that files are left out is the writers' finding.
        .Where(rule => rule != DiagnosticTable.Mmu.PlanWrong && rule != DiagnosticTable.Mmu.TablesLeftOut).Select(rule => rule.Id);

    [TestCaseSource(nameof(Ids))]
    public void The_bad_board_has_this_finding_and_no_other_error(string id)
    {
        var result = Plan(id, "bad");
        Assert.That(result.Diagnostics.Select(d => d.Id), Does.Contain(id), string.Join("\n", result.Diagnostics));
        Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error && d.Id != id), Is.Empty);
        Assert.That(result.Diagnostics.Where(d => d.Id == id).All(d => d.Span.IsKnown), string.Join("\n", result.Diagnostics));
        Assert.That(result.Plan is null, Is.EqualTo(DiagnosticTable.All.Single(r => r.Id == id).DefaultSeverity == DiagnosticSeverity.Error));
    }

    [TestCaseSource(nameof(Ids))]
    public void The_good_neighbour_has_tables_and_no_finding(string id)
    {
        var result = Plan(id, "good");
        Assert.That(result.Diagnostics, Is.Empty, string.Join("\n", result.Diagnostics));
        TableChecks.Check(result.Plan!);
    }

    private static PageTablePlanResult Plan(string id, string name)
    {
        var path = Path.Combine(Folder, id, name);
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile(name + ".dts", File.ReadAllText(path + ".dts")))
        {
            Defconfig = new SourceFile(name + "_defconfig", File.ReadAllText(path + "_defconfig")),
            RequireLayout = true,
        });
        Assert.That(compilation.HasErrors, Is.False, string.Join("\n", compilation.Diagnostics));
        var options = File.Exists(path + "_options") ? File.ReadAllLines(path + "_options").Select(l => l.Split('=')).ToDictionary(p => p[0], p => p[1]) : [];
        return PageTablePlanner.Plan(compilation.Layout!, new PageTableOptions
        {
            Style = options.GetValueOrDefault("map") == "flat" ? MapStyle.Flat : MapStyle.Kernel,
            Format = options.GetValueOrDefault("format"),
            Base = options.TryGetValue("base", out var at) ? PhysAddr.Parse(at) : null,
            Domain = options.GetValueOrDefault("domain"),
        });
    }
}
