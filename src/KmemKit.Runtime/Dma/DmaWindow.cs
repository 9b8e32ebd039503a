using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;

namespace KmemKit.Runtime.Dma;

/// <summary>Memory as a device sees it: one entry of the <c>dma-ranges</c> on its way to memory (struct bus_dma_region).</summary>
/// <param name="Memory">Physical addresses.</param>
/// <param name="Bus">First address on the device's bus.</param>
public readonly record struct DmaWindow(PhysRange Memory, BusAddr Bus)
{
    /// <summary>All of memory at its own addresses: a bus without <c>dma-ranges</c>.</summary>
    public static ImmutableArray<DmaWindow> Identity { get; } = [new(new PhysRange(PhysAddr.Zero, AddressLimit.Top), default)];

    /// <summary>
    /// What a device on a bus of the board sees: the <c>dma-ranges</c> of its bus, translated by those of the buses above. A bus without the property passes addresses
    /// on, as does an empty one (Devicetree Specification 2.3.9; of_dma_get_range of drivers/of/address.c).
    /// </summary>
    /// <param name="board">The board.</param>
    /// <param name="nodePath">Path of the device's node.</param>
    public static ImmutableArray<DmaWindow> Of(Board board, string nodePath)
    {
        ArgumentNullException.ThrowIfNull(board);
        ArgumentNullException.ThrowIfNull(nodePath);
        var windows = Identity;
        // From the root down: each bus cuts out of, and moves within, what the bus above lets through.
        foreach (var bus in board.Buses.Where(b => b.HasDmaRanges && !b.DmaRanges.IsEmpty && IsAbove(b.NodePath, nodePath)).OrderBy(b => b.NodePath.Length))
            windows = Below(windows, bus.DmaRanges);
        return windows;
    }

    /// <summary>The bus addresses of a physical range that lies in the window.</summary>
    public BusAddr ToBus(PhysAddr address) => new(unchecked(address.Value - Memory.Start.Value + Bus.Value));

    /// <summary>The physical address behind a bus address of the window.</summary>
    public PhysAddr ToPhys(BusAddr address) => new(unchecked(address.Value - Bus.Value + Memory.Start.Value));

    /// <summary>Whether the bus address is in the window.</summary>
    public bool Contains(BusAddr address) => address >= Bus && new AddressLimit(address.Value - Bus.Value) < Memory.Size;

    private static bool IsAbove(string bus, string node) =>
        bus == "/" || (node.Length > bus.Length && node.StartsWith(bus, StringComparison.Ordinal) && node[bus.Length] == '/');

    private static ImmutableArray<DmaWindow> Below(ImmutableArray<DmaWindow> above, ImmutableArray<BusWindow> entries)
    {
        var windows = new List<DmaWindow>();
        foreach (var entry in entries)
        {
            var parent = new BusRange(entry.Parent, entry.Size);
            foreach (var window in above)
            {
                var seen = parent.Intersect(new BusRange(window.Bus, window.Memory.Size));
                if (seen.IsEmpty)
                    continue;
                windows.Add(new DmaWindow(
                    new PhysRange(window.ToPhys(seen.Start), seen.Size), new BusAddr(entry.Bus.Value + (seen.Start.Value - entry.Parent.Value))));
            }
        }
        return [.. windows];
    }
}
