using KmemKit.BoardCompiler.Diagnostics;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>How a node's children write addresses and sizes: <c>#address-cells</c> and <c>#size-cells</c> (Devicetree Specification 0.4, section 2.3.5).</summary>
/// <param name="AddressCells">Cells of an address; 2 where the node does not say.</param>
/// <param name="SizeCells">Cells of a size; 1 where the node does not say.</param>
internal readonly record struct CellFormat(int AddressCells, int SizeCells)
{
    // No bus has more than PCI's three; the kernel stops at four (OF_MAX_ADDR_CELLS). More is a mistake, and would make absurdly large groups.
    private const uint MostCells = 4;

    /// <summary>Cells of an address and its size.</summary>
    public int Total => AddressCells + SizeCells;

    /// <summary>Reads both; what is malformed is a finding and counts as the default.</summary>
    public static CellFormat Of(DeviceTreeNode node, DiagnosticBag diagnostics) =>
        new(Read(node, "#address-cells", 2, diagnostics), Read(node, "#size-cells", 1, diagnostics));

    private static int Read(DeviceTreeNode node, string name, int otherwise, DiagnosticBag diagnostics)
    {
        if (node.Property(name) is not { } property)
            return otherwise;
        if (property.TryReadU32(out var cells) && cells <= MostCells)
            return (int)cells;
        diagnostics.Add(Rules.BadCellCount, property.SpanAt(0), name, node.Path, MostCells, otherwise);
        return otherwise;
    }
}
