using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Protection;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>Compares what two protection policies grant, address by address: not how they are written.</summary>
/// <remarks>
/// The borders of all entries of both cut the address space into cells that each policy decides about as a whole; where a background stands behind
/// the entries, its own borders, which lie at multiples of 512 MiB and around the private peripheral bus, cut it too. Neighbouring cells with one
/// answer are one change. A domain that only one side has is compared with the other side's policy outside of domains.
/// </remarks>
internal static class ProtectionComparer
{
    public static IEnumerable<BoardChange> Compare(Board before, Board after)
    {
        if (before.Protection is null && after.Protection is null)
            return [];
        if (before.Protection is null)
            return [new BoardChange(ChangeKind.Narrowed, "protection", "policy", null, new ChangeSide(null, after.Protection!.Span), "there was none: everything was permitted")];
        if (after.Protection is null)
            return [new BoardChange(ChangeKind.Widened, "protection", "policy", new ChangeSide(null, before.Protection.Span), null, "there is none any more: everything is permitted")];
        return CompareCells(before, after);
    }

    private static IEnumerable<BoardChange> CompareCells(Board before, Board after)
    {
        var (old, now) = (before.Protection!, after.Protection!);
        var borders = Borders(before, after);
        var domains = new string?[] { null }.Concat(old.Domains.Concat(now.Domains).Select(d => d.Name).Distinct(StringComparer.Ordinal));
        foreach (var domain in domains)
        {
            var oldDomain = old.Domains.Any(d => d.Name == domain) ? domain : null;
            var newDomain = now.Domains.Any(d => d.Name == domain) ? domain : null;
            foreach (var privilege in (Privilege[])[Privilege.Privileged, Privilege.User])
            {
                Run? run = null;
                for (var i = 0; i + 1 < borders.Count; i++)
                {
                    var address = borders[i].Value;
                    var cell = new Run(
                        address, borders[i + 1],
                        Rights(before, address, privilege, oldDomain), Rights(after, address, privilege, newDomain),
                        old.At(address, oldDomain)?.Span ?? old.Span, now.At(address, newDomain)?.Span ?? now.Span, now.At(address, newDomain)?.Name ?? old.At(address, oldDomain)?.Name ?? "background");
                    if (run is { } open && open.End == cell.Start && open.HasAnswerOf(cell))
                    {
                        run = open with { End = cell.End };
                        continue;
                    }
                    foreach (var change in Changes(run, privilege, domain))
                        yield return change;
                    run = cell;
                }
                foreach (var change in Changes(run, privilege, domain))
                    yield return change;
            }
        }
    }

    private static IEnumerable<BoardChange> Changes(Run? run, Privilege privilege, string? domain)
    {
        if (run is not { } cell || cell.Old == cell.New)
            yield break;
        var range = new AddressRange(cell.Start, cell.End);
        var who = (privilege == Privilege.Privileged ? "privileged" : "user") + (domain is null ? "" : $" in domain {domain}");
        var text = $"{who} \"{cell.Old.ToText()}\" to \"{cell.New.ToText()}\"";
        // Rights that change both ways widen: what is lost does not make up for what is won.
        var kind = (cell.New & ~cell.Old) != 0 ? ChangeKind.Widened : ChangeKind.Narrowed;
        yield return new BoardChange(kind, "protection", cell.Name, new ChangeSide(range, cell.OldSpan), new ChangeSide(range, cell.NewSpan), text);
    }

    private static AccessRights Rights(Board board, ulong address, Privilege privilege, string? domain)
    {
        var policy = board.Protection!;
        if (board.Mpu is { } mpu)
            return policy.RightsAt(address, privilege, domain, mpu.Format);
        return policy.At(address, domain)?.Attributes.RightsOf(privilege) ?? AccessRights.None;
    }

    private static List<AddressLimit> Borders(Board before, Board after)
    {
        var borders = new HashSet<AddressLimit> { 0 };
        foreach (var board in (Board[])[before, after])
        {
            foreach (var range in board.Protection!.Entries.Concat(board.Protection.Domains.SelectMany(d => d.Entries)).Select(e => e.Range).Where(r => !r.IsEmpty))
                borders.UnionWith([range.Start.Value, range.End]);
            if (board.Mpu?.Format.Ungoverned is { IsEmpty: false } fixedRange)
                borders.UnionWith([fixedRange.Start.Value, fixedRange.End]);
            if (board.Protection.PrivilegedBackground)
                borders.UnionWith(Enumerable.Range(0, 9).Select(i => AddressLimit.FromUInt64((ulong)i << 29)));
        }
        borders.Add(AddressWidthOf(before, after));
        return [.. borders.OrderBy(b => b)];
    }

    // Where no entry goes, no more is looked at than the addresses there are.
    private static AddressLimit AddressWidthOf(Board before, Board after) =>
        Is64(before) || Is64(after) ? AddressLimit.Top : AddressLimit.FromUInt64(1UL << 32);

    private static bool Is64(Board board) =>
        board.Architecture is Policies.TargetArchitecture.Arm64 or Policies.TargetArchitecture.X64 or Policies.TargetArchitecture.RiscV64 or Policies.TargetArchitecture.Unknown;

    private readonly record struct Run(ulong Start, AddressLimit End, AccessRights Old, AccessRights New, SourceSpan OldSpan, SourceSpan NewSpan, string Name)
    {
        public bool HasAnswerOf(Run other) => Old == other.Old && New == other.New && OldSpan.Equals(other.OldSpan) && NewSpan.Equals(other.NewSpan);
    }
}
