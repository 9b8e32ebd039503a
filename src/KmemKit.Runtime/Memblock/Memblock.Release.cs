using System;
using System.Numerics;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>What went to the page allocator.</summary>
/// <param name="Pages">Pages that it has now.</param>
/// <param name="LostBytes">Free bytes at the ends of free ranges that make no whole page: nobody has them.</param>
public readonly record struct MemblockRelease(ulong Pages, ulong LostBytes);

public sealed partial class Memblock
{
    /// <summary>Whether the page allocator has the free memory. Nothing can be added, taken or freed here any more; questions are still answered.</summary>
    public bool IsReleased { get; private set; }

    /// <summary>
    /// Gives all free memory to the page allocator, as blocks that are as large as their address, their range and <paramref name="maxOrder"/> allow, by
    /// rising address (memblock_free_all). Reserved and <see cref="MemblockFlags.NoMap"/> memory stays out; hot-pluggable memory goes as well.
    /// </summary>
    /// <param name="maxOrder">The largest order the allocator takes.</param>
    /// <param name="release">Takes a block of 2^order pages from its first frame.</param>
    /// <exception cref="MemblockException">It was done before.</exception>
    public MemblockRelease ReleaseAll(int maxOrder, Action<PageFrame, int> release)
    {
        ArgumentNullException.ThrowIfNull(release);
        ArgumentOutOfRangeException.ThrowIfNegative(maxOrder);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(maxOrder, 63 - Pages.PageShift);
        RefuseIfReleased();
        ClearHotplug(PhysAddr.Zero, AddressLimit.Top);
        IsReleased = true;
        ulong pages = 0, lost = 0;
        foreach (var (range, _) in FreeRanges())
        {
            var (frame, end) = WholeFrames(range);
            var whole = end > frame ? end - frame : 0;
            pages += whole;
            // Wraps to the right number where the range has 2^64 bytes: then nothing is lost.
            lost += unchecked(range.Size.Wrapped - (whole << Pages.PageShift));
            for (var order = 0; frame < end; frame += 1UL << order)
            {
                order = Math.Min(maxOrder, frame == 0 ? maxOrder : BitOperations.TrailingZeroCount(frame));
                while (1UL << order > end - frame)
                    order--;
                release(new PageFrame(frame), order);
            }
        }
        return new MemblockRelease(pages, lost);
    }

    /// <summary>
    /// Gives memory that was still reserved at <see cref="ReleaseAll"/> to the page allocator, page by page: init sections, an initrd, boot-time tables
    /// (memblock_free_late). Bytes at the ends that make no whole page stay reserved.
    /// </summary>
    /// <param name="range">Physical addresses.</param>
    /// <param name="release">Takes a block of 2^order pages; the order is 0.</param>
    /// <returns>What went; <see cref="MemblockRelease.LostBytes"/> are those that stayed.</returns>
    /// <exception cref="MemblockException">EINVAL: not all of it is reserved memory, or the page allocator does not have the rest yet.</exception>
    public MemblockRelease FreeLate(PhysRange range, Action<PageFrame, int> release)
    {
        ArgumentNullException.ThrowIfNull(release);
        if (!IsReleased)
            throw new MemblockException(MemblockError.Released, $"{range} cannot be freed late: the page allocator does not run yet. Use Free.");
        if (Reserved.IndexOf(range.Start) is not (>= 0 and var index) || !Reserved[index].Range.Contains(range) || !IsRegionMemory(range))
            throw new MemblockException(MemblockError.NotReserved, $"{range} is not reserved memory: it was freed already, or never reserved.");
        var (frame, end) = WholeFrames(range);
        if (end <= frame)
            return new MemblockRelease(0, range.Size.Value);
        var whole = new PhysRange(Pages.ToAddress(new PageFrame(frame)), (end - frame) << Pages.PageShift);
        if (!Reserved.Remove(whole, Grow))
            throw Full(Reserved, whole);
        for (var at = frame; at < end; at++)
            release(new PageFrame(at), 0);
        return new MemblockRelease(end - frame, range.Size.Value - whole.Size.Value);
    }

    private void RefuseIfReleased()
    {
        if (IsReleased)
            throw new MemblockException(MemblockError.Released, "memblock gave its memory to the page allocator: allocate and free there.");
    }
}
