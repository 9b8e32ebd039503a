using System;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Protection;

/// <summary>Who may do what, where: the protection node of a board. It drives MPU regions and MMU permissions alike.</summary>
/// <remarks>
/// Invariant of a policy without errors: of two entries that apply at the same time, one holds the other, or they share nothing. The narrower one
/// counts; of two equal ones that of the domain. What no entry covers is denied, but for the default map that
/// <see cref="PrivilegedBackground"/> leaves to privileged code.
/// </remarks>
public sealed record ProtectionPolicy
{
    /// <summary>Entries that always apply, in the order of the tree.</summary>
    public ImmutableArray<ProtectionEntry> Entries { get; init; } = ImmutableArray<ProtectionEntry>.Empty;

    /// <summary>Domains, in the order of the tree. One of them runs at a time, or none: the kernel alone.</summary>
    public ImmutableArray<ProtectionDomain> Domains { get; init; } = ImmutableArray<ProtectionDomain>.Empty;

    /// <summary><c>privileged-background</c>: privileged code has the architecture's default map where no entry is.</summary>
    public bool PrivilegedBackground { get; init; }

    /// <summary>
    /// <c>optimize-over-unpopulated</c>: the addresses at which the board has something; what no entry covers outside them may be granted to anyone.
    /// Null where the property is not there.
    /// </summary>
    public ImmutableArray<PhysRange>? Populated { get; init; }

    /// <summary>Pools that entries with a size and no address were placed in; their entries are among the others.</summary>
    public ImmutableArray<PlacedPool> Pools { get; init; } = ImmutableArray<PlacedPool>.Empty;

    /// <summary>The node's name in the source.</summary>
    public SourceSpan Span { get; init; }

    /// <summary>The entry that decides about an address while a domain runs.</summary>
    /// <param name="address">Any physical address.</param>
    /// <param name="domain">Name of the domain; null for the policy alone.</param>
    /// <returns>Null where no entry covers it.</returns>
    /// <exception cref="ArgumentException">There is no such domain.</exception>
    public ProtectionEntry? At(ulong address, string? domain)
    {
        ProtectionEntry? narrowest = null;
        Search(Entries);
        if (domain is not null)
            Search(DomainOf(domain).Entries);
        return narrowest;

        void Search(ImmutableArray<ProtectionEntry> entries)
        {
            foreach (var entry in entries)
            {
                if (entry.Range.Contains(new PhysAddr(address)) && (narrowest is null || entry.Range.Size <= narrowest.Range.Size))
                    narrowest = entry;
            }
        }
    }

    /// <summary>What a privilege may do at an address while a domain runs: the oracle that every plan is held against.</summary>
    /// <param name="address">Any physical address of the format.</param>
    /// <param name="privilege">Who accesses.</param>
    /// <param name="domain">Name of the domain; null for the policy alone.</param>
    /// <param name="format">Whose default map the background is, and which addresses no region governs.</param>
    public AccessRights RightsAt(ulong address, Privilege privilege, string? domain, MpuFormat format)
    {
        if (format is null)
            throw new ArgumentNullException(nameof(format));
        return AttributesAt(address, domain, format).RightsOf(privilege);
    }

    /// <summary>As <see cref="RightsAt"/>, for both privileges and with the memory type.</summary>
    public MpuAttributes AttributesAt(ulong address, string? domain, MpuFormat format)
    {
        if (format is null)
            throw new ArgumentNullException(nameof(format));
        if (format.Ungoverned.Contains(new PhysAddr(address)))
            return format.DefaultMap(address);
        if (At(address, domain) is { } entry)
            return entry.Attributes;
        return PrivilegedBackground ? format.DefaultMap(address) : MpuAttributes.Deny;
    }

    /// <summary>The domain of that name.</summary>
    /// <exception cref="ArgumentException">There is none.</exception>
    public ProtectionDomain DomainOf(string name)
    {
        foreach (var domain in Domains)
        {
            if (string.Equals(domain.Name, name, StringComparison.Ordinal))
                return domain;
        }
        throw new ArgumentException($"There is no domain {name}.", nameof(name));
    }
}
