using System;
using System.Numerics;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Runtime.Contiguous;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Rows of frames of any length, wherever they are or at a given place (<c>alloc_contig_pages</c>, <c>alloc_contig_range</c>).</summary>
public sealed unsafe partial class Cpu
{
    // What a request for a row may say; zones follow from the place.
    private const GfpFlags ContigFlags = GfpFlags.Reclaim | GfpFlags.IO | GfpFlags.FS | GfpFlags.HardWall | GfpFlags.Zero | GfpFlags.NoWarn | GfpFlags.RetryMayFail
        | GfpFlags.NoRetry;

    /// <summary>Takes a row of frames: free pages in it are taken, movable ones moved elsewhere (<c>alloc_contig_range</c>).</summary>
    /// <param name="start">First frame.</param>
    /// <param name="end">Behind the last, in the same zone.</param>
    /// <param name="type"><see cref="MigrateType.Movable"/>, or <see cref="MigrateType.Cma"/> by whoever owns the contiguous area that the row lies in.</param>
    /// <param name="flags">As <see cref="GfpFlags.Kernel"/>: it has to sleep. <see cref="GfpFlags.Zero"/> clears the pages.</param>
    /// <returns>
    /// The pages, each allocated by itself with order 0, to be given back by <see cref="FreeContigRange"/> or one by one; or what was in the way, and then no page is lost and each
    /// pageblock is of the kind it was. Pages stay where they were, except that those which an owner had moved already when another owner refused stay moved.
    /// </returns>
    public ContigResult AllocContigRange(PageFrame start, PageFrame end, MigrateType type, GfpFlags flags)
    {
        if (type is not (MigrateType.Movable or MigrateType.Cma) || !MayAllocContig(flags))
            return ContigResult.Failed(ContigError.Invalid);
        return ContigAllocation.Take(this, start, end, type, flags);
    }

    /// <summary>Takes a row of frames from the first zone that has one (<c>alloc_contig_pages</c>).</summary>
    /// <param name="pages">How many, at least 1; where it is a power of two, the row is aligned to its length.</param>
    /// <param name="flags">As for <see cref="AllocContigRange"/>, with the zones that may be used.</param>
    /// <returns>As for <see cref="AllocContigRange"/>; the error is that of the last row that was tried.</returns>
    public ContigResult AllocContigPages(ulong pages, GfpFlags flags)
    {
        var zones = GfpFlags.HighMem | GfpFlags.DmaZone | GfpFlags.Dma32Zone | GfpFlags.Movable | GfpFlags.ThisNode;
        if (pages == 0 || !MayAllocContig(flags & ~zones) || GfpRules.ZoneOf(flags, _allocator.PresentZoneTypes) is not { } highest)
            return ContigResult.Failed(ContigError.Invalid);
        var result = ContigResult.Failed(ContigError.NoRange);
        var alignment = BitOperations.IsPow2(pages) ? pages : 1;
        foreach (var zone in _allocator.ZoneListOf(Node, highest, (flags & GfpFlags.ThisNode) != 0))
        {
            var start = (zone.Start.Number + alignment - 1) & ~(alignment - 1);
            var end = zone.Start.Number + zone.SpannedPages;
            for (; start < end && end - start >= pages; start += pages)
            {
                result = ContigAllocation.Take(this, new PageFrame(start), new PageFrame(start + pages), MigrateType.Movable, flags);
                if (result.IsOk)
                    return result;
            }
        }
        return result;
    }

    /// <summary>Gives a row of single pages back (<c>free_contig_range</c>).</summary>
    /// <param name="first">Its first page.</param>
    /// <param name="pages">How many, at least 1.</param>
    /// <exception cref="PageErrorException">One of them is not allocated by itself, or has further references: nothing is freed.</exception>
    public void FreeContigRange(Page first, ulong pages)
    {
        ArgumentOutOfRangeException.ThrowIfZero(pages);
        var index = _map.Check(first);
        if (pages > _map.Frames - index)
            throw new PageErrorException(PageErrorKind.Foreign, _map.FrameAt(index), $"{pages} pages from {_map.FrameAt(index)} on are more than the map has.");
        var end = index + (uint)pages;
        for (var at = index; at < end; at++)
        {
            if ((_states[at] & ~PageState.Marked) != PageState.Allocated)
                throw _allocator.ErrorOf(new Page(at), 0);
            var busy = (PageFlags)_map.DescriptorAt(at)->Flags & PageMap.BusyFlags;
            if (busy != 0 || Volatile.Read(ref _map.DescriptorAt(at)->ExtraReferences) != 0)
                throw new PageErrorException(PageErrorKind.InUse, _map.FrameAt(at), $"{_map.FrameAt(at)} is still in use: {_map.PageCount(new Page(at))} references, {busy}.");
        }
        for (var at = index; at < end; at++)
            FreePages(new Page(at), 0);
    }

    private bool MayAllocContig(GfpFlags flags)
    {
        if ((flags & ~ContigFlags) != 0 || !GfpRules.MaySleep(flags))
        {
            _allocator.Report(KernelBugKind.BadFlags, flags, 0);
            return false;
        }
        if (!InAtomic)
            return true;
        _allocator.Report(KernelBugKind.SleepInAtomicContext, flags, 0);
        return false;
    }
}
