using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>Plans the page tables of a board: what its kernel has mapped, in the board's format, ready to be loaded at a physical address.</summary>
/// <remarks>
/// Every plan is written as an image and walked again before it is returned (<see cref="PlanVerifier"/>): a plan that is not the map is a fault of ours and
/// reported as one.
/// </remarks>
public static class PageTablePlanner
{
    /// <summary>The plan, or the errors that leave none.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="options">What is asked for; null for what the board's kernel starts with.</param>
    public static PageTablePlanResult Plan(MemoryLayout layout, PageTableOptions? options = null)
    {
        if (layout is null)
            throw new ArgumentNullException(nameof(layout));
        var diagnostics = new DiagnosticBag();
        var plan = Make(layout, options ?? new PageTableOptions(), diagnostics);
        return new PageTablePlanResult(diagnostics.HasErrors ? null : plan, diagnostics.ToImmutable());
    }

    /// <summary>The plan of a map that is there already, in a regime of the caller's choice.</summary>
    /// <param name="map">What is to be mapped.</param>
    /// <param name="regime">The trees; those without anything to map are left out.</param>
    /// <param name="at">Where the image is loaded; null for the highest free place in lowmem.</param>
    public static PageTablePlanResult Plan(KernelMap map, TableRegime regime, PhysAddr? at = null)
    {
        if (map is null)
            throw new ArgumentNullException(nameof(map));
        if (regime is null)
            throw new ArgumentNullException(nameof(regime));
        var diagnostics = new DiagnosticBag();
        var plan = Make(map, regime, new TablePlace(at), diagnostics);
        return new PageTablePlanResult(diagnostics.HasErrors ? null : plan, diagnostics.ToImmutable());
    }

    /// <summary>Tables that are a part of a larger image, whose place is the caller's concern.</summary>
    internal static PageTablePlan? PlanPart(KernelMap map, TableRegime regime, PhysAddr at, DiagnosticBag diagnostics)
    {
        var plan = Make(map, regime, new TablePlace(at, IsGiven: true), diagnostics);
        return diagnostics.HasErrors ? null : plan;
    }

    private static PageTablePlan? Make(MemoryLayout layout, PageTableOptions options, DiagnosticBag diagnostics)
    {
        var board = layout.Board;
        if (!board.UsesMmu)
        {
            diagnostics.Add(Rules.NoTranslation, board.Policy.Mmu?.Span is { IsKnown: true } said ? said : board.Tree.Root.Span, board.Name);
            return null;
        }
        if (options.Domain is { } domain && board.Protection?.Domains.Any(d => d.Name == domain) != true)
        {
            diagnostics.Add(Rules.NoSuchDomain, board.Protection?.Span ?? board.Tree.Root.Span, board.Name, domain);
            return null;
        }
        if (TableFormats.Choose(layout, options, diagnostics) is not { } choice)
            return null;
        var mapped = KernelMapPlanner.Plan(layout, new KernelMapOptions(options.Style)
        {
            Domain = options.Domain,
            PageSize = choice.PageSize,
            PhysicalBits = choice.PhysicalBits,
        });
        diagnostics.AddRange(mapped.Diagnostics);
        return mapped.Map is { } map ? Make(map, choice.RegimeOf(map), new TablePlace(options.Base), diagnostics) : null;
    }

    private static PageTablePlan? Make(KernelMap map, TableRegime regime, TablePlace at, DiagnosticBag diagnostics)
    {
        map = WithoutExecuteNever(map, regime, diagnostics);
        var sets = new AttributeSets();
        var drafts = new List<DraftTable>();
        var trees = ImmutableArray.CreateBuilder<TableTree>();
        var roots = new List<int>();
        foreach (var outside in map.Regions.Where(r => regime.TreeOf(r.Virt.Start) is var tree && (tree < 0 || regime.TreeOf(r.Virt.Last) != tree)))
            diagnostics.Add(Rules.BeyondInput, outside.Span, outside.Name, outside.Virt, regime.Name);
        if (diagnostics.HasErrors)
            return null;
        for (var i = 0; i < regime.Trees.Length; i++)
        {
            var format = regime.Trees[i].Format;
            var regions = map.Regions.Where(r => regime.TreeOf(r.Virt.Start) == i).ToList();
            var forced = ForcedTables.Of(map.EmptyTables.Where(e => regime.TreeOf(e.Virt.Start) == i), format);
            if (regions.Count == 0 && forced.Count == 0)
                continue;
            var segments = Segments(regions, trees.Count, format, sets, diagnostics);
            if (diagnostics.HasErrors)
                return null;
            roots.Add(new TreeBuilder(format, trees.Count, segments, forced, drafts).Build());
            trees.Add(regime.Trees[i]);
        }
        if (trees.Count == 0)
        {
            diagnostics.Add(Rules.NothingMapped, map.Layout.Board.Protection?.Span ?? map.Layout.Board.Tree.Root.Span, map.Layout.Board.Name);
            return null;
        }
        var used = regime with { Trees = trees.ToImmutable() };
        TableLimits.Settle(used, drafts, sets.All, map, diagnostics);
        if (diagnostics.HasErrors)
            return null;
        return TablePlacement.Place(map, used, drafts, roots, sets.All, at, diagnostics) is { } plan && PlanVerifier.IsRight(plan, diagnostics) ? plan : null;
    }

    /// <summary>
    /// Where a format cannot withhold execution from what can be read (two-level x86, whose descriptors have no such bit), what the rules grant is executable,
    /// as it is with any kernel there; what the policy grants is not changed.
    /// </summary>
    private static KernelMap WithoutExecuteNever(KernelMap map, TableRegime regime, DiagnosticBag diagnostics)
    {
        var format = regime.Trees[0].Format;
        var probe = AttributeSets.Translate(format, new MpuAttributes(AccessRights.ReadWrite, AccessRights.None, MpuMemoryType.NormalWriteBackWriteAllocate, false), true);
        if (format.TryEncodeLeaf(0, probe, format.Shapes[0], out _) != EncodingRefusal.ExecuteFollowsRead)
            return map;
        var widened = map.Regions.FirstOrDefault(r => r.Entry is null && (r.Attributes.Privileged & AccessRights.Execute) == 0);
        if (widened is null)
            return map;
        diagnostics.Add(Rules.NoExecuteNever, widened.Span, regime.Name);
        return map with
        {
            Regions = [.. map.Regions.Select(r => r.Entry is not null || (r.Attributes.Privileged & AccessRights.Execute) != 0 ? r : r with
            {
                Attributes = r.Attributes with { Privileged = r.Attributes.Privileged | AccessRights.Execute },
                Reason = r.Reason + "; executable, as the format cannot say otherwise",
            })],
        };
    }

    /// <summary>Regions that continue each other are one to the tables: a block may cover both.</summary>
    private static List<Segment> Segments(List<MapRegion> regions, int tree, ITranslationFormat format, AttributeSets sets, DiagnosticBag diagnostics)
    {
        var segments = new List<Segment>();
        foreach (var region in regions)
        {
            var set = sets.Of(tree, format, region.Attributes, region.Global);
            if (set.Refusal != EncodingRefusal.None)
            {
                diagnostics.Add(Rules.AttributesNotExpressible, region.Span, region.Entry ?? region.Name, region.Virt, region.Attributes, format.Name, Words(set.Refusal));
                continue;
            }
            var segment = new Segment(region.Virt.Start.Value, region.Virt.End.Last, region.Phys.Value, set);
            if (segments.Count > 0 && segments[segments.Count - 1] is var last && last.Set == set && last.Last + 1 == segment.First
                && last.Phys + (segment.First - last.First) == segment.Phys)
                segments[segments.Count - 1] = last with { Last = segment.Last };
            else
                segments.Add(segment);
        }
        return segments;
    }

    private static string Words(EncodingRefusal refusal) => refusal switch
    {
        EncodingRefusal.ExecuteNotSeparate => "it cannot tell the two privileges' fetches apart that way",
        EncodingRefusal.ExecuteFollowsRead => "what can be read there can be executed",
        EncodingRefusal.MemoryTypeNotAvailable => "it does not have that memory type",
        EncodingRefusal.ShareabilityNotAvailable => "that memory type cannot be shareable so",
        EncodingRefusal.RightsNotAvailable => "it has no encoding for these two sets of rights together",
        _ => refusal.ToString(),
    };
}
