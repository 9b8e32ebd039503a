using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.BoardCompiler.Tables;

/// <summary>A stretch of input addresses with one offset to output addresses and one set of attributes; both ends belong to it.</summary>
internal readonly record struct Segment(ulong First, ulong Last, ulong Phys, AttributeSet Set);

/// <summary>A table while the tree is made.</summary>
internal sealed class DraftTable(int tree, int level, ulong virt, int bytes)
{
    public int Tree => tree;

    public int Level => level;

    public ulong Virt => virt;

    public int Bytes => bytes;

    public List<EntryRun> Runs { get; } = [];

    public TableAttributes Above { get; set; }
}

/// <summary>Chooses the entries of one tree: the fewest tables, and in them the fewest and the longest leaves.</summary>
/// <remarks>
/// <para>
/// Input and output addresses are given, so an entry decides alone: where one leaf can map all that it spans, the leaf takes no table and one entry, a table
/// below it takes at least one and as many entries as the leaf has pieces; where none can, and something is to be mapped, there has to be a table.
/// So the choice from the root down is the least in bytes, and among those in entries. Leaves of several entries (contiguous hint, large page,
/// supersection, NAPOT) take no more of either and make longer TLB entries: the longest that fits is taken at each place.
/// </para>
/// <para>Where tables are wanted for later (<paramref name="forced"/>), no leaf stands in their way above the last level.</para>
/// <para>Entries come in runs, so that the work is proportional to what differs and not to pages.</para>
/// </remarks>
/// <param name="format">The format.</param>
/// <param name="tree">Number of the tree.</param>
/// <param name="segments">By rising address, disjoint, whole pages.</param>
/// <param name="forced">By rising address, disjoint; not empty.</param>
/// <param name="tables">Gets the tables.</param>
internal sealed class TreeBuilder(
    ITranslationFormat format, int tree, IReadOnlyList<Segment> segments, IReadOnlyList<VirtRange> forced, List<DraftTable> tables)
{
    /// <summary>Builds the tree.</summary>
    /// <returns>Number of the root.</returns>
    public int Build()
    {
        var ranges = format.InputRanges;
        var level = format.RootLevel;
        var root = Add(level, ranges[0].Start.Value);
        foreach (var range in ranges)
            Fill(root, level, range.Start.Value, range.End.Last, format.Index(range.Start.Value, level));
        return root;
    }

    private int Add(int level, ulong virt)
    {
        tables.Add(new DraftTable(tree, level, virt, format.TableBytes(level)));
        return tables.Count - 1;
    }

    private void Fill(int table, int level, ulong first, ulong last, int firstIndex)
    {
        var shift = format.LevelShift(level);
        var span = (1UL << shift) - 1;
        var at = first;
        var segment = FirstSegment(at);
        var wanted = FirstForced(at);
        while (true)
        {
            while (segment < segments.Count && segments[segment].Last < at)
                segment++;
            while (wanted < forced.Count && forced[wanted].End.Last < at)
                wanted++;
            var next = ulong.MaxValue;
            var any = false;
            if (segment < segments.Count && segments[segment].First <= last)
                (next, any) = (Math.Max(at, segments[segment].First), true);
            if (wanted < forced.Count && forced[wanted].Start.Value <= last)
                (next, any) = (Math.Min(next, Math.Max(at, forced[wanted].Start.Value)), true);
            if (!any)
                return;
            // The entry that the next address is in, and the last address up to which leaves may go.
            at = first + ((next - first) & ~span);
            var index = firstIndex + (int)((at - first) >> shift);
            var free = wanted < forced.Count && level != format.LastLevel ? BeforeForced(at, last, wanted) : last;
            ulong end;
            if (segment < segments.Count && free is { } limit && Leaves(level, segments[segment], at, Math.Min(limit, segments[segment].Last), index) is { } run)
            {
                tables[table].Runs.Add(run);
                end = at + (((ulong)run.Count << shift) - 1);
            }
            else if (level == format.LastLevel)
            {
                // Only where tables are wanted and nothing is mapped.
                end = at + span;
            }
            else
            {
                var below = format.NextLevel(level);
                var child = Add(below, at);
                tables[table].Runs.Add(new EntryRun(index, 1, child, default, -1, 0));
                end = at + span;
                Fill(child, below, at, end, 0);
            }
            if (end >= last)
                return;
            at = end + 1;
        }
    }

    /// <summary>The longest leaves of this level at an address, as many as continue it; null where none fits.</summary>
    private static EntryRun? Leaves(int level, in Segment segment, ulong at, ulong end, int index)
    {
        if (at < segment.First || at > end)
            return null;
        var length = end - at;
        var phys = segment.Phys + (at - segment.First);
        var longest = ulong.MaxValue;
        foreach (var shape in segment.Set.Shapes)
        {
            if (shape.Level != level)
                continue;
            var mask = shape.Bytes - 1;
            if (((at | phys) & mask) != 0)
            {
                // Shorter ones go up to where this one fits, if it ever does.
                if (((at ^ phys) & mask) == 0 && shape.Bytes - (at & mask) <= length && length - (shape.Bytes - (at & mask)) >= mask)
                    longest = Math.Min(longest, shape.Bytes - (at & mask) - 1);
                continue;
            }
            if (length < mask)
                continue;
            // Bytes minus one over bytes: the whole space would not be a number.
            var leaves = (Math.Min(length, longest) - mask) / shape.Bytes + 1;
            return new EntryRun(index, (int)leaves * shape.Count, -1, shape, segment.Set.Number, phys);
        }
        return null;
    }

    /// <summary>The last address of whole entries before the next wanted table; null where the entry itself is wanted.</summary>
    private ulong? BeforeForced(ulong at, ulong last, int wanted)
    {
        var start = forced[wanted].Start.Value;
        if (start > last)
            return last;
        return start <= at ? null : start - 1;
    }

    private int FirstSegment(ulong at)
    {
        var (low, high) = (0, segments.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (segments[middle].Last < at)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private int FirstForced(ulong at)
    {
        var index = 0;
        while (index < forced.Count && forced[index].End.Last < at)
            index++;
        return index;
    }
}
