using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Protection;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mmu;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>
/// The board's protection policy as pages can keep it: the one description that drives the regions of an MPU is laid over whatever virtual addresses a
/// physical one has.
/// </summary>
/// <remarks>
/// What no entry covers is not mapped, unless the policy leaves it to privileged code (<c>privileged-background</c>): then the layout's rules hold there, as
/// the architecture's default map does with an MPU. An entry ends where pages do; <c>allow-rounding</c> lets it grow to them over what no entry covers.
/// </remarks>
internal sealed class PagePolicy
{
    private PagePolicy(bool privilegedBackground, ImmutableArray<ProtectionEntry> entries)
    {
        PrivilegedBackground = privilegedBackground;
        Entries = entries;
    }

    public bool PrivilegedBackground { get; }

    /// <summary>Entries in whole pages, those of the domain last.</summary>
    public ImmutableArray<ProtectionEntry> Entries { get; }

    public static PagePolicy Of(ProtectionPolicy policy, string? domain, ulong page, DiagnosticBag diagnostics)
    {
        var all = domain is null ? policy.Entries : policy.Entries.AddRange(policy.DomainOf(domain).Entries);
        return new PagePolicy(policy.PrivilegedBackground, [.. all.Select(e => Rounded(e, all, page, diagnostics))]);
    }

    /// <summary>The narrowest entry at a physical address; of two equal ones that of the domain. Null where no entry is.</summary>
    public ProtectionEntry? At(ulong phys)
    {
        ProtectionEntry? narrowest = null;
        foreach (var entry in Entries)
        {
            if (entry.Range.Contains(new PhysAddr(phys)) && (narrowest is null || entry.Range.Size <= narrowest.Range.Size))
                narrowest = entry;
        }
        return narrowest;
    }

    private static ProtectionEntry Rounded(ProtectionEntry entry, ImmutableArray<ProtectionEntry> all, ulong page, DiagnosticBag diagnostics)
    {
        var start = new PhysAddr(Alignment.Down(entry.Range.Start.Value, page));
        var last = entry.Range.End.Last | (page - 1);
        var end = last == ulong.MaxValue ? AddressLimit.Top : last + 1;
        var rounded = PhysRange.FromBounds(start, end);
        if (rounded == entry.Range)
            return entry;
        if (!entry.AllowRounding)
        {
            diagnostics.Add(Rules.EntryUnaligned, entry.Span, entry.Name, entry.Range, page, rounded);
            return entry with { Range = rounded };
        }
        var grown = new[] { PhysRange.FromBounds(start, entry.Range.Start.Value), PhysRange.FromBounds(new PhysAddr(entry.Range.End.IsTop ? last : entry.Range.End.Value), end) };
        if (all.FirstOrDefault(other => !ReferenceEquals(other, entry) && other.Attributes != entry.Attributes
            && grown.Any(g => !entry.Range.End.IsTop && g.Overlaps(other.Range))) is { } taken)
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.EntriesShareAPage, entry.Span, entry.Name, entry.Range, taken.Name, taken.Range, page)
                .WithRelated("the other entry is here", taken.Span));
        }
        else
        {
            diagnostics.Add(Rules.EntryRounded, entry.Span, entry.Name, entry.Range, rounded, rounded.Size.Value - entry.Range.Size.Value);
        }
        return entry with { Range = rounded };
    }
}
