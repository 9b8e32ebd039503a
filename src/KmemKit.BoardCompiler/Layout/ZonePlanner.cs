using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>
/// The zones of a layout. Each architecture cuts the physical space at fixed places (<see cref="Boundaries"/>); a node's zone is what lies between two
/// cuts from the node's first to its last byte; <c>kernelcore=</c> and <c>movablecore=</c> then cut ZONE_MOVABLE off the highest zone.
/// </summary>
/// <remarks>
/// Source: arch/arm/mm/init.c (zone_sizes_init, arm_adjust_dma_zone), arch/arm64/mm/init.c, arch/riscv/mm/init.c, arch/x86/mm/init.c, and mm/page_alloc.c
/// (free_area_init, find_zone_movable_pfns_for_nodes).
/// </remarks>
internal static class ZonePlanner
{
    private const ulong IsaDmaEnd = 16UL << 20;
    private const ulong FourGiB = 1UL << 32;

    public static ImmutableArray<Zone> Plan(Board board, LayoutParts parts, Ram low, Ram high, DiagnosticBag diagnostics)
    {
        var boundaries = Boundaries(board, parts, low);
        var nodes = Nodes(board, parts, low, high);
        var movable = MovableStarts(board, parts, boundaries, nodes, diagnostics);
        var zones = ImmutableArray.CreateBuilder<Zone>();
        foreach (var node in nodes)
        {
            var start = node.Start;
            foreach (var (name, boundary) in boundaries)
            {
                var end = Math.Min(boundary, node.End);
                if (movable.TryGetValue(node.Id, out var movableStart) && movableStart < end)
                    end = Math.Max(start, movableStart);
                AddZone(zones, name, node, start, end, parts.Pages);
                start = Math.Max(start, end);
                if (movableStart != 0 && start >= movableStart)
                    break;
            }
            if (movable.TryGetValue(node.Id, out var from))
                AddZone(zones, "Movable", node, Math.Max(from, node.Start), node.End, parts.Pages);
        }
        return zones.ToImmutable();
    }

    private static void AddZone(ImmutableArray<Zone>.Builder zones, string name, Node node, ulong start, ulong end, PageGeometry pages)
    {
        if (end <= start)
            return;
        var present = 0UL;
        foreach (var piece in node.Pieces)
        {
            var from = Math.Max(piece.Start, start);
            var to = Math.Min(piece.End, end);
            if (to > from)
                present += (to - from) >> pages.PageShift;
        }
        if (present != 0)
            zones.Add(new Zone(name, node.Id, new PageFrame(start >> pages.PageShift), (end - start) >> pages.PageShift, present));
    }

    /// <summary>Each zone's name and the physical address where it ends, by rising address.</summary>
    private static List<(string Name, ulong End)> Boundaries(Board board, LayoutParts parts, Ram low)
    {
        var policy = board.Policy;
        var zones = new List<(string, ulong)>();
        switch (board.Architecture)
        {
            case TargetArchitecture.X86:
                if (policy.ZoneDma?.Value ?? true)
                    zones.Add(("DMA", IsaDmaEnd));
                zones.Add(("Normal", parts.LowmemLimit));
                zones.Add(("HighMem", ulong.MaxValue));
                return zones;
            case TargetArchitecture.X64:
                if (policy.ZoneDma?.Value ?? true)
                    zones.Add(("DMA", IsaDmaEnd));
                if (policy.ZoneDma32?.Value ?? true)
                    zones.Add(("DMA32", FourGiB));
                zones.Add(("Normal", ulong.MaxValue));
                return zones;
            case TargetArchitecture.Arm64:
                AddArm64Zones(zones, board, low);
                return zones;
            case TargetArchitecture.RiscV64:
                // Counted from 0, wherever RAM starts: dma32_phys_limit.
                if (policy.ZoneDma32?.Value ?? true)
                    zones.Add(("DMA32", FourGiB));
                zones.Add(("Normal", ulong.MaxValue));
                return zones;
            default:
                // CONFIG_ZONE_DMA without a size puts all of lowmem into ZONE_DMA: index 0 is then ZONE_DMA, and nothing moves it on.
                if (policy.ZoneDma?.Value ?? policy.ZoneDmaSize is not null)
                {
                    var size = policy.ZoneDmaSize?.Value ?? ulong.MaxValue;
                    zones.Add(("DMA", size < parts.LowmemLimit - Math.Min(low.Start, parts.LowmemLimit) ? low.Start + size : parts.LowmemLimit));
                }
                zones.Add(("Normal", parts.LowmemLimit));
                zones.Add(("HighMem", ulong.MaxValue));
                return zones;
        }
    }

    // The 32-bit zone counts from the 4 GiB window that RAM starts in. It is ZONE_DMA up to 4.15, ZONE_DMA32 then; from 5.5 both exist, and ZONE_DMA
    // takes all of the window unless a limit is given.
    private static void AddArm64Zones(List<(string, ulong)> zones, Board board, Ram low)
    {
        var policy = board.Policy;
        var version = policy.LinuxVersion?.Value ?? SixtyFour.Arm64Rules.Newest;
        var window = Alignment.Down(low.Start, FourGiB);
        var hasDma = version < new LinuxVersion(4, 16) || version >= new LinuxVersion(5, 5);
        if (hasDma && (policy.ZoneDma?.Value ?? true))
            zones.Add(("DMA", window + Math.Min(policy.ZoneDmaSize?.Value ?? FourGiB, FourGiB)));
        if (version >= new LinuxVersion(4, 16) && (policy.ZoneDma32?.Value ?? true))
            zones.Add(("DMA32", window + FourGiB));
        zones.Add(("Normal", ulong.MaxValue));
    }

    private static List<Node> Nodes(Board board, LayoutParts parts, Ram low, Ram high)
    {
        var numa = board.Policy.Numa?.Value ?? false;
        var byId = new SortedDictionary<int, Node>();
        foreach (var ram in new[] { low, high })
        {
            foreach (var piece in ram.Pieces)
            {
                var id = numa ? piece.Node : 0;
                if (!byId.TryGetValue(id, out var node))
                    byId.Add(id, node = new Node(id));
                node.Add(piece);
            }
        }
        var nodes = new List<Node>(byId.Values);
        if (nodes.Count == 1)
            nodes[0].End = Math.Max(nodes[0].End, parts.SpannedEnd);
        return nodes;
    }

    /// <summary>Where ZONE_MOVABLE starts on each node, as a physical address; empty where there is none.</summary>
    private static Dictionary<int, ulong> MovableStarts(
        Board board, LayoutParts parts, List<(string Name, ulong End)> boundaries, List<Node> nodes, DiagnosticBag diagnostics)
    {
        var starts = new Dictionary<int, ulong>();
        var arguments = board.Policy.Bootargs;
        if (arguments.Kernelcore is null && arguments.Movablecore is null)
            return starts;
        if (arguments.Kernelcore is { Value.Mirror: true } mirror)
        {
            diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, mirror.Span, "kernelcore=mirror", "no memory of the board is said to be mirrored");
            return starts;
        }
        var shift = parts.Pages.PageShift;
        var total = 0UL;
        foreach (var node in nodes)
            total += node.PresentBytes >> shift;
        var kernelcore = Pages(arguments.Kernelcore?.Value, total, shift);
        if (arguments.Movablecore is { } movablecore)
        {
            var movable = Math.Min(RoundUp(Pages(movablecore.Value, total, shift), MaxOrderPages(shift)), total);
            kernelcore = Math.Max(kernelcore, total - movable);
        }
        if (kernelcore == 0 || kernelcore >= total)
        {
            var span = arguments.Kernelcore?.Span ?? arguments.Movablecore?.Span ?? default;
            diagnostics.Add(DiagnosticTable.Layout.ParameterWithoutEffect, span, "kernelcore=/movablecore=", "it leaves nothing to ZONE_MOVABLE, or everything");
            return starts;
        }

        var usableStart = UsableStart(boundaries, nodes) >> shift;
        var pfns = SpreadKernelcore(nodes, kernelcore, usableStart, shift);
        foreach (var node in nodes)
        {
            var pfn = RoundUp(pfns[node.Id], MaxOrderPages(shift));
            if (pfn != 0 && pfn < node.End >> shift)
                starts[node.Id] = pfn << shift;
        }
        return starts;
    }

    /// <summary>
    /// Spreads the kernel's pages over the nodes evenly; what a small node cannot take, the others take in further rounds. A node's pages below the
    /// highest zone count for the kernel whether asked for or not.
    /// </summary>
    private static Dictionary<int, ulong> SpreadKernelcore(List<Node> nodes, ulong required, ulong usableStart, int shift)
    {
        var starts = new Dictionary<int, ulong>();
        foreach (var node in nodes)
            starts[node.Id] = 0;
        var usableNodes = (ulong)nodes.Count;
        do
        {
            var share = required / usableNodes;
            foreach (var node in nodes)
            {
                if (required < share)
                    share = required / usableNodes;
                var remaining = share;
                foreach (var piece in node.Pieces)
                {
                    var start = Math.Max(piece.Start >> shift, starts[node.Id]);
                    var end = piece.End >> shift;
                    if (start >= end)
                        continue;
                    if (start < usableStart)
                    {
                        var kernelPages = Math.Min(end, usableStart) - start;
                        remaining -= Math.Min(kernelPages, remaining);
                        required -= Math.Min(kernelPages, required);
                        if (end <= usableStart)
                        {
                            starts[node.Id] = end;
                            continue;
                        }
                        start = usableStart;
                    }
                    var size = Math.Min(end - start, remaining);
                    starts[node.Id] = start + size;
                    required -= Math.Min(required, size);
                    remaining -= size;
                    if (remaining == 0)
                        break;
                }
            }
            usableNodes--;
        }
        while (usableNodes != 0 && required > usableNodes);
        return starts;
    }

    // The highest zone that has memory: movable pages come out of it alone.
    private static ulong UsableStart(List<(string Name, ulong End)> boundaries, List<Node> nodes)
    {
        var end = 0UL;
        foreach (var node in nodes)
        {
            foreach (var piece in node.Pieces)
                end = Math.Max(end, piece.End);
        }
        var start = 0UL;
        foreach (var (_, boundary) in boundaries)
        {
            if (end <= boundary)
                break;
            start = boundary;
        }
        return start;
    }

    private static ulong Pages(MemoryAmount? amount, ulong totalPages, int shift) => amount switch
    {
        { Percent: { } percent } => totalPages * (ulong)percent / 100,
        { Bytes: { } bytes } => bytes >> shift,
        _ => 0,
    };

    // MAX_ORDER_NR_PAGES of arch/arm64 by page size (order 10, 11, 13), order 10 elsewhere.
    private static ulong MaxOrderPages(int shift) => shift switch { 14 => 1UL << 11, 16 => 1UL << 13, _ => 1UL << 10 };

    private static ulong RoundUp(ulong value, ulong multiple) => (value + multiple - 1) / multiple * multiple;

    private sealed class Node(int id)
    {
        public int Id { get; } = id;

        public List<RamPiece> Pieces { get; } = [];

        public ulong Start { get; private set; } = ulong.MaxValue;

        public ulong End { get; set; }

        public ulong PresentBytes { get; private set; }

        public void Add(RamPiece piece)
        {
            Pieces.Add(piece);
            Start = Math.Min(Start, piece.Start);
            End = Math.Max(End, piece.End);
            PresentBytes += piece.Size;
        }
    }
}
