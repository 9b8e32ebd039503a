using System;
using System.Collections.Immutable;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Architecture.Boards;

/// <summary>What one entry of a board's protection policy grants.</summary>
/// <param name="Name">Name of its node.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="Attributes">Rights and memory type; no rights at all is a hole.</param>
/// <param name="AllowRounding">Whether the plan may grow it over addresses that no entry covers.</param>
public readonly record struct BoardProtectionEntry(string Name, PhysRange Range, MpuAttributes Attributes, bool AllowRounding);

/// <summary>A task or compartment of a board, or (the first of them, without a name) what is in place while none runs.</summary>
/// <param name="Name">Its name; empty for none.</param>
/// <param name="Entries">What it may do beside the board's own entries, of which it overrides those it lies in.</param>
/// <param name="Regions">Its own regions, by space, then by number, those that a switch has to write.</param>
/// <param name="Registers">All register values while it runs, those of the static regions among them.</param>
public sealed record BoardDomain(
    string Name, ImmutableArray<BoardProtectionEntry> Entries, ImmutableArray<MpuRegion> Regions, MpuRegisterFile Registers);

/// <summary>A board's protection policy and the region tables that grant it exactly.</summary>
/// <remarks>Invariant: <see cref="BoardDomain.Registers"/> of a domain are what <see cref="Format"/> encodes for its regions and <see cref="Static"/>.</remarks>
public sealed record BoardMpu
{
    /// <summary>The unit, with the board's granularity.</summary>
    public required MpuFormat Format { get; init; }

    /// <summary>Regions that the unit has, of each space.</summary>
    public required int RegionCount { get; init; }

    /// <summary>Whether privileged code has the default map where no region is.</summary>
    public required bool PrivilegedBackground { get; init; }

    /// <summary>Entries that always apply.</summary>
    public required ImmutableArray<BoardProtectionEntry> Entries { get; init; }

    /// <summary>Regions that stay over a domain switch, by space, then by number.</summary>
    public required ImmutableArray<MpuRegion> Static { get; init; }

    /// <summary>First what is in place while no domain runs, then the domains in the order of the board.</summary>
    public required ImmutableArray<BoardDomain> Domains { get; init; }

    /// <summary>Addresses at which the board has something, where the policy leaves the others to the plan; else null.</summary>
    public ImmutableArray<PhysRange>? Populated { get; init; }

    /// <summary>Regions in use at the same time, at most; of all spaces.</summary>
    public required int Used { get; init; }

    /// <summary>No plan uses fewer.</summary>
    public required int LowerBound { get; init; }

    /// <summary>Bytes granted beyond the policy, which the policy allows.</summary>
    public required ulong WasteBytes { get; init; }

    /// <summary>The domain of that name; the first one for the empty name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public BoardDomain DomainOf(string name)
    {
        foreach (var domain in Domains)
        {
            if (string.Equals(domain.Name, name, StringComparison.Ordinal))
                return domain;
        }
        throw new ArgumentException($"There is no domain {name}.", nameof(name));
    }

    /// <summary>Compares registers that were read back with those of a domain: each that differs, and what it would grant.</summary>
    /// <param name="domain">Name of the domain that runs; empty for none.</param>
    /// <param name="read">What the unit holds.</param>
    /// <returns>Empty where the unit is programmed as planned.</returns>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public ImmutableArray<MpuDifference> VerifyProgrammed(string domain, MpuRegisterFile read) =>
        MpuReadback.Compare(Format, DomainOf(domain).Registers, read);
}
