using KmemKit.Architecture;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Contiguous;

/// <summary>Whether a row of frames is one that could be taken at all: RAM of one zone that the allocator has.</summary>
internal static class ContigPlace
{
    /// <summary>Looks a row up.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="start">First frame.</param>
    /// <param name="end">Behind the last.</param>
    /// <param name="zone">Its zone.</param>
    /// <param name="first">Descriptor number of the first frame; those of the others follow.</param>
    /// <param name="at">The frame that is in the way.</param>
    /// <param name="isReserved">Whether reserved memory is looked for, instead of memory that the allocator has.</param>
    public static ContigError Find(
        PageAllocator allocator, PageFrame start, PageFrame end, out MemoryZone? zone, out uint first, out PageFrame at, bool isReserved = false)
    {
        var map = allocator.Map;
        (zone, first, at) = (null, 0, start);
        if (end.Number <= start.Number || end.Number - start.Number > map.Frames)
            return ContigError.Invalid;
        var next = start.Number;
        foreach (var run in map.RunsOf(start.Number, end.Number))
        {
            if (map.FrameAt(run.First).Number != next)
                break;
            if (next == start.Number)
                first = run.First;
            next += run.End - run.First;
        }
        var count = (uint)(next - start.Number);
        for (var i = 0u; i < count;)
        {
            at = new PageFrame(start.Number + i);
            var (error, pages) = allocator.PlaceOf(first + i, isReserved, ref zone);
            if (error != ContigError.None)
                return error;
            i += pages;
        }
        at = new PageFrame(next);
        return next == end.Number ? ContigError.None : ContigError.Hole;
    }
}
