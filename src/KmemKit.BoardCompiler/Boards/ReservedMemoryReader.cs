using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// Reads what is set aside: <c>/memreserve/</c> entries, the children of <c>/reserved-memory</c> (Devicetree Specification 0.4, section 3.5;
/// reserved-memory.yaml of dt-schema), and the downstream <c>qcom,memblock-reserve</c>.
/// </summary>
/// <remarks>
/// A region has a place (<c>reg</c>, each entry a region of its own) or a <c>size</c> that the layout places; <c>reg</c> wins where a node has
/// both. Regions of <c>/reserved-memory</c> that overlap are a warning, for the kernel boots with them and tells the log;
/// a <c>/memreserve/</c> over a region says the same twice and is a note.
/// </remarks>
internal sealed class ReservedMemoryReader(BusMap buses, DiagnosticBag diagnostics)
{
    private readonly ImmutableArray<ReservedRegion>.Builder _regions = ImmutableArray.CreateBuilder<ReservedRegion>();

    public ImmutableArray<ReservedRegion> Read(DeviceTree tree)
    {
        foreach (var reservation in tree.Reservations)
            ReadReservation(reservation);
        if (tree.Root.Children.FirstOrDefault(n => n.Name == "reserved-memory") is { } node)
            ReadReservedMemory(node);
        foreach (var device in tree.Root.DescendantsAndSelf())
            ReadMemblockReserve(device);
        FindOverlaps();
        return _regions.ToImmutable();
    }

    private void ReadReservation(MemoryReservation reservation)
    {
        if (reservation.Size == 0)
            diagnostics.Add(Rules.SizeZero, reservation.Span, "/memreserve/", "the reservation block", reservation.Address);
        else if (RegEntry.RangeOf(reservation.Address.Value, reservation.Size) is { } range)
            _regions.Add(new ReservedRegion("memreserve", range, reservation.Span) { Source = ReservedSource.MemReserve, Labels = reservation.Labels });
        else
            diagnostics.Add(Rules.RangeBeyond64Bits, reservation.Span, "/memreserve/", "the reservation block", $"the entry at {reservation.Address} ends beyond 2^64");
    }

    private void ReadReservedMemory(DeviceTreeNode node)
    {
        if (node.Children.Count == 0)
            return;
        var format = buses.FormatOf(node);
        var root = buses.FormatOf(node.Parent!);
        if (format != root || node.Property("#address-cells") is null || node.Property("#size-cells") is null)
        {
            diagnostics.Add(Rules.ReservedMemoryCells, (node.Property("#address-cells") ?? node.Property("#size-cells"))?.Span ?? node.Span,
                format.AddressCells, format.SizeCells, root.AddressCells, root.SizeCells);
        }
        if (node.Property("ranges") is not { Value.Length: 0 })
            diagnostics.Add(Rules.ReservedMemoryRanges, node.Property("ranges")?.Span ?? node.Span);
        foreach (var child in node.Children)
        {
            if (node.IsEnabled() && child.IsEnabled())
                ReadRegion(child, format);
            else
                diagnostics.Add(Rules.NodeDisabled, (child.Property("status") ?? node.Property("status"))!.Span, child.Path, "what it reserves");
        }
    }

    private void ReadRegion(DeviceTreeNode node, CellFormat format)
    {
        var region = new ReservedRegion(node.BaseName, null, node.Span)
        {
            NodePath = node.Path,
            Labels = node.Labels,
            Compatible = node.Property("compatible").ReadStrings(),
            NoMap = node.Property("no-map") is not null,
            Reusable = node.Property("reusable") is not null,
            CmaDefault = node.Property("linux,cma-default") is not null,
            DmaDefault = node.Property("linux,dma-default") is not null,
        };
        if (region.NoMap && region.Reusable)
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.NoMapAndReusable, node.Property("reusable")!.Span, node.Path)
                .WithRelated("no-map is here", node.Property("no-map")!.Span));
        }
        var size = node.Property("size");
        if (node.Property("reg") is { } reg)
        {
            if (size is not null)
                diagnostics.Add(Rules.RegAndSize, size.Span, node.Path);
            ReadPlaced(node, reg, region, format);
        }
        else if (size is not null)
        {
            ReadDynamic(node, size, region, format);
        }
        else if (node.Property("iommu-addresses") is null)
        {
            // With them it is no memory, but device addresses that are kept free (reserved-memory.yaml of dt-schema).
            diagnostics.Add(Rules.ReservedWithoutPlace, node.Span, node.Path);
        }
    }

    private void ReadPlaced(DeviceTreeNode node, DeviceTreeProperty reg, ReservedRegion region, CellFormat format)
    {
        foreach (var entry in RegEntry.ReadAll(node, reg, format, diagnostics))
        {
            if (entry.Size is { } size && size == 0)
                diagnostics.Add(Rules.SizeZero, entry.Span, reg.Name, node.Path, entry.AddressText);
            else if (entry.Address.FitsIn64Bits && RegEntry.RangeOf(entry.Address.Value, entry.Size) is { } range)
                _regions.Add(region with { Range = range, Span = entry.Span, Index = entry.Index });
            else
                diagnostics.Add(Rules.RangeBeyond64Bits, entry.Span, reg.Name, node.Path, $"the entry at {entry.AddressText} ends beyond 2^64");
        }
    }

    private void ReadDynamic(DeviceTreeNode node, DeviceTreeProperty size, ReservedRegion region, CellFormat format)
    {
        if (!size.TryReadU64(out var bytes) || size.CellCount() != format.SizeCells || bytes == 0)
        {
            diagnostics.Add(Rules.BadReservedProperty, size.SpanAt(0), size.Name, node.Path, $"a size above 0 in {format.SizeCells} cells");
            return;
        }
        ulong alignment = 0;
        // The specification counts its cells by #size-cells, the kernel by #address-cells: where the two differ both spellings are in use.
        if (node.Property("alignment") is { } property
            && (!property.TryReadU64(out alignment)
                || (property.CellCount() != format.SizeCells && property.CellCount() != format.AddressCells)
                || !Alignment.IsPowerOfTwo(alignment)))
        {
            diagnostics.Add(Rules.BadReservedProperty, property.SpanAt(0), property.Name, node.Path, $"a power of two in {format.SizeCells} cells");
            return;
        }
        var ranges = ImmutableArray.CreateBuilder<PhysRange>();
        if (node.Property("alloc-ranges") is { } allocRanges)
        {
            foreach (var entry in RegEntry.ReadAll(node, allocRanges, format, diagnostics))
            {
                if (entry.Address.FitsIn64Bits && RegEntry.RangeOf(entry.Address.Value, entry.Size) is { } range)
                    ranges.Add(range);
                else
                    diagnostics.Add(Rules.RangeBeyond64Bits, entry.Span, allocRanges.Name, node.Path, $"the entry at {entry.AddressText} ends beyond 2^64");
            }
            if (ranges.Count == 0)
                return;
        }
        _regions.Add(region with
        {
            Span = size.SpanAt(0),
            DynamicSize = bytes,
            DynamicAlignment = alignment,
            AllocRanges = ranges.ToImmutable(),
        });
    }

    /// <summary>An address and a size in one cell each, which a device of an msm board wants left alone (arch/arm/mach-msm/memory.c).</summary>
    private void ReadMemblockReserve(DeviceTreeNode node)
    {
        if (node.Property("qcom,memblock-reserve") is not { } property || !node.IsEnabled())
            return;
        var format = new CellFormat(1, 1);
        var region = new ReservedRegion(node.BaseName, null, node.Span)
        {
            Source = ReservedSource.MemblockReserve,
            NodePath = node.Path,
            Labels = node.Labels,
            Compatible = node.Property("compatible").ReadStrings(),
        };
        if (property.Value.Length == format.Total * sizeof(uint))
            ReadPlaced(node, property, region, format);
        else
            diagnostics.Add(Rules.BadMemblockLength, property.Span, property.Name, node.Path, property.Value.Length, "one pair");
    }

    private void FindOverlaps() => Overlaps.Find(_regions.Where(r => r.Range is not null), r => r.Range!.Value, (first, second) =>
    {
        var rule = first.Source == ReservedSource.ReservedMemoryNode && second.Source == ReservedSource.ReservedMemoryNode
            ? Rules.ReservedOverlap
            : Rules.ReservedTwice;
        diagnostics.Add(KmemDiagnostic
            .Create(rule, second.Span, NameOf(second), second.Range, NameOf(first), first.Range, MemoryReader.Place(first.Span),
                first.Range!.Value.Intersect(second.Range!.Value))
            .WithRelated("the other region is here", first.Span));
    });

    private static string NameOf(ReservedRegion region) => region.NodePath.Length > 0 ? region.NodePath : "/memreserve/";
}
