using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// Which addresses a device can send, by the <c>dma-ranges</c> of every bus above it (Devicetree Specification 0.4, 2.3.9). A bus without it, or with an empty one, passes all
/// addresses as they are. Of PCI only windows of memory space count.
/// </summary>
internal sealed class DmaPath(Board board, DiagnosticBag diagnostics)
{
    private const uint PciSpaceMask = 0x03000000, PciMemory32 = 0x02000000;

    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    /// <summary>The windows of the devices on a bus; null where every address passes.</summary>
    public ImmutableArray<DmaWindow>? WindowsBelow(DeviceTreeNode bus)
    {
        List<DmaWindow>? windows = null;
        BoardBus? inner = null;
        for (var node = bus; node?.Parent is not null; node = node.Parent)
        {
            if (BusOf(node) is not { HasDmaRanges: true, DmaRanges.IsEmpty: false } here)
                continue;
            var steps = here.DmaRanges.Where(w => !IsEmpty(w) && IsMemory(w)).Select(WindowOf).OrderBy(w => w.Bus.Start.Value).ToList();
            windows = windows is null ? steps : Through(windows, steps, inner!, here);
            inner = here;
        }
        return windows is null ? null : [.. windows.OrderBy(w => w.Bus)];
    }

    /// <summary>The node as a bus with windows; null where it has none.</summary>
    public BoardBus? BusOf(DeviceTreeNode node) => board.Buses.FirstOrDefault(b => b.NodePath == node.Path);

    /// <summary>Whether a window is of memory space; buses other than PCI have no other.</summary>
    public static bool IsMemory(BusWindow window) => window.Space.IsEmpty || (window.Space[0] & PciSpaceMask) is PciMemory32 or PciSpaceMask;

    private static bool IsEmpty(BusWindow window) => window.Size == 0 || !Fits(window.Bus.Value, window.Size) || !Fits(window.Parent.Value, window.Size);

    private static bool Fits(ulong start, AddressLimit size) => size.IsTop ? start == 0 : size.Value - 1 <= ulong.MaxValue - start;

    private static DmaWindow WindowOf(BusWindow window) => new(new BusRange(window.Bus, window.Size), new PhysAddr(window.Parent.Value));

    // What of each window the bus above takes on, and where it puts it.
    private List<DmaWindow> Through(List<DmaWindow> windows, List<DmaWindow> above, BoardBus inner, BoardBus outer)
    {
        var result = new List<DmaWindow>();
        foreach (var window in windows)
        {
            var passed = 0UL;
            var all = window.Bus.Size;
            var there = new BusRange(new BusAddr(window.Phys.Value), all);
            foreach (var step in above)
            {
                var part = there.Intersect(step.Bus);
                if (part.IsEmpty)
                    continue;
                var offset = part.Start.Value - there.Start.Value;
                result.Add(new DmaWindow(
                    new BusRange(new BusAddr(window.Bus.Start.Value + offset), part.Size), new PhysAddr(step.Phys.Value + (part.Start.Value - step.Bus.Start.Value))));
                passed += part.Size.IsTop ? 0 : part.Size.Value;
            }
            if (!all.IsTop && passed == 0 && _reported.Add(inner.NodePath + window.Bus))
                diagnostics.Add(KmemDiagnostic.Create(Rules.DmaRangesCutOff, SpanOf(inner, window), inner.NodePath, window.Bus, there, outer.NodePath).WithRelated("the bus above is here", outer.Span));
        }
        return result;
    }

    private static Sources.SourceSpan SpanOf(BoardBus bus, DmaWindow window) =>
        bus.DmaRanges.FirstOrDefault(w => w.Bus == window.Bus.Start)?.Span ?? bus.Span;
}
