using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Memblock;

public sealed partial class Memblock
{
    /// <summary>memblock as the kernel has it when it has read the board: memory with nodes, reserved regions, and no-map memory marked.</summary>
    /// <remarks>
    /// Memory is the layout's banks, and <c>no-map</c> regions that lie in RAM with <see cref="MemblockFlags.NoMap"/>. Other reserved regions are reserved,
    /// <c>reusable</c> ones and the area of <c>cma=</c> too, whose pages CMA lends out later. With highmem, <see cref="CurrentLimit"/> is the end of lowmem: the kernel could not
    /// touch what it places above. The arrays may grow from here on. What the kernel image takes is the caller's to reserve.
    /// </remarks>
    public static Memblock FromLayout(MemoryLayout layout)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var memblock = new Memblock(layout.Pages);
        var hasHighmem = false;
        foreach (var bank in layout.Banks)
        {
            memblock.AddByBank(layout.Board, bank.Range, MemblockFlags.None);
            hasHighmem |= bank.Kind == BankKind.Highmem;
        }
        foreach (var range in RamPlan.NoMapRam(layout))
            memblock.AddByBank(layout.Board, range, MemblockFlags.NoMap);
        foreach (var (region, range) in layout.Reserved)
        {
            if (!region.NoMap)
                memblock.Reserve(range.Start, range.Size);
        }
        // The area of cma= is the kernel's own reservation and no region of the board.
        foreach (var area in layout.CmaAreas)
            memblock.Reserve(area.Range.Start, area.Range.Size);
        if (hasHighmem)
            memblock.CurrentLimit = layout.LowmemLimit;
        memblock.AllowResize = true;
        return memblock;
    }

    // The bank of the board that it lies in says its node; RAM that came from mem= lies in none and is on node 0.
    private void AddByBank(Board board, PhysRange range, MemblockFlags flags)
    {
        var covered = 0UL;
        foreach (var bank in board.Banks)
        {
            var part = range.Intersect(bank.Range);
            if (part.IsEmpty)
                continue;
            Add(part.Start, part.Size, bank.NumaNode, flags | (bank.Hotpluggable ? MemblockFlags.Hotplug : MemblockFlags.None));
            covered += part.Size.Value;
        }
        if (covered < range.Size.Value)
            Add(range.Start, range.Size, 0, flags);
    }
}
