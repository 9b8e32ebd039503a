using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>A region with its number, and why it is there.</summary>
/// <param name="Region">The region.</param>
/// <param name="Entries">Names of the protection entries it grants; empty for one that only closes a hole, or opens a PMP chain.</param>
/// <param name="WasteBytes">Bytes it grants beyond the policy, which the policy allows.</param>
public sealed record PlannedRegion(MpuRegion Region, ImmutableArray<string> Entries, ulong WasteBytes);

/// <summary>Regions that are in place while a domain runs, beside the static ones.</summary>
/// <param name="Name">The domain; null while none runs.</param>
/// <param name="Regions">Its own regions, by space, then by number: what a switch to it writes.</param>
public sealed record PlannedDomain(string? Name, ImmutableArray<PlannedRegion> Regions);

/// <summary>How full one space of the unit is.</summary>
/// <param name="Space">Which accesses.</param>
/// <param name="Available">Regions the unit has.</param>
/// <param name="Used">Regions in use at the same time, in the domain that takes most.</param>
/// <param name="LowerBound">No plan uses fewer.</param>
public sealed record SpaceUse(MpuSpace Space, int Available, int Used, int LowerBound)
{
    /// <summary>Regions that the domains, and what stands for none, have of their own, in all.</summary>
    public int Own { get; init; }

    /// <summary>No plan that uses as few at the same time has fewer <see cref="Own"/>.</summary>
    public int OwnLowerBound { get; init; }
}

/// <summary>Region tables that grant a protection policy, exactly, with the fewest regions the unit allows.</summary>
/// <remarks>
/// Invariants: static regions and those of any one domain encode together; decoded again from their registers they grant at every address what the
/// policy grants, but where the policy allows more (<c>allow-rounding</c>, <c>optimize-over-unpopulated</c>). Static regions have the lower priority.
/// </remarks>
public sealed record MpuPlan
{
    /// <summary>The unit.</summary>
    public required BoardMpu Mpu { get; init; }

    /// <summary>Whether privileged code has the default map where no region is.</summary>
    public bool PrivilegedBackground { get; init; }

    /// <summary>Regions that stay over a domain switch, by space, then by number.</summary>
    public ImmutableArray<PlannedRegion> Static { get; init; } = ImmutableArray<PlannedRegion>.Empty;

    /// <summary>First what is in place while no domain runs, then each domain in the order of the policy.</summary>
    public ImmutableArray<PlannedDomain> Domains { get; init; } = ImmutableArray<PlannedDomain>.Empty;

    /// <summary>How full each space is.</summary>
    public ImmutableArray<SpaceUse> Spaces { get; init; } = ImmutableArray<SpaceUse>.Empty;

    /// <summary>Regions of all spaces.</summary>
    public int Available => Spaces.Sum(s => s.Available);

    /// <summary>Regions in use at the same time, at most.</summary>
    public int Used => Spaces.Sum(s => s.Used);

    /// <summary>No plan uses fewer; equal to <see cref="Used"/> where that is proved to be the least.</summary>
    public int LowerBound => Spaces.Sum(s => s.LowerBound);

    /// <summary>Regions that domains have of their own, in all: what switches between them write.</summary>
    public int Own => Spaces.Sum(s => s.Own);

    /// <summary>No plan that uses as few at the same time has fewer <see cref="Own"/>; equal to it where that is proved to be the least.</summary>
    public int OwnLowerBound => Spaces.Sum(s => s.OwnLowerBound);

    /// <summary>Bytes granted beyond the policy, which the policy allows: by the static regions and the domain where that is most.</summary>
    public ulong WasteBytes { get; init; }

    /// <summary>All regions in place while a domain runs.</summary>
    /// <param name="domain">Name of the domain; null for none.</param>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public IEnumerable<MpuRegion> RegionsOf(string? domain)
    {
        var own = Domains.FirstOrDefault(d => d.Name == domain) ?? throw new ArgumentException($"There is no domain {domain}.", nameof(domain));
        return Static.Concat(own.Regions).Select(r => r.Region);
    }

    /// <summary>All register values while a domain runs.</summary>
    /// <param name="domain">Name of the domain; null for none.</param>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public MpuRegisterFile RegistersOf(string? domain) => Mpu.Format.Encode(RegionsOf(domain), PrivilegedBackground);
}

/// <summary>What planning a policy gives.</summary>
/// <param name="Plan">The plan; null with an error.</param>
/// <param name="Diagnostics">The findings, in order.</param>
public sealed record MpuPlanResult(MpuPlan? Plan, ImmutableArray<KmemDiagnostic> Diagnostics);
