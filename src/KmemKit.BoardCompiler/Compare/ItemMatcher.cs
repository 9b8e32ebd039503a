using System;
using System.Collections.Generic;
using System.Linq;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>Finds which thing of the old definition is which of the new one.</summary>
/// <remarks>
/// What a thing is called decides, in this order: a label both have; the path of the node; the node's name without its unit address, which a moved node
/// changes, where only one on each side is left that has it; and at last the very same addresses under another name. Each thing is matched once.
/// </remarks>
internal static class ItemMatcher
{
    /// <summary>The pairs, and what is left over on each side.</summary>
    public static (List<(ComparedItem Old, ComparedItem New)> Pairs, List<ComparedItem> Removed, List<ComparedItem> Added) Match(
        IEnumerable<ComparedItem> before, IEnumerable<ComparedItem> after)
    {
        var olds = before.ToList();
        var news = after.ToList();
        var pairs = new List<(ComparedItem, ComparedItem)>();
        foreach (var keysOf in (Func<ComparedItem, IEnumerable<string>>[])
        [
            item => item.Labels.Select(label => $"{item.What} {label} {item.Index}"),
            item => [$"{item.What} {item.Node} {item.Index}"],
            item => [$"{item.What} {WithoutAddress(item.Node)} {item.Index}"],
            item => [$"{item.What} {item.Range}"],
        ])
        {
            var candidates = Unique(news, keysOf);
            foreach (var (key, old) in Unique(olds, keysOf).OrderBy(k => k.Value.Order).Select(k => (k.Key, k.Value.Item)))
            {
                if (!candidates.TryGetValue(key, out var match) || !olds.Contains(old) || !news.Contains(match.Item))
                    continue;
                pairs.Add((old, match.Item));
                olds.Remove(old);
                news.Remove(match.Item);
            }
        }
        return (pairs, olds, news);
    }

    // A key that several things have says nothing.
    private static Dictionary<string, (ComparedItem Item, int Order)> Unique(List<ComparedItem> items, Func<ComparedItem, IEnumerable<string>> keysOf) =>
        items.SelectMany((item, order) => keysOf(item).Distinct().Select(key => (Key: key, Item: item, Order: order)))
            .GroupBy(k => k.Key, StringComparer.Ordinal).Where(g => g.Count() == 1)
            .ToDictionary(g => g.Key, g => (g.First().Item, g.First().Order), StringComparer.Ordinal);

    private static string WithoutAddress(string path) => string.Join("/", path.Split('/').Select(part => part.Split('@')[0]));
}
