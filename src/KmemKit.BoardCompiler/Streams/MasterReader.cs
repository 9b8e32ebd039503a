using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// Finds the bus masters behind the SMMUs: nodes with <c>iommus</c>, PCI host bridges with <c>iommu-map</c> (all requesters of the stretches), and PCI functions that have a node
/// below one. References to IOMMUs of other kinds are not ours.
/// </summary>
internal sealed class MasterReader(
    MemoryLayout layout, IReadOnlyList<(DeviceTreeNode Node, BoardSmmu Smmu)> smmus, NodeReferences references, DiagnosticBag diagnostics)
{
    // What Linux keeps free of device addresses for message interrupts that it maps itself (drivers/iommu/arm/arm-smmu-v3, MSI_IOVA_BASE and _LENGTH).
    private static readonly BusRange s_messageWindow = new(new BusAddr(0x800_0000), 0x10_0000);

    private readonly DmaPath _path = new(layout.Board, diagnostics);
    private readonly Dictionary<DeviceTreeNode, RequesterMap?> _maps = [];
    private readonly MasterGrants _grants = new(layout, references, diagnostics);

    public List<(DeviceTreeNode Node, BusMaster Master)> Read()
    {
        var masters = new List<(DeviceTreeNode, BusMaster)>();
        foreach (var node in layout.Board.Tree.Root.DescendantsAndSelf().Where(IsInUse))
        {
            if (node.Property("iommus") is { } iommus)
                masters.AddRange(ReadSpecifiers(node, iommus).Select(m => (node, m)));
            if (MapOf(node) is { } map)
                masters.AddRange(ReadBridge(node, map).Select(m => (node, m)));
            else if (ReadFunction(node) is { } function)
                masters.Add((node, function));
        }
        return masters;
    }

    /// <summary>StreamIDs of single requesters of a bridge, each with the number of its SMMU; null for one that is in no stretch.</summary>
    public (int Smmu, MasterStream Stream)? Requester(DeviceTreeNode bridge, uint requester)
    {
        if (MapOf(bridge)?.Find(requester) is not { } found || IndexOf(found.Target) is not { } smmu)
            return null;
        return (smmu, new MasterStream(found.Id, 1, 0, found.Span));
    }

    private RequesterMap? MapOf(DeviceTreeNode node)
    {
        if (!_maps.TryGetValue(node, out var map))
            _maps[node] = map = RequesterMap.Read(node, "iommu-map", references, diagnostics);
        return map;
    }

    private int? IndexOf(DeviceTreeNode node)
    {
        for (var i = 0; i < smmus.Count; i++)
        {
            if (smmus[i].Node == node)
                return i;
        }
        return null;
    }

    private IEnumerable<BusMaster> ReadSpecifiers(DeviceTreeNode node, DeviceTreeProperty property)
    {
        var streams = new SortedDictionary<int, ImmutableArray<MasterStream>.Builder>();
        for (var cell = 0; cell < property.CellCount();)
        {
            if (references.Find(property.Cell(cell)) is not { } target)
            {
                diagnostics.Add(Rules.UnknownReference, property.SpanAt(cell * sizeof(uint)), property.Name, node.Path, property.Cell(cell));
                break;
            }
            var cells = target.Property("#iommu-cells") is { } count && count.TryReadU32(out var value) && value <= 16 ? (int)value : -1;
            var index = IndexOf(target);
            var most = index is { } known && smmus[known].Smmu.Version == SmmuVersion.V3 ? 1 : 2;
            if (index is not null && (cells < 1 || cells > most))
            {
                BadCells(node, property, cell, target, cells, "it has one, or with an SMMUv2 two");
                break;
            }
            if (cells < 0 || property.Value.Length < (cell + 1 + cells) * sizeof(uint))
            {
                if (index is not null || cells >= 0)
                    BadCells(node, property, cell, target, cells, "the property ends before");
                break;
            }
            if (index is { } smmu)
            {
                if (!streams.TryGetValue(smmu, out var list))
                    streams[smmu] = list = ImmutableArray.CreateBuilder<MasterStream>();
                var id = property.Cell(cell + 1);
                // Two cells are a stream match register's id and mask; stream-match-mask goes with one (arm,smmu.yaml).
                var mask = cells == 2 ? property.Cell(cell + 2) : smmus[smmu].Smmu.StreamMatchMask;
                list.Add(new MasterStream(id, 1, mask, property.SpanAt((cell + 1) * sizeof(uint))));
            }
            cell += 1 + cells;
        }
        if (property.Value.Length % sizeof(uint) != 0)
            diagnostics.Add(Rules.BadCells, property.Span, property.Name, node.Path, "whole cells", 1, $"it has {property.Value.Length} bytes");
        foreach (var pair in streams)
            yield return Master(node, node.Parent, pair.Key, pair.Value.ToImmutable(), Doorbell(node));
    }

    private void BadCells(DeviceTreeNode node, DeviceTreeProperty property, int cell, DeviceTreeNode target, int cells, string why) =>
        diagnostics.Add(KmemDiagnostic.Create(Rules.BadCells, property.SpanAt(cell * sizeof(uint)), property.Name, node.Path, SmmuReader.NameOf(target),
            cells < 0 ? "not given" : cells.ToString(System.Globalization.CultureInfo.InvariantCulture), why).WithRelated("the SMMU is here", target.Span));

    private IEnumerable<BusMaster> ReadBridge(DeviceTreeNode node, RequesterMap map)
    {
        for (var i = 0; i < smmus.Count; i++)
        {
            ImmutableArray<MasterStream> streams = [.. map.IdsOf(smmus[i].Node).Select(s => new MasterStream(s.First, s.Count, 0, s.Span))];
            if (!streams.IsEmpty)
                yield return Master(node, node, i, streams, Doorbell(node));
        }
    }

    // A function's node says bus, device and function in the first cell of its reg (PCI Bus Binding to IEEE 1275, 2.2.1.1).
    private BusMaster? ReadFunction(DeviceTreeNode node)
    {
        if (node.Property("reg") is not { } reg || reg.CellCount() < 3 || node.Property("iommus") is not null)
            return null;
        for (var bridge = node.Parent; bridge is not null; bridge = bridge.Parent)
        {
            if (MapOf(bridge) is null)
                continue;
            var requester = reg.Cell(0) >> 8 & 0xFFFF;
            return Requester(bridge, requester) is { } found ? Master(node, bridge, found.Smmu, [found.Stream], Doorbell(bridge, requester)) : null;
        }
        return null;
    }

    private BusMaster Master(DeviceTreeNode node, DeviceTreeNode? bus, int smmu, ImmutableArray<MasterStream> streams, PhysRange? doorbell)
    {
        var (grants, reserved) = _grants.Of(node);
        if (bus is not null && _path.BusOf(bus) is { } description && IsPci(bus))
        {
            // What the bridge takes for its own devices never comes up to the SMMU.
            reserved.AddRange(description.Ranges.Where(DmaPath.IsMemory).Where(w => w.Size != 0)
                .Select(w => new ReservedIova(new BusRange(w.Bus, w.Size), $"{SmmuReader.NameOf(bus)} has devices there", w.Span)));
        }
        if (doorbell is not null)
            reserved.Add(new ReservedIova(s_messageWindow, "kernels map message interrupts there", node.Span));
        return new BusMaster(node.Path, SmmuReader.NameOf(node), smmu, node.Span)
        {
            Streams = streams,
            IsCoherent = IsCoherent(node),
            Windows = bus is null ? null : _path.WindowsBelow(bus),
            Reserved = [.. reserved.OrderBy(r => r.Range)],
            Grants = [.. grants],
            Doorbell = doorbell,
        };
    }

    private PhysRange? Doorbell(DeviceTreeNode node, uint? requester = null)
    {
        if (node.Property("msi-parent") is { } parent && parent.CellCount() >= 1)
            return DoorbellOf(references.Find(parent.Cell(0)));
        if (node.Property("msi-map") is null)
            return null;
        var map = RequesterMap.Read(node, "msi-map", references, new DiagnosticBag())!;
        return requester is { } id ? DoorbellOf(map.Find(id)?.Target) : map.Runs.Count > 0 ? DoorbellOf(map.Runs[0].Target) : null;
    }

    // GICv2m: MSI_SETSPI_NS in the first page. ITS: GITS_TRANSLATER in the second 64 KiB.
    private PhysRange? DoorbellOf(DeviceTreeNode? controller)
    {
        if (controller is null || NodeRanges.Of(layout.Board, controller.Path) is not { Count: > 0 } ranges)
            return null;
        var isIts = controller.Property("compatible").ReadStrings().Contains("arm,gic-v3-its");
        return isIts && ranges[0].Size >= 0x2_0000 ? new PhysRange(ranges[0].Start + 0x1_0000, 0x1_0000) : new PhysRange(ranges[0].Start, ranges[0].Size);
    }

    private static bool IsPci(DeviceTreeNode node) => node.Property("device_type").ReadString() is "pci" or "pciex" || node.BaseName is "pci" or "pcie";

    private static bool IsCoherent(DeviceTreeNode node)
    {
        for (var at = node; at is not null; at = at.Parent)
        {
            if (at.Property("dma-noncoherent") is not null)
                return false;
            if (at.Property("dma-coherent") is not null)
                return true;
        }
        return false;
    }

    private static bool IsInUse(DeviceTreeNode node)
    {
        for (var at = node; at is not null; at = at.Parent)
        {
            if (!at.IsEnabled())
                return false;
        }
        return true;
    }
}
