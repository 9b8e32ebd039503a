using System;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Board;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>An address on a bus: up to 64 bits, and the cells in front of them (PCI's phys.hi), which select a space.</summary>
/// <param name="Space">Cells above the low two; empty for buses of one or two address cells.</param>
/// <param name="Value">The low 64 bits.</param>
internal readonly record struct CellAddress(uint[] Space, ulong Value)
{
    /// <summary>Reads an address of <paramref name="cells"/> cells at cell <paramref name="index"/>.</summary>
    public static CellAddress Read(DeviceTreeProperty property, int index, int cells)
    {
        var high = Math.Max(cells - 2, 0);
        var space = high == 0 ? [] : new uint[high];
        for (var i = 0; i < high; i++)
            space[i] = property.Cell(index + i);
        ulong value = 0;
        for (var i = high; i < cells; i++)
            value = (value << 32) | property.Cell(index + i);
        return new CellAddress(space, value);
    }

    /// <summary>Whether the address is a plain number of 64 bits.</summary>
    public bool FitsIn64Bits => Array.TrueForAll(Space, cell => cell == 0);
}

/// <summary>One address and size of a <c>reg</c>-like property.</summary>
/// <param name="Index">Number of the entry in the property, from 0.</param>
/// <param name="Address">The address on the bus the node is on.</param>
/// <param name="Size">Bytes, up to 2^64; null for a size beyond that.</param>
/// <param name="Span">The cell group in the source.</param>
internal readonly record struct RegEntry(int Index, CellAddress Address, AddressLimit? Size, SourceSpan Span)
{
    /// <summary>The entries; a length that is not a multiple of an entry is a finding, and then there are none.</summary>
    public static List<RegEntry> ReadAll(DeviceTreeNode node, DeviceTreeProperty property, CellFormat format, DiagnosticBag diagnostics)
    {
        var entries = new List<RegEntry>();
        var bytes = format.Total * sizeof(uint);
        if (property.Value.Length == 0 || bytes == 0 || property.Value.Length % bytes != 0)
        {
            diagnostics.Add(Rules.BadRegLength, property.Span, property.Name, node.Path, property.Value.Length, bytes, format.AddressCells, format.SizeCells);
            return entries;
        }
        for (var offset = 0; offset < property.Value.Length; offset += bytes)
        {
            var cell = offset / sizeof(uint);
            entries.Add(new RegEntry(
                offset / bytes,
                CellAddress.Read(property, cell, format.AddressCells),
                ReadSize(property, cell + format.AddressCells, format.SizeCells),
                property.SpanAt(offset)));
        }
        return entries;
    }

    /// <summary>A size of that many cells; 2^64 is one, more is null.</summary>
    public static AddressLimit? ReadSize(DeviceTreeProperty property, int index, int cells)
    {
        var size = CellAddress.Read(property, index, cells);
        if (size.FitsIn64Bits)
            return size.Value;
        var isTop = size.Value == 0 && size.Space[size.Space.Length - 1] == 1;
        for (var i = 0; i < size.Space.Length - 1; i++)
            isTop &= size.Space[i] == 0;
        return isTop ? AddressLimit.Top : null;
    }

    /// <summary>The range of that size, or null where it would end beyond 2^64.</summary>
    public static PhysRange? RangeOf(ulong start, AddressLimit? size)
    {
        if (size is not { } bytes)
            return null;
        var fits = bytes.IsTop ? start == 0 : bytes.Value == 0 || bytes.Value - 1 <= ulong.MaxValue - start;
        return fits ? new PhysRange(new PhysAddr(start), bytes) : null;
    }

    /// <summary>The address as the source writes it, all cells.</summary>
    public string AddressText
    {
        get
        {
            var text = "0x";
            foreach (var cell in Address.Space)
                text += cell.ToString("x8") + "_";
            return text + Address.Value.ToString(Address.Space.Length > 0 ? "x16" : "x");
        }
    }
}
