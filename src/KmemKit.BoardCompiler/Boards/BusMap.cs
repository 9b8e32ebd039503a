using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>What became of an address on its way to the root.</summary>
internal enum BusRoute
{
    /// <summary>The CPU sees it.</summary>
    Reached,

    /// <summary>A bus on the way has no <c>ranges</c>, or sizes mean nothing there: no address the CPU could use, and none meant.</summary>
    NoRoute,

    /// <summary>A bus on the way has <c>ranges</c>, but none covers the start, or the CPU's address has more than 64 bits.</summary>
    NotCovered,
}

/// <summary>The end of an address's way to the root.</summary>
/// <param name="Route">How it ended.</param>
/// <param name="Start">The CPU's physical address where it is reached.</param>
/// <param name="Bus">The bus that covers no such address, or only the start of the range; null where none is to blame.</param>
internal readonly record struct Translation(BusRoute Route, ulong Start, DeviceTreeNode? Bus);

/// <summary>
/// Translates addresses from a bus to the root by the <c>ranges</c> of every bus on the way (Devicetree Specification 0.4, section 2.3.8; PCI Bus
/// Binding to IEEE 1275, 2.2.1).
/// </summary>
/// <remarks>
/// An empty <c>ranges</c> is the identity, a missing one cuts the children off. As in the kernel (drivers/of/address.c) the first
/// window that holds the start decides. The cells above the low 64 bits of an address select a space and have to be equal; of PCI's phys.hi only
/// the space code counts, and its 32- and 64-bit memory spaces are one.
/// </remarks>
internal sealed class BusMap(DiagnosticBag diagnostics)
{
    private const uint PciSpaceMask = 0x03000000;
    private const uint PciMemory32 = 0x02000000;

    private readonly Dictionary<DeviceTreeNode, CellFormat> _formats = [];
    private readonly Dictionary<DeviceTreeNode, Bus> _buses = [];

    private sealed record Window(CellAddress Child, CellAddress Parent, AddressLimit Size, SourceSpan Span)
    {
        // Keeps a window whose size is beyond 2^64 from matching: it is a finding already.
        public bool Holds(ulong address) => address >= Child.Value && (Size.IsTop || address - Child.Value < Size.Value);
    }

    private sealed record Bus(bool HasRanges, ImmutableArray<Window> Ranges, bool IsPci);

    /// <summary>How the children of <paramref name="node"/> write addresses and sizes.</summary>
    public CellFormat FormatOf(DeviceTreeNode node)
    {
        if (!_formats.TryGetValue(node, out var format))
            _formats[node] = format = CellFormat.Of(node, diagnostics);
        return format;
    }

    /// <summary>Whether addresses of the children of <paramref name="node"/> can reach the bus above it at all.</summary>
    public bool PassesAddresses(DeviceTreeNode node) => node.Parent is null || BusOf(node).HasRanges;

    /// <summary>Whether the address is in PCI's configuration space, which no <c>ranges</c> maps.</summary>
    public bool IsPciConfiguration(DeviceTreeNode parent, CellAddress address) =>
        parent.Parent is not null && BusOf(parent).IsPci && address.Space.Length > 0 && (address.Space[0] & PciSpaceMask) == 0;

    /// <summary>Takes an address on the bus that <paramref name="parent"/> is to the root.</summary>
    public Translation ToRoot(DeviceTreeNode parent, CellAddress address, AddressLimit size)
    {
        DeviceTreeNode? spilled = null;
        for (var node = parent; node.Parent is not null; node = node.Parent)
        {
            var bus = BusOf(node);
            if (!bus.HasRanges)
                return new Translation(BusRoute.NoRoute, 0, node);
            if (bus.Ranges.IsEmpty)
            {
                address = Resize(address, FormatOf(node.Parent).AddressCells);
                continue;
            }
            if (Find(bus, address) is not { } window || AddTo(window.Parent, address.Value - window.Child.Value) is not { } above)
                return new Translation(BusRoute.NotCovered, 0, node);
            var left = window.Size.SizeFrom(address.Value - window.Child.Value);
            if (size > left)
                spilled = node;
            address = above;
        }
        return address.FitsIn64Bits
            ? new Translation(BusRoute.Reached, address.Value, spilled)
            : new Translation(BusRoute.NotCovered, 0, parent);
    }

    /// <summary>The node as a bus for the board; null where it has neither <c>ranges</c> nor <c>dma-ranges</c>.</summary>
    public BoardBus? Describe(DeviceTreeNode node)
    {
        var ranges = node.Property("ranges");
        var dmaRanges = node.Property("dma-ranges");
        if (node.Parent is null || (ranges is null && dmaRanges is null))
            return null;
        return new BoardBus(node.Path, node.Span)
        {
            Labels = node.Labels,
            HasRanges = ranges is not null,
            Ranges = [.. BusOf(node).Ranges.Select(w => Describe(w) with { Cpu = CpuRange(node, w) })],
            HasDmaRanges = dmaRanges is not null,
            DmaRanges = dmaRanges is null ? [] : [.. ReadWindows(node, dmaRanges).Select(Describe)],
        };
    }

    private static BusWindow Describe(Window window) => new(
        ImmutableArray.Create(window.Child.Space), new BusAddr(window.Child.Value),
        ImmutableArray.Create(window.Parent.Space), new BusAddr(window.Parent.Value), window.Size, window.Span);

    private PhysRange? CpuRange(DeviceTreeNode node, Window window)
    {
        var translation = ToRoot(node.Parent!, window.Parent, window.Size);
        return translation.Route == BusRoute.Reached ? RegEntry.RangeOf(translation.Start, window.Size) : null;
    }

    private Bus BusOf(DeviceTreeNode node)
    {
        if (_buses.TryGetValue(node, out var bus))
            return bus;
        var ranges = node.Property("ranges");
        bus = new Bus(ranges is not null, ranges is null ? [] : [.. ReadWindows(node, ranges)], IsPci(node));
        // A ranges that cannot be read would look like an empty one, the identity: rather no route at all.
        if (ranges is { Value.Length: > 0 } && bus.Ranges.IsEmpty)
            bus = bus with { HasRanges = false };
        return _buses[node] = bus;
    }

    private List<Window> ReadWindows(DeviceTreeNode node, DeviceTreeProperty property)
    {
        var windows = new List<Window>();
        if (property.Value.Length == 0)
            return windows;
        var child = FormatOf(node);
        var parent = FormatOf(node.Parent!);
        var cells = child.Total + parent.AddressCells;
        if (cells == 0 || property.Value.Length % (cells * sizeof(uint)) != 0)
        {
            diagnostics.Add(Rules.BadRangesLength, property.Span, property.Name, node.Path, property.Value.Length, cells * sizeof(uint),
                child.AddressCells, parent.AddressCells, child.SizeCells);
            return windows;
        }
        for (var cell = 0; cell < property.CellCount(); cell += cells)
        {
            var size = RegEntry.ReadSize(property, cell + child.AddressCells + parent.AddressCells, child.SizeCells);
            var window = new Window(
                CellAddress.Read(property, cell, child.AddressCells),
                CellAddress.Read(property, cell + child.AddressCells, parent.AddressCells),
                size ?? AddressLimit.Top,
                property.SpanAt(cell * sizeof(uint)));
            if (size is null)
                diagnostics.Add(Rules.RangeBeyond64Bits, window.Span, property.Name, node.Path, "its size has more than 64 bits");
            else
                windows.Add(window);
        }
        return windows;
    }

    private static bool IsPci(DeviceTreeNode node) =>
        node.Property("device_type").ReadString() is "pci" or "pciex" or "vci" or "ht" || node.BaseName is "pci" or "pcie";

    private static Window? Find(Bus bus, CellAddress address)
    {
        foreach (var window in bus.Ranges)
        {
            if (window.Holds(address.Value) && SameSpace(bus.IsPci, window.Child.Space, address.Space))
                return window;
        }
        return null;
    }

    private static bool SameSpace(bool isPci, uint[] a, uint[] b)
    {
        if (a.Length != b.Length)
            return false;
        for (var i = 0; i < a.Length; i++)
        {
            if (isPci && i == 0 ? PciSpace(a[i]) != PciSpace(b[i]) : a[i] != b[i])
                return false;
        }
        return true;
    }

    private static uint PciSpace(uint high) => (high & PciSpaceMask) == PciSpaceMask ? PciMemory32 : high & PciSpaceMask;

    private static CellAddress? AddTo(CellAddress address, ulong offset) =>
        offset <= ulong.MaxValue - address.Value ? address with { Value = unchecked(address.Value + offset) } : null;

    /// <summary>The same address with another number of cells: zeros in front come and go, anything else stays and fits nowhere.</summary>
    private static CellAddress Resize(CellAddress address, int cells)
    {
        var high = Math.Max(cells - 2, 0);
        if (high == address.Space.Length || !address.FitsIn64Bits)
            return address;
        return address with { Space = new uint[high] };
    }
}
