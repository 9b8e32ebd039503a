using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Protection;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>Plans the regions of a memory protection unit for a policy: exactly what the policy grants, with the fewest regions.</summary>
public static class MpuPlanner
{
    /// <summary>The plan of a board that has a policy and a unit with a known number of regions.</summary>
    /// <remarks>The policy is one without errors. Bad input never throws: what cannot be planned is a finding.</remarks>
    public static MpuPlanResult Plan(ProtectionPolicy policy, BoardMpu mpu)
    {
        if (policy is null)
            throw new ArgumentNullException(nameof(policy));
        if (mpu is null)
            throw new ArgumentNullException(nameof(mpu));
        var diagnostics = new DiagnosticBag();
        var plan = PlanCore(policy, mpu, diagnostics);
        if (plan is not null && !diagnostics.HasErrors)
            Report(plan, policy, diagnostics);
        return new MpuPlanResult(diagnostics.HasErrors ? null : plan, diagnostics.ToImmutable());
    }

    private static MpuPlan? PlanCore(ProtectionPolicy policy, BoardMpu mpu, DiagnosticBag diagnostics)
    {
        var format = mpu.Format;
        var available = mpu.RegionCount ?? 0;
        var fixedRegions = new List<PlannedRegion>();
        var own = new List<PlannedRegion>[policy.Domains.Length + 1];
        var spaces = ImmutableArray.CreateBuilder<SpaceUse>();
        for (var i = 0; i < own.Length; i++)
            own[i] = [];
        foreach (var space in format.Spaces)
        {
            var cells = new ProtectionCells(policy, format, space);
            if (PlanSpace(cells, policy, format, available, diagnostics) is not { } split)
                return null;
            spaces.Add(new SpaceUse(space, available, split.Used, split.LowerBound) { Own = split.Writes, OwnLowerBound = split.WritesBound });
            if (split.Used > available)
            {
                AddDoesNotFit(policy, format, available, split, diagnostics);
                continue;
            }
            fixedRegions.AddRange(RegionNumbers.Static(split, cells, policy, format, space));
            for (var i = 0; i < own.Length; i++)
                own[i].AddRange(RegionNumbers.Own(split, i, cells, policy, format, space));
        }
        if (diagnostics.HasErrors)
            return null;
        var plan = new MpuPlan
        {
            Mpu = mpu,
            PrivilegedBackground = policy.PrivilegedBackground || format is Architecture.Mpu.Pmp.PmpFormat,
            Static = [.. fixedRegions],
            Domains = [.. own.Select((regions, i) => new PlannedDomain(i == 0 ? null : policy.Domains[i - 1].Name, [.. regions]))],
            Spaces = spaces.ToImmutable(),
            WasteBytes = Sum(fixedRegions) + own.Select(Sum).Max(),
        };
        if (PlanVerifier.FirstWrong(plan, policy) is not { } wrong)
            return plan;
        diagnostics.Add(Rules.PlanWrong, policy.Span, wrong);
        return null;
    }

    private static ulong Sum(IEnumerable<PlannedRegion> regions) => regions.Aggregate(0UL, (sum, r) => sum + r.WasteBytes);

    private static SplitPlan? PlanSpace(ProtectionCells cells, ProtectionPolicy policy, MpuFormat format, int available, DiagnosticBag diagnostics)
    {
        if (cells.Classes.Length > CellMap.MostClasses)
        {
            diagnostics.Add(Rules.DoesNotFit, policy.Span, format.Name, available, $"at least {CellMap.MostClasses}",
                "every set of rights and memory type takes one", "fewer different sets");
            return null;
        }
        try
        {
            if (new SpacePlanner(cells, format).Plan() is { } split)
                return split;
            diagnostics.Add(Rules.PlanWrong, policy.Span, "no table of this unit grants it");
        }
        catch (UnalignedException e)
        {
            AddUnaligned(policy, format, e.Granule, diagnostics);
        }
        return null;
    }

    private static void AddUnaligned(ProtectionPolicy policy, MpuFormat format, ulong granule, DiagnosticBag diagnostics)
    {
        var end = granule + format.Granule;
        foreach (var entry in policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)))
        {
            foreach (var edge in new[] { entry.Range.Start.Value, entry.Range.End.Value })
            {
                if (edge <= granule || edge >= end)
                    continue;
                var isStart = edge == entry.Range.Start.Value;
                diagnostics.Add(Rules.EntryUnaligned, entry.Span, entry.NodePath, entry.Range, isStart ? "starts" : "ends", format.Granule, format.Name,
                    isStart ? edge - granule : end - edge);
                return;
            }
        }
        diagnostics.Add(Rules.PlanWrong, policy.Span, $"nothing can be right in the granule at 0x{granule:x}");
    }

    private static void AddDoesNotFit(ProtectionPolicy policy, MpuFormat format, int available, SplitPlan split, DiagnosticBag diagnostics)
    {
        var advisor = new FitAdvisor(policy, format, available);
        var needed = split.Used == split.LowerBound ? $"{split.Used}" : $"{split.LowerBound} to {split.Used}";
        diagnostics.Add(Rules.DoesNotFit, policy.Span, format.Name, available, needed, advisor.Dearest(split.Used), advisor.Cheapest());
    }

    private static void Report(MpuPlan plan, ProtectionPolicy policy, DiagnosticBag diagnostics)
    {
        if (plan.LowerBound < plan.Used)
            diagnostics.Add(Rules.NotProvedLeast, policy.Span, plan.Used, plan.LowerBound, plan.Mpu.Format.Name);
        foreach (var entry in policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries)).Where(e => e.AllowRounding))
        {
            var waste = Sum(plan.Static.Concat(plan.Domains.SelectMany(d => d.Regions)).Where(r => r.Entries.Contains(entry.Name)));
            if (waste > 0)
                diagnostics.Add(Rules.Rounded, entry.Span, entry.NodePath, entry.Range, waste);
        }
    }
}
