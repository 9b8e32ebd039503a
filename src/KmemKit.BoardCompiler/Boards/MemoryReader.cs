using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// Reads RAM: nodes with <c>device_type = "memory"</c>, and nodes of the root named <c>memory</c> or <c>memory@…</c> (Devicetree Specification 0.4,
/// section 3.4; drivers/of/fdt.c, early_init_dt_scan_memory).
/// </summary>
/// <remarks>
/// <c>linux,usable-memory</c> replaces <c>reg</c>, as a crash kernel is told its part. A disabled node and an entry of size 0 do not count and are
/// a note each. Banks stay in the order of the tree; touching banks stay two, overlapping ones are an error.
/// </remarks>
internal sealed class MemoryReader(BusMap buses, DiagnosticBag diagnostics)
{
    private readonly ImmutableArray<MemoryBank>.Builder _banks = ImmutableArray.CreateBuilder<MemoryBank>();

    public static bool IsMemory(DeviceTreeNode node) =>
        node.Parent is not null
        && (node.Property("device_type").ReadString() == "memory" || (node.Parent.Parent is null && node.BaseName == "memory"));

    public ImmutableArray<MemoryBank> Read(DeviceTreeNode root)
    {
        foreach (var node in root.DescendantsAndSelf())
        {
            if (IsMemory(node))
                ReadNode(node);
        }
        Overlaps.Find(_banks, bank => bank.Range, (first, second) => diagnostics.Add(KmemDiagnostic
            .Create(Rules.BanksOverlap, second.Span, second.NodePath, second.Range, first.NodePath, first.Range, Place(first.Span),
                first.Range.Intersect(second.Range))
            .WithRelated("the other bank is here", first.Span)));
        return _banks.ToImmutable();
    }

    private void ReadNode(DeviceTreeNode node)
    {
        if (!node.IsEnabled())
        {
            diagnostics.Add(Rules.NodeDisabled, node.Property("status")!.Span, node.Path, "its memory");
            return;
        }
        if ((node.Property("linux,usable-memory") ?? node.Property("reg")) is not { } property)
        {
            diagnostics.Add(Rules.MemoryWithoutReg, node.Span, node.Path);
            return;
        }
        var format = buses.FormatOf(node.Parent!);
        if (format.SizeCells == 0)
        {
            diagnostics.Add(Rules.MemoryWithoutSize, property.Span, node.Path, node.Parent!.Path);
            return;
        }
        foreach (var entry in RegEntry.ReadAll(node, property, format, diagnostics))
        {
            if (entry.Size is { } size && size == 0)
                diagnostics.Add(Rules.SizeZero, entry.Span, property.Name, node.Path, entry.AddressText);
            else if (RangeOf(node, property, entry) is { } range)
                _banks.Add(Describe(node, range, entry.Span));
        }
    }

    private PhysRange? RangeOf(DeviceTreeNode node, DeviceTreeProperty property, RegEntry entry)
    {
        var translation = buses.ToRoot(node.Parent!, entry.Address, entry.Size ?? AddressLimit.Top);
        if (translation.Route == BusRoute.NoRoute || (translation.Route == BusRoute.NotCovered && entry.Address.FitsIn64Bits))
        {
            diagnostics.Add(Rules.MemoryNotReachable, entry.Span, node.Path, entry.AddressText, translation.Bus?.Path);
            return null;
        }
        if (translation.Route == BusRoute.Reached && RegEntry.RangeOf(translation.Start, entry.Size) is { } range)
            return range;
        diagnostics.Add(Rules.RangeBeyond64Bits, entry.Span, property.Name, node.Path, $"the entry at {entry.AddressText} ends beyond 2^64");
        return null;
    }

    private MemoryBank Describe(DeviceTreeNode node, PhysRange range, SourceSpan span) => new(range, node.Path, span)
    {
        NumaNode = NumaNode(node),
        Hotpluggable = node.Property("hotpluggable") is not null,
        Labels = node.Labels,
        Attribute = AttributeOf(node),
    };

    private int NumaNode(DeviceTreeNode node)
    {
        if (node.Property("numa-node-id") is not { } property)
            return 0;
        if (property.TryReadU32(out var id) && id <= int.MaxValue)
            return (int)id;
        diagnostics.Add(Rules.NotOneCell, property.Span, property.Name, node.Path, "0 is used");
        return 0;
    }

    /// <summary>How the node's memory behaves, by the property's name of today or of the past.</summary>
    public static MemoryAttribute? AttributeOf(DeviceTreeNode node)
    {
        if ((node.Property("zephyr,memory-attr") ?? node.Property("memory-attr")) is not { } property)
            return null;
        return property.TryReadU32(out var bits)
            ? new MemoryAttribute(bits, null, property.SpanAt(0))
            : new MemoryAttribute(null, property.ReadString() ?? "", property.SpanAt(0));
    }

    /// <summary>A place for the middle of a sentence; a blob that was made in memory has none.</summary>
    public static string Place(SourceSpan span) => span.IsKnown ? span.ToString() : "no known place";
}
