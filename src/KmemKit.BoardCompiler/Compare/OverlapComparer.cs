using System;
using System.Collections.Generic;
using System.Linq;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>Finds things of the new definition that share addresses and did not in the old one.</summary>
internal static class OverlapComparer
{
    /// <summary>The new overlaps, by rising address.</summary>
    /// <param name="after">Things of the new definition.</param>
    /// <param name="oldOf">The old counterpart of each that has one.</param>
    public static IEnumerable<BoardChange> Find(List<ComparedItem> after, IReadOnlyDictionary<ComparedItem, ComparedItem> oldOf)
    {
        var open = new List<ComparedItem>();
        foreach (var item in after.Where(i => i.Enabled && !i.Range.IsEmpty).OrderBy(i => i.Range))
        {
            open.RemoveAll(o => o.Range.End <= item.Range.Start.Value);
            foreach (var other in open.Where(o => Counts(o, item)))
            {
                var oldOther = oldOf.TryGetValue(other, out var x) ? x : null;
                var oldItem = oldOf.TryGetValue(item, out var y) ? y : null;
                if (oldOther is { Enabled: true } && oldItem is { Enabled: true } && oldOther.Range.Overlaps(oldItem.Range))
                    continue;
                var shared = other.Range.Intersect(item.Range);
                yield return new BoardChange(ChangeKind.Overlaps, item.What, item.Name, oldItem?.Side, item.Side,
                    $"shares {shared.Start}-{shared.End} with {other.What} {other.Name} {Place(other)}".TrimEnd());
            }
            open.Add(item);
        }
    }

    private static string Place(ComparedItem item) => item.Span.IsKnown ? $"({item.Span})" : "";

    // Reserved memory and holes lie in banks by nature, and a device's ranges or those of its children in one another.
    private static bool Counts(ComparedItem a, ComparedItem b)
    {
        if (a.What is "bank" or "hole" && b.What is "reserved" or "hole" or "bank" || b.What is "bank" or "hole" && a.What is "reserved")
            return a.What == "bank" && b.What == "bank";
        return !IsWithin(a.Node, b.Node) && !IsWithin(b.Node, a.Node);
    }

    private static bool IsWithin(string inner, string outer) => inner == outer || inner.StartsWith(outer + "/", StringComparison.Ordinal);
}
