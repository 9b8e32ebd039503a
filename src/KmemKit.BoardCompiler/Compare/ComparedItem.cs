using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Compare;

/// <summary>A thing with addresses that one definition has: a bank, a hole, a reserved region, a range of a device.</summary>
/// <param name="What">The word for its kind.</param>
/// <param name="Name">Its label, else its node's name.</param>
/// <param name="Node">Path of its node.</param>
/// <param name="Index">Which of the node's ranges it is.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="Span">What in the source says so.</param>
internal sealed record ComparedItem(string What, string Name, string Node, int Index, PhysRange Range, SourceSpan Span)
{
    /// <summary>Labels of the node.</summary>
    public ImmutableArray<string> Labels { get; init; } = [];

    /// <summary>What else a reader is told of it where it differs.</summary>
    public string Properties { get; init; } = "";

    /// <summary>Whether the kernel must not map it.</summary>
    public bool NoMap { get; init; }

    /// <summary>Whether it counts; a disabled device overlaps nothing.</summary>
    public bool Enabled { get; init; } = true;

    // A thing is equal to itself alone: two may have one name and one range.
    public bool Equals(ComparedItem? other) => ReferenceEquals(this, other);

    public override int GetHashCode() => System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this);

    public ChangeSide Side => new(new AddressRange(Range.Start.Value, Range.End), Span);

    /// <summary>All things of a board, by kind, in the order of the tree.</summary>
    public static List<ComparedItem> Of(BoardCompilation compilation)
    {
        var items = new List<ComparedItem>();
        var board = compilation.Board!;
        items.AddRange(board.Banks.GroupBy(b => b.NodePath).SelectMany(node => node.Select((bank, i) => new ComparedItem(
            "bank", NameOf(bank.Labels, bank.NodePath, i), bank.NodePath, i, bank.Range, bank.Span) { Labels = bank.Labels })));
        items.AddRange(board.Holes.GroupBy(h => h.NodePath).SelectMany(node => node.Select((hole, i) => new ComparedItem(
            "hole", NameOf([], hole.NodePath, i), hole.NodePath, i, hole.Range, hole.Span))));
        items.AddRange(Reserved(compilation));
        items.AddRange(board.Devices.SelectMany(device => device.Ranges.Select((range, i) => new ComparedItem(
            "device", NameOf(device.Labels, device.NodePath, i, range.Name), device.NodePath, i, range.Range, range.Span)
            { Labels = device.Labels, Enabled = device.Enabled, Properties = device.Enabled ? "" : "disabled" })));
        return items;
    }

    // With a layout, regions that have no address of their own have found their place.
    private static IEnumerable<ComparedItem> Reserved(BoardCompilation compilation)
    {
        var placed = compilation.Layout?.Reserved ?? [.. compilation.Board!.Reserved.Where(r => r.Range is not null).Select(r => new PlacedRegion(r, r.Range!.Value))];
        var number = 0;
        foreach (var (region, range) in placed)
        {
            // Entries of /memreserve/ have no node; their number stands for it.
            var node = region.NodePath.Length > 0 ? region.NodePath : "/memreserve/ " + (number++).ToString(CultureInfo.InvariantCulture);
            var flags = new[] { region.NoMap ? "no-map" : "", region.Reusable ? "reusable" : "" }.Where(f => f.Length > 0);
            yield return new ComparedItem("reserved", region.Labels.Length > 0 ? region.Labels[0] : region.Name, node, region.Index, range, region.Span)
            {
                Labels = region.Labels, NoMap = region.NoMap, Properties = string.Join(", ", flags),
            };
        }
    }

    private static string NameOf(ImmutableArray<string> labels, string path, int index, string? range = null)
    {
        var name = labels.Length > 0 ? labels[0] : path.Substring(path.LastIndexOf('/') + 1);
        return index == 0 ? name : name + "[" + (range is { Length: > 0 } ? range : index.ToString(CultureInfo.InvariantCulture)) + "]";
    }
}
