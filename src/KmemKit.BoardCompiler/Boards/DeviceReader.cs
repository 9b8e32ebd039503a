using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Protection;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// Reads devices: nodes whose <c>reg</c> the CPU can reach through the <c>ranges</c> of every bus above. What hangs on a bus without
/// <c>ranges</c> (I2C, SPI, partitions of a flash) has no CPU address, and none of the nodes there is a device of the board's map.
/// </summary>
internal sealed class DeviceReader(BusMap buses, DiagnosticBag diagnostics)
{
    private readonly ImmutableArray<BoardDevice>.Builder _devices = ImmutableArray.CreateBuilder<BoardDevice>();
    private readonly ImmutableArray<BoardBus>.Builder _buses = ImmutableArray.CreateBuilder<BoardBus>();

    public (ImmutableArray<BoardDevice> Devices, ImmutableArray<BoardBus> Buses) Read(DeviceTreeNode root)
    {
        // Depth first in the order of the tree; a stack of our own, because a tree may be deeper than the thread's.
        var open = new Stack<(DeviceTreeNode Node, bool Enabled, bool Reachable)>();
        Open(root, true, true);
        while (open.Count > 0)
        {
            var (node, parentEnabled, reachable) = open.Pop();
            var enabled = parentEnabled && node.IsEnabled();
            if (MemoryReader.IsMemory(node) || (node.Parent!.Parent is null && node.Name is "cpus" or "reserved-memory")
                || ProtectionNode.Is(node))
                continue;
            if (reachable && node.Property("reg") is { } reg)
                ReadDevice(node, reg, enabled);
            if (buses.Describe(node) is { } bus)
                _buses.Add(bus);
            Open(node, enabled, reachable && buses.PassesAddresses(node));
        }
        return (_devices.ToImmutable(), _buses.ToImmutable());

        void Open(DeviceTreeNode node, bool enabled, bool reachable)
        {
            for (var i = node.Children.Count - 1; i >= 0; i--)
                open.Push((node.Children[i], enabled, reachable));
        }
    }

    private void ReadDevice(DeviceTreeNode node, DeviceTreeProperty reg, bool enabled)
    {
        var format = buses.FormatOf(node.Parent!);
        // Where sizes have no cells, reg is a number (a CPU, a channel) and no range.
        if (format.SizeCells == 0)
            return;
        var names = node.Property("reg-names").ReadStrings();
        var ranges = ImmutableArray.CreateBuilder<DeviceRange>();
        var entries = RegEntry.ReadAll(node, reg, format, diagnostics);
        if (entries.Count > 0 && !names.IsEmpty && names.Length != entries.Count)
            diagnostics.Add(Rules.RegNamesCount, node.Property("reg-names")!.Span, node.Path, names.Length, entries.Count);
        foreach (var entry in entries)
        {
            if (RangeOf(node, entry) is { } range)
                ranges.Add(new DeviceRange(entry.Index < names.Length ? names[entry.Index] : null, range, entry.Span));
        }
        var compatible = node.Property("compatible").ReadStrings();
        _devices.Add(new BoardDevice(node.Path, ranges.ToImmutable(), node.Span)
        {
            Labels = node.Labels,
            Compatible = compatible,
            Enabled = enabled,
            Attribute = MemoryReader.AttributeOf(node),
            IsSram = compatible.Contains("mmio-sram"),
        });
    }

    private PhysRange? RangeOf(DeviceTreeNode node, RegEntry entry)
    {
        if (buses.IsPciConfiguration(node.Parent!, entry.Address))
            return null;
        if (entry.Size is { } size && size == 0)
        {
            diagnostics.Add(Rules.SizeZero, entry.Span, "reg", node.Path, entry.AddressText);
            return null;
        }
        var translation = buses.ToRoot(node.Parent!, entry.Address, entry.Size ?? AddressLimit.Top);
        if (translation.Route == BusRoute.NotCovered)
        {
            diagnostics.Add(Rules.RangesDoNotCover, entry.Span, node.Path, entry.AddressText, translation.Bus?.Path);
            return null;
        }
        if (translation.Route != BusRoute.Reached)
            return null;
        if (RegEntry.RangeOf(translation.Start, entry.Size) is not { } range)
        {
            diagnostics.Add(Rules.RangeBeyond64Bits, entry.Span, "reg", node.Path, $"the entry at {entry.AddressText} ends beyond 2^64");
            return null;
        }
        if (translation.Bus is { } spilled)
            diagnostics.Add(Rules.RangesCoverInPart, entry.Span, node.Path, entry.AddressText, spilled.Path, range);
        return range;
    }
}
