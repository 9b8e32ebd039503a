using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Conformance.Protections;

/// <summary>What somebody may do on a range.</summary>
/// <param name="Range">Physical addresses.</param>
/// <param name="Attributes">Rights and memory type; no rights at all is a hole.</param>
/// <param name="Place"><c>file:line</c> that says so; empty where none does.</param>
public sealed record ProtectionGrant(PhysRange Range, MpuAttributes Attributes, string Place = "")
{
    /// <summary>Whether the unit may grant it over addresses beside it that no grant covers.</summary>
    public bool AllowRounding { get; init; }
}

/// <summary>Addresses with one answer from the first to the last.</summary>
/// <param name="Start">First address.</param>
/// <param name="Last">Last address.</param>
/// <param name="Grant">What decides; null for what no grant covers.</param>
/// <param name="Attributes">What is granted.</param>
/// <param name="MayBeMore">What may be granted instead, because the policy says that it does not care.</param>
public sealed record ProtectionCell(ulong Start, ulong Last, ProtectionGrant? Grant, MpuAttributes Attributes, ImmutableArray<MpuAttributes> MayBeMore)
{
    /// <summary>Whether the policy does not care at all.</summary>
    public bool AnythingGoes { get; init; }
}

/// <summary>What a protection unit has to grant: the address space cut where the answer changes.</summary>
/// <remarks>Of grants that overlap the narrowest counts; of two equal ones the later.</remarks>
public sealed record ProtectionMap
{
    private ProtectionMap(ImmutableArray<ProtectionCell> cells) => Cells = cells;

    /// <summary>Cells, by rising address; they cover the address space.</summary>
    public ImmutableArray<ProtectionCell> Cells { get; }

    /// <summary>The cells of a policy.</summary>
    /// <param name="grants">What is granted, in any order.</param>
    /// <param name="lastAddress">Last address of the unit's address space.</param>
    /// <param name="background">What holds where no grant is; null denies.</param>
    /// <param name="cuts">Further addresses at which <paramref name="background"/> changes.</param>
    /// <param name="ungoverned">Addresses that no grant changes: <paramref name="background"/> holds there.</param>
    /// <param name="neverExecuted">Addresses that nobody executes from, whatever is granted.</param>
    /// <param name="populated">Where something is: what no grant covers outside may be granted to anyone; null where the policy cares everywhere.</param>
    public static ProtectionMap Of(
        IEnumerable<ProtectionGrant> grants, ulong lastAddress, Func<ulong, MpuAttributes>? background = null, IEnumerable<ulong>? cuts = null,
        PhysRange ungoverned = default, PhysRange neverExecuted = default, IReadOnlyList<PhysRange>? populated = null)
    {
        var all = grants.ToList();
        var edges = new SortedSet<ulong> { 0 };
        foreach (var range in all.Select(g => g.Range).Concat(populated ?? []).Append(ungoverned).Append(neverExecuted).Where(r => !r.IsEmpty))
        {
            edges.Add(range.Start.Value);
            if (!range.End.IsTop)
                edges.Add(range.End.Value);
        }
        edges.UnionWith(cuts ?? []);
        var starts = edges.Where(e => e <= lastAddress).ToList();
        var rounding = all.Where(g => g.AllowRounding).Select(g => g.Attributes).Distinct().ToImmutableArray();
        var cells = ImmutableArray.CreateBuilder<ProtectionCell>();
        for (var i = 0; i < starts.Count; i++)
        {
            var at = new PhysAddr(starts[i]);
            var last = i + 1 < starts.Count ? starts[i + 1] - 1 : lastAddress;
            var isFixed = !ungoverned.IsEmpty && ungoverned.Contains(at);
            var grant = isFixed ? null : Narrowest(all, at);
            var attributes = grant?.Attributes ?? background?.Invoke(starts[i]) ?? MpuAttributes.Deny;
            if (!isFixed && !neverExecuted.IsEmpty && neverExecuted.Contains(at))
                attributes = attributes with { Privileged = attributes.Privileged & ~AccessRights.Execute, User = attributes.User & ~AccessRights.Execute };
            cells.Add(new ProtectionCell(starts[i], last, grant, attributes, grant is null && !isFixed ? rounding : [])
            {
                AnythingGoes = grant is null && !isFixed && populated is not null && !populated.Any(r => r.Contains(at)),
            });
        }
        return new ProtectionMap(cells.ToImmutable());
    }

    private static ProtectionGrant? Narrowest(List<ProtectionGrant> grants, PhysAddr at)
    {
        ProtectionGrant? narrowest = null;
        foreach (var grant in grants)
        {
            if (grant.Range.Contains(at) && (narrowest is null || grant.Range.Size <= narrowest.Range.Size))
                narrowest = grant;
        }
        return narrowest;
    }
}
