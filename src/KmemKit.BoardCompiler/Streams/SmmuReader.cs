using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Smmu.V2;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Smmu;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>
/// Finds the SMMUs of a board (Documentation/devicetree/bindings/iommu/arm,smmu.yaml and arm,smmu-v3.yaml). What the tree cannot say, which stages, granules and sizes the part
/// has, is in its identification registers: <c>kmemkit,idr</c> holds their values (IDR0, IDR1, IDR5 of an SMMUv3; IDR0, IDR1, IDR2 of an SMMUv2).
/// </summary>
internal static class SmmuReader
{
    private static readonly string[] s_v2 = ["arm,smmu-v1", "arm,smmu-v2", "arm,mmu-400", "arm,mmu-401", "arm,mmu-500", "cavium,smmu-v2", "qcom,smmu-v2"];

    /// <summary>The enabled ones, in the order of the tree, with their nodes.</summary>
    public static List<(DeviceTreeNode Node, BoardSmmu Smmu)> Read(Board board, DiagnosticBag diagnostics)
    {
        var found = new List<(DeviceTreeNode, BoardSmmu)>();
        foreach (var node in board.Tree.Root.DescendantsAndSelf())
        {
            var compatible = node.Property("compatible").ReadStrings();
            var isV3 = compatible.Contains("arm,smmu-v3");
            if ((!isV3 && !compatible.Any(c => s_v2.Contains(c, StringComparer.Ordinal))) || !node.IsEnabled())
                continue;
            var smmu = new BoardSmmu(node.Path, NameOf(node), isV3 ? SmmuVersion.V3 : SmmuVersion.V2, node.Span)
            {
                Registers = board.Devices.FirstOrDefault(d => d.NodePath == node.Path) is { Ranges.IsEmpty: false } device ? device.Ranges[0].Range.Start : null,
                Cells = node.Property("#iommu-cells") is { } cells && cells.TryReadU32(out var count) && count <= 16 ? (int)count : 0,
                IsCoherent = node.Property("dma-coherent") is not null,
                StreamMatchMask = node.Property("stream-match-mask") is { } mask && mask.TryReadU32(out var bits) ? bits & 0x7FFF : 0,
            };
            if (node.Property("kmemkit,idr") is { } idr)
                smmu = Identify(smmu, idr, diagnostics);
            found.Add((node, smmu));
        }
        return found;
    }

    /// <summary>A node's first label, else its name.</summary>
    public static string NameOf(DeviceTreeNode node) => node.Labels.Length > 0 ? node.Labels[0] : node.Name;

    private static BoardSmmu Identify(BoardSmmu smmu, DeviceTreeProperty idr, DiagnosticBag diagnostics)
    {
        var registers = smmu.Version == SmmuVersion.V3 ? "SMMU_IDR0, SMMU_IDR1 and SMMU_IDR5" : "SMMU_IDR0, SMMU_IDR1 and SMMU_IDR2";
        if (idr.Value.Length != 3 * sizeof(uint))
        {
            diagnostics.Add(Rules.BadIdentification, idr.Span, smmu.NodePath, $"has {idr.Value.Length} bytes and not 12", registers);
            return smmu;
        }
        smmu = smmu.Version == SmmuVersion.V3
            ? smmu with { IsIdentified = true, V3 = SmmuV3Features.FromRegisters(idr.Cell(0), idr.Cell(1), idr.Cell(2)) }
            : smmu with { IsIdentified = true, V2 = SmmuV2Features.FromRegisters(idr.Cell(0), idr.Cell(1), idr.Cell(2)) };
        if (!smmu.HasStage1 && !smmu.HasStage2)
            diagnostics.Add(Rules.BadIdentification, idr.Span, smmu.NodePath, "says that no stage translates", registers);
        else if (!smmu.HasGranule(12) && !smmu.HasGranule(14) && !smmu.HasGranule(16))
            diagnostics.Add(Rules.BadIdentification, idr.Span, smmu.NodePath, "says that there is no granule", registers);
        else if (smmu.Version == SmmuVersion.V3 && (!smmu.V3.AArch64Tables || smmu.StreamIdBits > 32))
            diagnostics.Add(Rules.BadIdentification, idr.Span, smmu.NodePath, smmu.StreamIdBits > 32 ? "says that StreamIDs have more than 32 bits" : "says that there are no VMSAv8-64 tables", registers);
        else
            return smmu;
        return smmu with { V3 = BoardSmmu.AssumedV3, V2 = new SmmuV2Features(), IsIdentified = false };
    }
}
