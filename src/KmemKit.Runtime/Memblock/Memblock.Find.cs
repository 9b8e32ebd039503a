using System;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>Memory that is not taken, of one region.</summary>
/// <param name="Range">Physical addresses; never empty.</param>
/// <param name="Node">The region's node.</param>
public readonly record struct MemblockFreeRange(PhysRange Range, int Node);

public sealed partial class Memblock
{
    /// <summary>Memory that is not taken, by rising address (for_each_free_mem_range).</summary>
    /// <param name="node">Only of this node; <see cref="NoNode"/> for all.</param>
    /// <param name="flags">
    /// <see cref="MemblockFlags.Mirror"/>: only mirrored memory. <see cref="MemblockFlags.NoMap"/> and <see cref="MemblockFlags.Hotplug"/>: such memory
    /// too, which otherwise is left out (the latter with <see cref="MovableNode"/> only).
    /// </param>
    public IEnumerable<MemblockFreeRange> FreeRanges(int node = NoNode, MemblockFlags flags = MemblockFlags.None)
    {
        foreach (var region in Memory)
        {
            if (Skip(region, node, flags))
                continue;
            AddressLimit done = region.Range.Start.Value;
            for (var i = Reserved.FirstEndingAbove(region.Range.Start); i < Reserved.Count && Reserved[i].Range.Overlaps(region.Range); i++)
            {
                var taken = Reserved[i].Range;
                if (taken.Start.Value > done)
                    yield return new MemblockFreeRange(PhysRange.FromBounds(new PhysAddr(done.Value), taken.Start.Value), region.Node);
                done = taken.End;
            }
            if (done < region.Range.End)
                yield return new MemblockFreeRange(PhysRange.FromBounds(new PhysAddr(done.Value), region.Range.End), region.Node);
        }
    }

    /// <summary>Memory that is not taken, by falling address (for_each_free_mem_range_reverse).</summary>
    /// <inheritdoc cref="FreeRanges"/>
    public IEnumerable<MemblockFreeRange> FreeRangesReverse(int node = NoNode, MemblockFlags flags = MemblockFlags.None)
    {
        for (var m = Memory.Count - 1; m >= 0; m--)
        {
            var region = Memory[m];
            if (Skip(region, node, flags))
                continue;
            var done = region.Range.End;
            for (var i = Reserved.FirstEndingAbove(region.Range.Last); ; i--)
            {
                // The index may be one past the regions that matter, or past the list.
                if (i < Reserved.Count && Reserved[i].Range.Overlaps(region.Range))
                {
                    var taken = Reserved[i].Range;
                    if (taken.End < done)
                        yield return new MemblockFreeRange(PhysRange.FromBounds(new PhysAddr(taken.End.Value), done), region.Node);
                    done = taken.Start.Value;
                }
                if (i == 0 || !Reserved[i - 1].Range.Overlaps(region.Range))
                    break;
            }
            if (done > region.Range.Start.Value)
                yield return new MemblockFreeRange(PhysRange.FromBounds(region.Range.Start, done), region.Node);
        }
    }

    /// <summary>Whole frames of each region of memory, by rising address; a region without one is left out (for_each_mem_pfn_range).</summary>
    /// <param name="node">Only of this node; <see cref="NoNode"/> for all.</param>
    public IEnumerable<(PageFrame Start, PageFrame End, int Node)> FrameRanges(int node = NoNode)
    {
        foreach (var region in Memory)
        {
            if (node != NoNode && node != region.Node)
                continue;
            var (start, end) = WholeFrames(region.Range);
            if (start < end)
                yield return (new PageFrame(start), new PageFrame(end), region.Node);
        }
    }

    /// <summary>
    /// Finds free memory: as high as possible, or as low with <see cref="BottomUp"/>; the first page is never found (memblock_find_in_range). Where
    /// there is mirrored memory, that is searched first, and the rest after a message.
    /// </summary>
    /// <param name="start">Not below.</param>
    /// <param name="end">Up to, and without; null for <see cref="CurrentLimit"/>.</param>
    /// <param name="size">Bytes, more than 0.</param>
    /// <param name="alignment">A power of two, in bytes.</param>
    /// <returns>The first address; null where nothing fits.</returns>
    public PhysAddr? FindInRange(PhysAddr start, AddressLimit? end, ulong size, ulong alignment)
    {
        var found = FindInRange(start, end, size, alignment, NoNode, PreferredFlags);
        if (found is not null || !_hasMirror)
            return found;
        WarnNoMirror(size);
        return FindInRange(start, end, size, alignment, NoNode, MemblockFlags.None);
    }

    /// <summary>The same in one node and by the given flags only (memblock_find_in_range_node).</summary>
    /// <inheritdoc cref="FindInRange(PhysAddr, AddressLimit?, ulong, ulong)"/>
    public PhysAddr? FindInRange(PhysAddr start, AddressLimit? end, ulong size, ulong alignment, int node, MemblockFlags flags)
    {
        ArgumentOutOfRangeException.ThrowIfZero(size);
        _ = PhysAddr.Zero.IsAligned(alignment);
        // Address 0 is "none" in half of the kernel.
        var from = Math.Max(start.Value, Pages.PageSize);
        var to = end ?? CurrentLimit;
        if (to <= from)
            return null;
        return BottomUp ? FindBottomUp(from, to, size, alignment, node, flags) : FindTopDown(from, to, size, alignment, node, flags);
    }

    private PhysAddr? FindBottomUp(ulong from, AddressLimit to, ulong size, ulong alignment, int node, MemblockFlags flags)
    {
        foreach (var (range, _) in FreeRanges(node, flags))
        {
            var low = Math.Max(range.Start.Value, from);
            var high = range.End < to ? range.End : to;
            var candidate = unchecked(low + alignment - 1) & ~(alignment - 1);
            if (candidate >= low && high > candidate && high.SizeFrom(candidate) >= size)
                return new PhysAddr(candidate);
        }
        return null;
    }

    private PhysAddr? FindTopDown(ulong from, AddressLimit to, ulong size, ulong alignment, int node, MemblockFlags flags)
    {
        foreach (var (range, _) in FreeRangesReverse(node, flags))
        {
            var low = Math.Max(range.Start.Value, from);
            var high = range.End < to ? range.End : to;
            if (high < size)
                continue;
            // 2^64 - size is right in 64 bits for every size that is not 0.
            var candidate = unchecked(high.Wrapped - size) & ~(alignment - 1);
            if (candidate >= low)
                return new PhysAddr(candidate);
        }
        return null;
    }

    private MemblockFlags PreferredFlags => _hasMirror ? MemblockFlags.Mirror : MemblockFlags.None;

    private bool Skip(MemblockRegion region, int node, MemblockFlags flags) =>
        (node != NoNode && node != region.Node)
        || (MovableNode && region.Flags.HasFlag(MemblockFlags.Hotplug) && !flags.HasFlag(MemblockFlags.Hotplug))
        || (flags.HasFlag(MemblockFlags.Mirror) && !region.Flags.HasFlag(MemblockFlags.Mirror))
        || (region.Flags.HasFlag(MemblockFlags.NoMap) && !flags.HasFlag(MemblockFlags.NoMap));

    private (ulong Start, ulong End) WholeFrames(PhysRange range)
    {
        // Not through Alignment.Up, whose error at the top of the space is no error here: the partial last page is just not whole.
        var start = (range.Start.Value >> Pages.PageShift) + ((range.Start.Value & ~Pages.PageMask) != 0 ? 1UL : 0UL);
        return (start, Pages.PagesIn(range.End));
    }

    private void WarnNoMirror(ulong size) => _messages.Add($"memblock: Could not allocate 0x{size:x16} bytes of mirrored memory");
}
