using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>For a policy that does not fit its unit: which entries cost most, and the cheapest change of one entry that makes it fit.</summary>
internal sealed class FitAdvisor(ProtectionPolicy policy, MpuFormat format, int available)
{
    /// <summary>Plans that are tried at most.</summary>
    private const int MostTries = 120;
    private const int MostNamed = 3;

    /// <summary>The entries whose removal saves most regions, with how many.</summary>
    public string Dearest(int needed)
    {
        var costs = Entries().Select(e => (Entry: e, Saves: needed - (Count(Without(e)) ?? needed)))
            .Where(c => c.Saves > 0).OrderByDescending(c => c.Saves).Take(MostNamed)
            .Select(c => string.Format(CultureInfo.InvariantCulture, "{0} {1} costs {2}", c.Entry.NodePath, c.Entry.Range, c.Saves)).ToList();
        return costs.Count == 0 ? "no entry alone saves one" : string.Join(", ", costs);
    }

    /// <summary>The change of fewest bytes that fits.</summary>
    public string Cheapest()
    {
        var changes = Entries().SelectMany(e => Changes(e).Select(c => (Entry: e, c.Range, c.Bytes, c.Text)))
            .OrderBy(c => c.Bytes).ThenBy(c => c.Entry.Range).Take(MostTries);
        foreach (var change in changes)
        {
            var changed = With(change.Entry, change.Entry with { Range = change.Range });
            if (IsLaminar(changed) && Count(changed) is { } count && count <= available)
                return string.Format(CultureInfo.InvariantCulture, "{0} {1} by {2} bytes, to {3}", change.Text, change.Entry.NodePath, change.Bytes, change.Range);
        }
        return "no change of one entry's place or size";
    }

    private IEnumerable<ProtectionEntry> Entries() => policy.Entries.Concat(policy.Domains.SelectMany(d => d.Entries));

    private int? Count(ProtectionPolicy changed)
    {
        try
        {
            var most = 0;
            foreach (var space in format.Spaces)
            {
                var cells = new ProtectionCells(changed, format, space);
                if (cells.Classes.Length > CellMap.MostClasses || new SpacePlanner(cells, format).Count() is not { } count)
                    return null;
                most = Math.Max(most, count);
            }
            return most;
        }
        catch (UnalignedException)
        {
            return null;
        }
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

    private static bool IsLaminar(ProtectionPolicy changed)
    {
        foreach (var domain in changed.Domains.Select(d => d.Entries).DefaultIfEmpty([]))
        {
            var all = changed.Entries.Concat(domain).ToList();
            for (var i = 0; i < all.Count; i++)
            {
                for (var j = 0; j < i; j++)
                {
                    var (a, b) = (all[i].Range, all[j].Range);
                    if (a.Overlaps(b) && !a.Contains(b) && !b.Contains(a))
                        return false;
                }
            }
        }
        return true;
    }
}
