using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Tests.Artifacts;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>The tables of every board of the repository that translates, in every format it can have, in both styles.</summary>
internal sealed class BoardTablesTests
{
    private static IEnumerable<TestCaseData> Cases
    {
        get
        {
            foreach (var name in RepositoryBoards.Names)
            {
                var compilation = RepositoryBoards.Compile(name);
                if (!compilation.Board!.UsesMmu)
                    continue;
                foreach (var format in TableFormats.NamesOf(compilation.Board.Architecture))
                {
                    yield return new TestCaseData(name, format, MapStyle.Kernel);
                    yield return new TestCaseData(name, format, MapStyle.Flat);
                }
            }
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void The_image_maps_what_the_plan_says_and_nothing_else(string board, string format, MapStyle style)
    {
        var result = PageTablePlanner.Plan(RepositoryBoards.Compile(board).Layout!, new PageTableOptions { Format = format, Style = style });
        // What a format cannot reach is an error with a name, and no plan.
        if (result.Plan is null)
        {
            Assert.That(result.Diagnostics.Where(d => d.Severity == DiagnosticSeverity.Error).Select(d => d.Id).Distinct(), Is.SubsetOf(new[] { "KMK5017", "KMK5055" }), string.Join("\n", result.Diagnostics));
            var own = PageTablePlanner.Plan(RepositoryBoards.Compile(board).Layout!).Plan!.Regime.Name;
            Assert.That(style == MapStyle.Flat || format != own, string.Join("\n", result.Diagnostics));
            return;
        }
        TableChecks.Check(result.Plan!);
    }

    [Test]
    public void The_kernels_own_format_fits_every_board()
    {
        foreach (var name in RepositoryBoards.Names)
        {
            var compilation = RepositoryBoards.Compile(name);
            if (!compilation.Board!.UsesMmu)
                continue;
            var result = PageTablePlanner.Plan(compilation.Layout!);
            Assert.That(result.Plan, Is.Not.Null, string.Join("\n", result.Diagnostics));
            TestContext.Out.WriteLine($"{name}: {result.Plan!.Regime.Name} at {result.Plan.Base}, {result.Plan.Tables.Length} tables, {result.Plan.Bytes} bytes, "
                + string.Join(" ", result.Plan.Levels.Select(l => $"{l.Name}={l.Entries}+{l.Pointers}")));
            foreach (var region in result.Plan.Map.Regions)
                TestContext.Out.WriteLine($"   {region.Virt} -> {region.Phys} {region.Name} {region.Attributes}");
            foreach (var finding in result.Diagnostics)
                TestContext.Out.WriteLine("   " + finding);
        }
    }

    [TestCaseSource(nameof(Cases))]
    public void The_same_board_gives_the_same_bytes(string board, string format, MapStyle style)
    {
        var options = new PageTableOptions { Format = format, Style = style };
        var first = PageTablePlanner.Plan(RepositoryBoards.Compile(board).Layout!, options).Plan;
        var second = PageTablePlanner.Plan(RepositoryBoards.Compile(board, "elsewhere").Layout!, options).Plan;
        if (first is not null)
            Assert.That(TableImage.Write(second!), Is.EqualTo(TableImage.Write(first)));
    }
}
