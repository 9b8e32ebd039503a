using System.Collections.Immutable;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// Reads <c>qcom,memblock-remove</c> of Qualcomm's 3.4 and 3.10 kernels: pairs of a 32-bit address and a 32-bit size, on
/// <c>qcom,msm-mem-hole</c> or on any device, taken out of memory before the kernel decides about lowmem (arch/arm/mach-msm/memory.c,
/// dt_scan_for_memory_hole).
/// </summary>
internal static class MemoryHoleReader
{
    private static readonly CellFormat s_format = new(1, 1);

    public static ImmutableArray<MemoryHole> Read(DeviceTreeNode root, DiagnosticBag diagnostics)
    {
        var holes = ImmutableArray.CreateBuilder<MemoryHole>();
        foreach (var node in root.DescendantsAndSelf())
        {
            if (node.Property("qcom,memblock-remove") is not { } property)
                continue;
            if (!node.IsEnabled())
            {
                diagnostics.Add(Rules.NodeDisabled, node.Property("status")!.Span, node.Path, "what it removes");
                continue;
            }
            if (property.Value.Length == 0 || property.Value.Length % (s_format.Total * sizeof(uint)) != 0)
            {
                diagnostics.Add(Rules.BadMemblockLength, property.Span, property.Name, node.Path, property.Value.Length, "pairs");
                continue;
            }
            foreach (var entry in RegEntry.ReadAll(node, property, s_format, diagnostics))
            {
                // Two 32-bit cells cannot end beyond 2^64.
                var range = RegEntry.RangeOf(entry.Address.Value, entry.Size)!.Value;
                if (range.IsEmpty)
                    diagnostics.Add(Rules.SizeZero, entry.Span, property.Name, node.Path, entry.AddressText);
                else
                    holes.Add(new MemoryHole(range, node.Path, entry.Span));
            }
        }
        return holes.ToImmutable();
    }
}
