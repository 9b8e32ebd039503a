using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>The board's reserved regions with their places, those with a size only included.</summary>
/// <param name="Regions">In the board's order; a region that found no place is missing, and reported.</param>
internal sealed record TakenMemory(ImmutableArray<PlacedRegion> Regions)
{
    /// <summary>Takes what <c>no-map</c> regions cover out of <paramref name="ram"/>.</summary>
    public void RemoveNoMap(Ram ram)
    {
        foreach (var (region, range) in Regions)
        {
            if (region.NoMap && !range.IsEmpty)
                ram.Remove(range.Start.Value, range.End.IsTop ? ulong.MaxValue : range.End.Value);
        }
    }
}

/// <summary>
/// Places reserved regions that have a size and no address as the kernel does: in order, each as high as it fits, in its <c>alloc-ranges</c> one after
/// the other, or anywhere in lowmem.
/// </summary>
/// <remarks>
/// Source: drivers/of/of_reserved_mem.c, __reserved_mem_alloc_size, over memblock's top-down search. A <c>reusable</c> shared-dma-pool is aligned to
/// the CMA minimum (<see cref="BuddyGeometry.CmaAlignment"/>) there. What the kernel image and the boot allocator take is not known here, so the
/// real address can be lower.
/// </remarks>
internal static class ReservedPlacement
{
    public static TakenMemory Place(Board board, PageGeometry pages, Ram ram, ulong lowmemLimit, DiagnosticBag diagnostics)
    {
        var free = ram.Copy();
        foreach (var region in board.Reserved)
        {
            if (region.Range is { IsEmpty: false } range)
                free.Remove(range.Start.Value, range.End.IsTop ? ulong.MaxValue : range.End.Value);
        }
        var placed = ImmutableArray.CreateBuilder<PlacedRegion>();
        foreach (var region in board.Reserved)
        {
            if (region.Range is { } given)
            {
                placed.Add(new PlacedRegion(region, given));
                continue;
            }
            var size = region.DynamicSize ?? 0;
            var alignment = EffectiveAlignment(board, pages, region);
            if (size != 0 && Alignment.IsPowerOfTwo(alignment) && FindPlace(region, free, lowmemLimit, size, alignment) is { } start)
            {
                free.Remove(start, start + size);
                placed.Add(new PlacedRegion(region, new PhysRange(new PhysAddr(start), size)));
                continue;
            }
            var where = region.AllocRanges.IsEmpty ? $"lowmem below {new PhysAddr(lowmemLimit)}" : string.Join(", ", region.AllocRanges);
            diagnostics.Add(DiagnosticTable.Layout.ReservedUnplaced, region.Span, region.Name, new PhysAddr(size), new PhysAddr(alignment), where);
        }
        return new TakenMemory(placed.ToImmutable());
    }

    private static ulong EffectiveAlignment(Board board, PageGeometry pages, ReservedRegion region)
    {
        var alignment = Math.Max(region.DynamicAlignment, pages.PageSize);
        return region.IsCma ? Math.Max(alignment, BuddyGeometry.CmaAlignment(board, pages)) : alignment;
    }

    private static ulong? FindPlace(ReservedRegion region, Ram free, ulong lowmemLimit, ulong size, ulong alignment)
    {
        if (region.AllocRanges.IsEmpty)
            return FindTopDown(free, 0, lowmemLimit, size, alignment);
        foreach (var range in region.AllocRanges)
        {
            var end = range.End.IsTop ? ulong.MaxValue : range.End.Value;
            if (FindTopDown(free, range.Start.Value, end, size, alignment) is { } start)
                return start;
        }
        return null;
    }

    public static ulong? FindTopDown(Ram free, ulong from, ulong to, ulong size, ulong alignment)
    {
        ulong? best = null;
        foreach (var piece in free.Pieces)
        {
            var low = Math.Max(piece.Start, from);
            var high = Math.Min(piece.End, to);
            if (high < low || high - low < size)
                continue;
            var start = Alignment.Down(high - size, alignment);
            if (start >= low && (best is null || start > best))
                best = start;
        }
        return best;
    }
}
