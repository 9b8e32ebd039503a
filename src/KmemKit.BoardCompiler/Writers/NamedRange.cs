using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>An address range of a board under the name that the board gives it; each writer spells the name as its language allows.</summary>
/// <param name="Name">A label, or the node's name where there is none; not unique and not yet an identifier.</param>
/// <param name="Range">Physical addresses.</param>
/// <param name="NodePath">The node; empty for <c>/memreserve/</c>.</param>
/// <param name="Span">What in the source says so.</param>
internal sealed record NamedRange(string Name, PhysRange Range, string NodePath, SourceSpan Span)
{
    /// <summary>The most specific <c>compatible</c>; empty where there is none.</summary>
    public string Compatible { get; init; } = "";

    /// <summary>Whether the tree leaves it enabled.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>The device it is a range of; null for reserved memory.</summary>
    public BoardDevice? Device { get; init; }

    /// <summary>The reserved region it is; null for a device.</summary>
    public ReservedRegion? Region { get; init; }

    /// <summary>Reserved memory in the board's order. Regions that share a name have their addresses behind it, which tell them apart better than a running number.</summary>
    public static ImmutableArray<NamedRange> Reserved(MemoryLayout layout)
    {
        var names = layout.Reserved.Select(r => r.Region.Labels.Length > 0 ? r.Region.Labels[0] : r.Region.Name).ToList();
        var shared = new HashSet<string>(names.GroupBy(n => n, System.StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key), System.StringComparer.Ordinal);
        return
        [
            .. layout.Reserved.Select((placed, i) => new NamedRange(
                shared.Contains(names[i]) ? names[i] + "_" + placed.Range.Start.Value.ToString("x", CultureInfo.InvariantCulture) : names[i],
                placed.Range, placed.Region.NodePath, placed.Region.Span) { Region = placed.Region }),
        ];
    }

    /// <summary>Ranges of devices by label: a device's first range has the label's name, a further one the label and its own name (<c>reg-names</c>) or number.</summary>
    public static IEnumerable<NamedRange> LabelledDevices(Board board) => board.Devices.SelectMany(device => device.Labels.SelectMany(label => Of(device, label)));

    /// <summary>Every range of every device once, under its first label, else the name of its node with the unit address.</summary>
    public static IEnumerable<NamedRange> Devices(Board board) => board.Devices.SelectMany(device => Of(
        device, device.Labels.Length > 0 ? device.Labels[0] : device.NodePath.Substring(device.NodePath.LastIndexOf('/') + 1)));

    private static IEnumerable<NamedRange> Of(BoardDevice device, string name)
    {
        for (var i = 0; i < device.Ranges.Length; i++)
        {
            var range = device.Ranges[i];
            var own = range.Name is { Length: > 0 } given ? given : i.ToString(CultureInfo.InvariantCulture);
            yield return new NamedRange(i == 0 ? name : name + "_" + own, range.Range, device.NodePath, range.Span)
            {
                Compatible = device.Compatible.Length > 0 ? device.Compatible[0] : "",
                Enabled = device.Enabled,
                Device = device,
            };
        }
    }
}
