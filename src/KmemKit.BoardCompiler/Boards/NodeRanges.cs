using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>What a node stands for when another one refers to it by its label.</summary>
internal static class NodeRanges
{
    /// <summary>Its physical addresses: of a memory bank, of reserved memory that has a place, or of a device; none where the CPU reaches none.</summary>
    public static List<PhysRange> Of(Board board, string nodePath) =>
    [
        .. board.Banks.Where(b => b.NodePath == nodePath).Select(b => b.Range),
        .. board.Reserved.Where(r => r.NodePath == nodePath && r.Range is not null).Select(r => r.Range!.Value),
        .. board.Devices.Where(d => d.NodePath == nodePath).SelectMany(d => d.Ranges).Select(r => r.Range),
    ];
}
