using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// What the tree gives a master, one to one: the reserved memory of its <c>memory-region</c>, to read and write, but for what is lent out to movable pages (<c>reusable</c>);
/// and the boot framebuffers that name it as their <c>display</c>, to read (Documentation/devicetree/bindings/display/simple-framebuffer.yaml).
/// </summary>
/// <remarks>
/// <c>iommu-addresses</c> of a region, for this master (dt-schema, reserved-memory.yaml; of_iommu_get_resv_regions): the same addresses as the memory's own are mapped, addresses
/// without memory are kept free, and others are kept free with a warning.
/// </remarks>
internal sealed class MasterGrants(MemoryLayout layout, NodeReferences references, DiagnosticBag diagnostics)
{
    private List<DeviceTreeNode>? _framebuffers;

    public (List<DeviceGrant> Grants, List<ReservedIova> Reserved) Of(DeviceTreeNode master)
    {
        var grants = new List<DeviceGrant>();
        var reserved = new List<ReservedIova>();
        foreach (var (region, span) in RegionsOf(master, report: true))
            ReadRegion(master, region, span, grants, reserved);
        _framebuffers ??= [.. layout.Board.Tree.Root.DescendantsAndSelf().Where(n => n.IsEnabled() && n.Property("compatible").ReadStrings().Contains("simple-framebuffer"))];
        foreach (var framebuffer in _framebuffers)
        {
            if (framebuffer.Property("display") is { } display && display.CellCount() == 1 && references.Find(display.Cell(0)) == master)
                ReadFramebuffer(framebuffer, grants);
        }
        return (grants, reserved);
    }

    private IEnumerable<(DeviceTreeNode Region, Sources.SourceSpan Span)> RegionsOf(DeviceTreeNode node, bool report)
    {
        if (node.Property("memory-region") is not { } property)
            yield break;
        for (var cell = 0; cell < property.CellCount(); cell++)
        {
            var span = property.SpanAt(cell * sizeof(uint));
            if (references.Find(property.Cell(cell)) is { } region)
                yield return (region, span);
            else if (report)
                diagnostics.Add(Rules.BadMemoryRegion, span, node.Path, $"names no node (phandle {property.Cell(cell)})");
        }
    }

    private void ReadRegion(DeviceTreeNode master, DeviceTreeNode region, Sources.SourceSpan span, List<DeviceGrant> grants, List<ReservedIova> reserved)
    {
        var placed = layout.Reserved.Where(r => r.Region.NodePath == region.Path).ToList();
        var addresses = AddressesFor(master, region).ToList();
        if (placed.Count == 0 && addresses.Count == 0)
        {
            // A disabled region is nobody's memory; the layout says so already.
            if (region.Parent is { Name: "reserved-memory" } && region.IsEnabled() && region.Parent.IsEnabled())
                diagnostics.Add(Rules.BadMemoryRegion, span, master.Path, $"names {region.Path}, which has no place");
            else if (region.Parent is not { Name: "reserved-memory" })
                diagnostics.Add(Rules.BadMemoryRegion, span, master.Path, $"names {region.Path}, which is no reserved memory");
            return;
        }
        foreach (var (range, place) in addresses.Where(a => !placed.Any(p => IsDirect(a.Range, p.Range))))
        {
            reserved.Add(new ReservedIova(range, $"iommu-addresses of {region.Path}", place));
            if (placed.Count > 0)
                diagnostics.Add(KmemDiagnostic.Create(Rules.NotDirect, place, region.Path, SmmuReader.NameOf(master), range, placed[0].Range).WithRelated("the memory is here", placed[0].Region.Span));
        }
        foreach (var piece in placed.Where(p => !p.Region.Reusable && (addresses.Count == 0 || addresses.Any(a => IsDirect(a.Range, p.Range)))))
        {
            grants.Add(new DeviceGrant(piece.Region.Name, piece.Range, new BusAddr(piece.Range.Start.Value), AccessRights.ReadWrite,
                addresses.Count > 0 ? "its memory-region, at its iommu-addresses" : "its memory-region", span));
        }
    }

    private static bool IsDirect(BusRange device, PhysRange memory) => device.Start.Value == memory.Start.Value && device.End == memory.End;

    private IEnumerable<(BusRange Range, Sources.SourceSpan Span)> AddressesFor(DeviceTreeNode master, DeviceTreeNode region)
    {
        if (region.Property("iommu-addresses") is not { } property)
            yield break;
        for (var cell = 0; cell < property.CellCount();)
        {
            var span = property.SpanAt(cell * sizeof(uint));
            if (references.Find(property.Cell(cell)) is not { } device)
            {
                diagnostics.Add(Rules.BadIommuAddresses, span, region.Path, $"it names no node (phandle {property.Cell(cell)})");
                yield break;
            }
            // In the cells of the bus that the device is on (of_translate_dma_region).
            var format = device.Parent is { } bus ? CellFormat.Of(bus, new DiagnosticBag()) : new CellFormat(2, 1);
            if (property.Value.Length < (cell + 1 + format.Total) * sizeof(uint))
            {
                diagnostics.Add(Rules.BadIommuAddresses, span, region.Path, $"an entry for {SmmuReader.NameOf(device)} has {format.AddressCells} cells of address and {format.SizeCells} of size");
                yield break;
            }
            var address = CellAddress.Read(property, cell + 1, format.AddressCells).Value;
            var size = RegEntry.ReadSize(property, cell + 1 + format.AddressCells, format.SizeCells);
            cell += 1 + format.Total;
            if (device != master)
                continue;
            if (RegEntry.RangeOf(address, size) is not { IsEmpty: false } range)
                diagnostics.Add(Rules.BadIommuAddresses, span, region.Path, $"the range at 0x{address:x} is empty, or ends beyond 2^64");
            else
                yield return (BusRange.FromBounds(new BusAddr(address), range.End), span);
        }
    }

    private void ReadFramebuffer(DeviceTreeNode framebuffer, List<DeviceGrant> grants)
    {
        var ranges = RegionsOf(framebuffer, report: true).SelectMany(r => layout.Reserved.Where(p => p.Region.NodePath == r.Region.Path)).Select(p => p.Range).ToList();
        if (ranges.Count == 0)
            ranges = NodeRanges.Of(layout.Board, framebuffer.Path);
        foreach (var range in ranges.Where(r => !grants.Any(g => g.Phys.Contains(r))))
            grants.Add(new DeviceGrant(SmmuReader.NameOf(framebuffer), range, new BusAddr(range.Start.Value), AccessRights.Read, "the boot framebuffer that it shows", framebuffer.Span));
    }
}
