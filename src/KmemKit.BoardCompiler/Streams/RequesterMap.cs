using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>A stretch of requester ids and the ids of a controller that they become.</summary>
internal readonly record struct RequesterRun(uint First, uint Count, DeviceTreeNode Target, uint Output, SourceSpan Span)
{
    public uint Last => First + (Count - 1);
}

/// <summary>
/// <c>iommu-map</c> and <c>msi-map</c> of a PCI host bridge: requester id (bus, device, function: 16 bits) to id (Documentation/devicetree/bindings/pci/pci-iommu.txt; of_map_id).
/// A mask hides bits of the requester id before the stretch that it is in is looked for.
/// </summary>
internal sealed class RequesterMap
{
    private const uint MostRequesterId = 0xFFFF;
    private readonly List<RequesterRun> _runs = [];

    private RequesterMap(uint mask) => Mask = mask;

    /// <summary>Bits of a requester id that count.</summary>
    public uint Mask { get; }

    public IReadOnlyList<RequesterRun> Runs => _runs;

    /// <summary>The map of a node; null where it has none.</summary>
    public static RequesterMap? Read(DeviceTreeNode node, string name, NodeReferences references, DiagnosticBag diagnostics)
    {
        if (node.Property(name) is not { } property)
            return null;
        var mask = MostRequesterId;
        if (node.Property(name + "-mask") is { } maskProperty)
        {
            if (maskProperty.TryReadU32(out var bits))
                mask = bits & MostRequesterId;
            else
                diagnostics.Add(Rules.BadIommuMap, maskProperty.Span, maskProperty.Name, node.Path, "it is one cell");
        }
        var map = new RequesterMap(mask);
        if (property.Value.Length == 0 || property.Value.Length % (4 * sizeof(uint)) != 0)
        {
            diagnostics.Add(Rules.BadIommuMap, property.Span, name, node.Path, $"its {property.Value.Length} bytes are no groups of four cells");
            return map;
        }
        for (var cell = 0; cell < property.CellCount(); cell += 4)
            map.ReadRun(node, property, cell, references, diagnostics);
        return map;
    }

    private void ReadRun(DeviceTreeNode node, DeviceTreeProperty property, int cell, NodeReferences references, DiagnosticBag diagnostics)
    {
        var (first, phandle, output, count) = (property.Cell(cell), property.Cell(cell + 1), property.Cell(cell + 2), property.Cell(cell + 3));
        var span = property.SpanAt(cell * sizeof(uint));
        if (references.Find(phandle) is not { } target)
            diagnostics.Add(Rules.UnknownReference, property.SpanAt((cell + 1) * sizeof(uint)), property.Name, node.Path, phandle);
        else if (count == 0 || first > MostRequesterId || count - 1 > MostRequesterId - first)
            diagnostics.Add(Rules.BadIommuMap, span, property.Name, node.Path, count == 0 ? "a stretch of no requester ids" : $"requester ids have 16 bits, and 0x{first:x} with 0x{count:x} is beyond");
        else if (output > uint.MaxValue - (count - 1))
            diagnostics.Add(Rules.BadIommuMap, span, property.Name, node.Path, $"the ids from 0x{output:x} on are beyond 32 bits");
        else if ((first & ~Mask) != 0)
            diagnostics.Add(Rules.UncleanMask, span, property.Name, node.Path, $"0x{first:x}", $"0x{Mask:x}");
        else
            Add(node, property.Name, new RequesterRun(first, count, target, output, span), diagnostics);
    }

    private void Add(DeviceTreeNode node, string name, RequesterRun run, DiagnosticBag diagnostics)
    {
        var other = _runs.FirstOrDefault(r => r.First <= run.Last && run.First <= r.Last);
        if (other.Target is null)
        {
            _runs.Add(run);
            return;
        }
        diagnostics.Add(KmemDiagnostic.Create(Rules.IommuMapOverlap, run.Span, name, node.Path, $"0x{Math.Max(other.First, run.First):x}", $"0x{Math.Min(other.Last, run.Last):x}",
            SmmuReader.NameOf(run.Target), SmmuReader.NameOf(other.Target)).WithRelated("the first is here", other.Span));
    }

    /// <summary>The id of a requester; null where it is in no stretch.</summary>
    public (DeviceTreeNode Target, uint Id, SourceSpan Span)? Find(uint requester)
    {
        var masked = requester & Mask;
        foreach (var run in _runs)
        {
            if (masked >= run.First && masked <= run.Last)
                return (run.Target, run.Output + (masked - run.First), run.Span);
        }
        return null;
    }

    /// <summary>The ids that requesters have at a controller, in rows: where a mask hides bits, not all of a stretch.</summary>
    public IEnumerable<(uint First, uint Count, SourceSpan Span)> IdsOf(DeviceTreeNode target)
    {
        foreach (var run in _runs.Where(r => r.Target == target))
        {
            uint? start = null;
            for (var id = run.First; ; id++)
            {
                var isSeen = id <= run.Last && (id & ~Mask) == 0;
                if (isSeen)
                    start ??= id;
                else if (start is { } first)
                {
                    yield return (run.Output + (first - run.First), id - first, run.Span);
                    start = null;
                }
                if (id > run.Last)
                    break;
            }
        }
    }
}
