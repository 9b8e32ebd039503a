using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Boards;
using KmemKit.BoardCompiler.Protection;
using BoardMpu = KmemKit.Architecture.Boards.BoardMpu;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A plan and its policy as the board's type has them: for a runtime that boots a board it has compiled itself.</summary>
public static class BoardMpuOfPlan
{
    /// <summary>The same values that the generated code has.</summary>
    public static BoardMpu Make(MpuPlan plan, ProtectionPolicy policy)
    {
        if (plan is null)
            throw new ArgumentNullException(nameof(plan));
        if (policy is null)
            throw new ArgumentNullException(nameof(policy));
        return new BoardMpu
        {
            Format = plan.Mpu.Format,
            RegionCount = plan.Mpu.RegionCount ?? 0,
            PrivilegedBackground = plan.PrivilegedBackground,
            Entries = Entries(policy.Entries),
            Static = [.. plan.Static.Select(r => r.Region)],
            Domains =
            [
                .. plan.Domains.Select(d => new BoardDomain(
                    d.Name ?? "", d.Name is { } name ? Entries(policy.DomainOf(name).Entries) : ImmutableArray<BoardProtectionEntry>.Empty,
                    [.. d.Regions.Select(r => r.Region)], plan.RegistersOf(d.Name))),
            ],
            Populated = policy.Populated,
            Used = plan.Used,
            LowerBound = plan.LowerBound,
            WasteBytes = plan.WasteBytes,
        };
    }

    private static ImmutableArray<BoardProtectionEntry> Entries(IEnumerable<ProtectionEntry> entries) =>
        [.. entries.Select(e => new BoardProtectionEntry(e.Name, e.Range, e.Attributes, e.AllowRounding))];
}
