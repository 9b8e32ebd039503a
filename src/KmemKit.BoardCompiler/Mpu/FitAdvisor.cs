using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>For a policy that does not fit its unit: which entries cost most, and the cheapest change of one entry that makes it fit.</summary>
/// <remarks>
/// Advice is bounded by the tables that may be planned for it. An entry of a domain changes that domain's table alone, and what is known of the blocks of the
/// address space is kept from one try to the next as long as the policy wants the same sets of rights.
/// </remarks>
internal sealed class FitAdvisor(ProtectionPolicy policy, MpuFormat format, int available)
{
    /// <summary>Tables that are planned for each of the two answers at most.</summary>
    private const int MostTables = 400;
    private const int MostNamed = 3;

    /// <summary>Stands for the policy's own entries, which are in every table.</summary>
    private const int Everywhere = -1;

    private readonly Dictionary<MpuSpace, (ImmutableArray<MpuAttributes> Classes, TreeCache Blocks)> _blocks = [];
    private Dictionary<MpuSpace, int[]>? _counts;
    private int _tables;

    /// <summary>The entries whose removal saves most regions, with how many.</summary>
    public string Dearest(int needed)
    {
        _tables = MostTables;
        var costs = Entries().TakeWhile(_ => _tables > 0).Select(e => (e.Entry, Saves: needed - (Count(Without(e.Entry), e.Domain) ?? needed)))
            .Where(c => c.Saves > 0).OrderByDescending(c => c.Saves).Take(MostNamed)
            .Select(c => string.Format(CultureInfo.InvariantCulture, "{0} {1} costs {2}", c.Entry.NodePath, c.Entry.Range, c.Saves)).ToList();
        return costs.Count == 0 ? "no entry alone saves one" : string.Join(", ", costs);
    }

    /// <summary>The change of fewest bytes that fits.</summary>
    public string Cheapest()
    {
        _tables = MostTables;
        var changes = Entries().SelectMany(e => Changes(e.Entry).Select(c => (e.Entry, e.Domain, c.Range, c.Bytes, c.Text)))
            .OrderBy(c => c.Bytes).ThenBy(c => c.Entry.Range).ToList();
        foreach (var change in changes)
        {
            if (_tables <= 0)
                return "none of one entry's place or size among the cheapest that were tried";
            if (IsLaminar(change.Entry, change.Range, change.Domain)
                && Count(With(change.Entry, change.Entry with { Range = change.Range }), change.Domain, available) is { } count && count <= available)
                return string.Format(CultureInfo.InvariantCulture, "{0} {1} by {2} bytes, to {3}", change.Text, change.Entry.NodePath, change.Bytes, change.Range);
        }
        return "no change of one entry's place or size";
    }

    private IEnumerable<(ProtectionEntry Entry, int Domain)> Entries() =>
        policy.Entries.Select(e => (e, Everywhere)).Concat(policy.Domains.SelectMany((d, i) => d.Entries.Select(e => (e, i))));

    /// <summary>Regions of the fullest table of a changed policy; null where it cannot be planned, or only with more than a limit.</summary>
    private int? Count(ProtectionPolicy changed, int domain, int limit = int.MaxValue)
    {
        try
        {
            var most = 0;
            _counts ??= format.Spaces.ToDictionary(s => s, s => Counts(policy, s, Everywhere) ?? []);
            foreach (var space in format.Spaces)
            {
                // What the change does not touch first: nothing has to be planned to see that a table of another domain is too long.
                if (domain != Everywhere)
                    most = _counts[space].Where((_, state) => state != domain + 1).Append(most).Max();
                if (most > limit || Counts(changed, space, domain, limit) is not { } counts)
                    return null;
                most = counts.Append(most).Max();
            }
            return most;
        }
        catch (UnalignedException)
        {
            return null;
        }
    }

    /// <summary>Regions of each table that an entry of the domain is in; with all domains, no domain first.</summary>
    private int[]? Counts(ProtectionPolicy changed, MpuSpace space, int domain, int limit = int.MaxValue)
    {
        var part = domain == Everywhere ? changed : changed with { Domains = [changed.Domains[domain]] };
        var cells = new ProtectionCells(part, format, space);
        if (cells.Classes.Length > CellMap.MostClasses)
            return null;
        if (!_blocks.TryGetValue(space, out var known) || !known.Classes.SequenceEqual(cells.Classes))
            _blocks[space] = known = (cells.Classes, new TreeCache());
        // Each state of these cells has been worked out, whether its table is planned or not.
        _tables -= domain == Everywhere ? cells.States.Length : 1;
        var planner = new SpacePlanner(cells, format, known.Blocks);
        var counts = new List<int>();
        foreach (var state in cells.States)
        {
            if (domain != Everywhere && state is null)
                continue;
            if (planner.Count(state, limit) is not { } count || count > limit)
                return null;
            counts.Add(count);
        }
        return [.. counts];
    }

    private IEnumerable<(PhysRange Range, ulong Bytes, string Text)> Changes(ProtectionEntry entry)
    {
        var (start, end, limit) = (entry.Range.Start.Value, entry.Range.End.Value, format.AddressSpace.End.Value);
        var size = end - start;
        for (var unit = format.Granule; unit < limit && unit <= size * 2; unit <<= 1)
        {
            var low = start & ~(unit - 1);
            var high = (end + unit - 1) & ~(unit - 1);
            if (high <= limit && high > end)
                yield return (Range(start, high), high - end, "grow the end of");
            if (low < start)
                yield return (Range(low, end), start - low, "grow the start of");
            if (low < start && high > end && high <= limit)
                yield return (Range(low, high), start - low + high - end, "grow both ends of");
            if (low < start)
                yield return (Range(low, low + size), start - low, "move down");
            var up = low + unit;
            if (up > start && up <= limit - size)
                yield return (Range(up, up + size), up - start, "move up");
        }
    }

    private static PhysRange Range(ulong start, ulong end) => new(new PhysAddr(start), end - start);

    private ProtectionPolicy Without(ProtectionEntry entry) => policy with
    {
        Entries = policy.Entries.Remove(entry),
        Domains = [.. policy.Domains.Select(d => d with { Entries = d.Entries.Remove(entry) })],
    };

    private ProtectionPolicy With(ProtectionEntry entry, ProtectionEntry changed) => policy with
    {
        Entries = [.. policy.Entries.Select(e => ReferenceEquals(e, entry) ? changed : e)],
        Domains = [.. policy.Domains.Select(d => d with { Entries = [.. d.Entries.Select(e => ReferenceEquals(e, entry) ? changed : e)] })],
    };

    /// <summary>Whether an entry in another place would still lie in, around or beside every entry that applies together with it.</summary>
    private bool IsLaminar(ProtectionEntry entry, PhysRange range, int domain)
    {
        if (!IsLaminar(entry, range, policy.Entries))
            return false;
        for (var i = 0; i < policy.Domains.Length; i++)
        {
            if ((domain == Everywhere || domain == i) && !IsLaminar(entry, range, policy.Domains[i].Entries))
                return false;
        }
        return true;
    }

    private static bool IsLaminar(ProtectionEntry entry, PhysRange range, ImmutableArray<ProtectionEntry> others)
    {
        foreach (var other in others)
        {
            if (!ReferenceEquals(other, entry) && other.Range.Overlaps(range) && !other.Range.Contains(range) && !range.Contains(other.Range))
                return false;
        }
        return true;
    }
}
