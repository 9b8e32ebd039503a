using System;
using System.Linq;

namespace KmemKit.BoardCompiler.Mpu;

/// <summary>
/// A lower bound for tables too hard for <see cref="TreePlanner"/>: regions inside disjoint blocks are different regions, and a block needs at least
/// what it needs when everything around it, free of charge, leaves it what suits it best.
/// </summary>
internal static class TreeBound
{
    /// <summary>The sum over the largest blocks that can be solved exactly.</summary>
    public static int Of(CellMap map, TreeNode node, ulong granule, ulong smallestWithSubregions, long workLimit)
    {
        if (node.IsLeaf || node.Size <= smallestWithSubregions)
            return 0;
        if (node.Level < map.AddressBits && TreePlanner.LeastInside(Inside(map, node), granule, smallestWithSubregions, workLimit / 64) is { } least)
        {
            // What regions around it leave differs by quarter at most, and one region does for all quarters of a class.
            return Math.Max(0, least - Math.Min(4, TreePlanner.PopCount(node.Union & ~1UL)));
        }
        return Of(map, node.Left!, granule, smallestWithSubregions, workLimit) + Of(map, node.Right!, granule, smallestWithSubregions, workLimit);
    }

    /// <summary>The same problem with anything allowed outside the block.</summary>
    private static CellMap Inside(CellMap map, TreeNode node)
    {
        var end = node.Start + node.Size;
        var cells = map.Cells
            .Select((cell, i) => (Cell: cell, End: map.EndOf(i)))
            .Where(c => c.End > node.Start && c.Cell.Start < end)
            .Select(c => c.Cell.Start < node.Start ? c.Cell with { Start = node.Start } : c.Cell);
        var free = new Cell(0, CellMap.Anything, CellMap.Anything);
        var all = node.Start > 0 ? cells.Prepend(free) : cells;
        return new CellMap(map.AddressBits, map.Classes, end < map.End ? all.Append(free with { Start = end }) : all);
    }
}
