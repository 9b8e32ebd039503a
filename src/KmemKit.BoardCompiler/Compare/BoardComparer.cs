using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Writers;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>Compares two definitions of a board the way a reviewer reads them: not line by line, but what is where, and who may do what.</summary>
public static class BoardComparer
{
    private static readonly string[] Order = ["layout", "lowmem", "highmem", "bank", "hole", "reserved", "device", "virtual", "protection"];

    /// <summary>All differences.</summary>
    /// <param name="before">The old definition: a board without errors.</param>
    /// <param name="after">The new one.</param>
    /// <exception cref="ArgumentException">One of the two has no board.</exception>
    public static BoardDifference Compare(BoardCompilation before, BoardCompilation after)
    {
        if (before?.Board is null)
            throw new ArgumentException("There is no board.", nameof(before));
        if (after?.Board is null)
            throw new ArgumentException("There is no board.", nameof(after));
        var changes = new List<BoardChange>();
        AddItems(changes, before, after);
        if (before.Layout is { } old && after.Layout is { } now)
            changes.AddRange(LayoutComparer.Compare(old, now));
        changes.AddRange(ProtectionComparer.Compare(before.Board, after.Board));
        return new BoardDifference(before.Name, after.Name,
            [.. changes.OrderBy(c => c.IsWidening ? 0 : c.Kind == ChangeKind.Overlaps ? 1 : 2).ThenBy(c => Array.IndexOf(Order, c.What))]);
    }

    /// <summary>What a range that is another one now has done.</summary>
    internal static ChangeKind KindOf(AddressRange old, AddressRange now) =>
        old.Start != now.Start ? ChangeKind.Moved : now.Size > old.Size ? ChangeKind.Grown : ChangeKind.Shrunk;

    /// <summary>Both sizes, where they differ.</summary>
    internal static string Growth(AddressLimit old, AddressLimit now) => old == now ? "" : $"{SizeText.Of(old)} to {SizeText.Of(now)}";

    private static void AddItems(List<BoardChange> changes, BoardCompilation before, BoardCompilation after)
    {
        var news = ComparedItem.Of(after);
        var (pairs, removed, added) = ItemMatcher.Match(ComparedItem.Of(before), news);
        foreach (var (old, now) in pairs)
            AddPair(changes, old, now);
        foreach (var item in removed)
        {
            // What was out of the kernel's reach is plain memory now.
            var isOpened = item.NoMap && after.Layout is { } layout && layout.Banks.Any(b => b.Range.Overlaps(item.Range));
            changes.Add(new BoardChange(isOpened ? ChangeKind.Widened : ChangeKind.Removed, item.What, item.Name, item.Side, null,
                isOpened ? "no-map region removed: the kernel maps the memory now" : item.Properties));
        }
        foreach (var item in added)
            changes.Add(new BoardChange(ChangeKind.Added, item.What, item.Name, null, item.Side, item.Properties));
        changes.AddRange(OverlapComparer.Find(news, pairs.ToDictionary(p => p.New, p => p.Old)));
    }

    private static void AddPair(List<BoardChange> changes, ComparedItem old, ComparedItem now)
    {
        if (old.Range != now.Range)
            changes.Add(new BoardChange(KindOf(old.Side.Range!.Value, now.Side.Range!.Value), now.What, now.Name, old.Side, now.Side, Growth(old.Range.Size, now.Range.Size)));
        if (old.NoMap && !now.NoMap)
            changes.Add(new BoardChange(ChangeKind.Widened, now.What, now.Name, old.Side, now.Side, "no-map removed: the kernel maps the memory now"));
        else if (old.Properties != now.Properties)
            changes.Add(new BoardChange(ChangeKind.Changed, now.What, now.Name, old.Side, now.Side, $"{Or(old.Properties)} to {Or(now.Properties)}"));
        // The very same addresses under another name: only then do the names differ, unless a label was given or taken.
        if (old.Name != now.Name && old.Range == now.Range)
            changes.Add(new BoardChange(ChangeKind.Changed, now.What, now.Name, old.Side, now.Side, $"was called {old.Name}"));
    }

    private static string Or(string properties) => properties.Length > 0 ? properties : "none";
}
