using System;
using System.Numerics;
using KmemKit.Architecture;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Uclinux;

/// <summary>A stretch of RAM in frames of 4 KiB, and which of them are taken: the frame table of a system without MMU.</summary>
/// <remarks>
/// <para>The table lies at the bottom of the stretch and is charged to it, as bootmem's bitmap is:</para>
/// <code>
///   | taken: 1 bit a frame | last: 1 bit a frame | small pages: 32 bytes a frame | frame 0 | frame 1 | ...
/// </code>
/// <para>Invariants: a <c>last</c> bit is set on the last frame of each block and on no free frame; so a block begins at a taken frame whose neighbour below
/// is free, or the last of another block, and its length needs no store of its own. Bits past the last frame are set as taken, so no search ends there.</para>
/// </remarks>
public sealed unsafe class FramePool
{
    /// <summary>log2 of the frame size.</summary>
    public const int FrameShift = 12;

    /// <summary>Bytes in a frame.</summary>
    public const ulong FrameSize = 1UL << FrameShift;

    // Frames are counted in int; 2^31 frames are 8 TiB.
    private const ulong MaxFrames = int.MaxValue - 64;

    private readonly PhysicalMemory _memory;
    private readonly ulong* _taken;
    private readonly ulong* _last;
    private readonly int _words;

    /// <summary>All of <paramref name="range"/>, of which the first frames hold the frame table.</summary>
    /// <param name="memory">Must have all of it as RAM.</param>
    /// <param name="range">Starts and ends at a frame; 2 frames or more.</param>
    /// <exception cref="ArgumentException">The range is no RAM, not of whole frames, or too small to hold more than its table.</exception>
    public FramePool(PhysicalMemory memory, PhysRange range)
    {
        ArgumentNullException.ThrowIfNull(memory);
        if (!range.Start.IsAligned(FrameSize) || range.Size.IsTop || range.Size.Value % FrameSize != 0)
            throw new ArgumentException($"{range} does not start and end at a frame of 4 KiB.", nameof(range));
        var all = range.Size.Value >> FrameShift;
        if (all > MaxFrames)
            throw new ArgumentException($"{range} has more than {MaxFrames} frames.", nameof(range));
        var words = (all + 63) / 64;
        var tableBytes = (words * 16) + (all * (ulong)sizeof(SmallPage));
        var tableFrames = (tableBytes + FrameSize - 1) >> FrameShift;
        if (tableFrames >= all)
            throw new ArgumentException($"{range} is too small to hold more than its own frame table.", nameof(range));
        var table = memory.PointerTo(range.Start, range.Size.Value);
        if (table is null)
            throw new ArgumentException($"{range} is not all RAM.", nameof(range));

        _memory = memory;
        Range = range;
        MetadataBytes = tableFrames << FrameShift;
        FrameCount = (int)(all - tableFrames);
        FirstFrame = range.Start + MetadataBytes;
        _words = (FrameCount + 63) / 64;
        _taken = (ulong*)table;
        _last = _taken + words;
        SmallPages = (SmallPage*)(_last + words);
        memory.Fill(range.Start, tableBytes, 0);
        if (FrameCount % 64 != 0)
            _taken[_words - 1] = ulong.MaxValue << (FrameCount % 64);
        FreeFrames = FrameCount;
    }

    /// <summary>Physical addresses, the frame table included.</summary>
    public PhysRange Range { get; }

    /// <summary>Bytes the frame table takes.</summary>
    public ulong MetadataBytes { get; }

    /// <summary>The address of frame 0, behind the table.</summary>
    public PhysAddr FirstFrame { get; }

    /// <summary>Frames there are.</summary>
    public int FrameCount { get; }

    /// <summary>Frames that are free.</summary>
    public int FreeFrames { get; private set; }

    internal SmallPage* SmallPages { get; }

    /// <summary>The longest row of free frames.</summary>
    public int LargestFreeRun()
    {
        var largest = 0;
        for (int start = NextFree(0), end; start < FrameCount; start = NextFree(end))
        {
            end = NextTaken(start);
            largest = Math.Max(largest, end - start);
        }
        return largest;
    }

    /// <summary>Whether frame <paramref name="frame"/> is taken.</summary>
    public bool IsTaken(int frame) => (uint)frame < (uint)FrameCount && Bit(_taken, frame);

    internal PhysAddr AddressOf(int frame) => FirstFrame + ((ulong)frame << FrameShift);

    /// <summary>The frame that <paramref name="address"/> lies in; it must be taken.</summary>
    internal int TakenFrameOf(PhysAddr address)
    {
        if (address < FirstFrame || !Range.Contains(address))
            throw new UclinuxFreeException(UclinuxFreeError.Foreign, address, $"{address} is not in the pool {Range}.");
        var frame = (int)((address - FirstFrame) >> FrameShift);
        return Bit(_taken, frame) ? frame : throw NotAllocated(address);
    }

    /// <summary>The frames of the block that starts at <paramref name="address"/>, which lies in the taken frame <paramref name="frame"/>.</summary>
    internal int LengthOf(int frame, PhysAddr address)
    {
        var starts = frame == 0 || !Bit(_taken, frame - 1) || Bit(_last, frame - 1);
        if (!starts || !address.IsAligned(FrameSize))
            throw Inside(address);
        var end = frame;
        while (!Bit(_last, end))
            end++;
        return end - frame + 1;
    }

    internal void Take(int first, int count)
    {
        for (var i = first; i < first + count; i++)
            Set(_taken, i);
        Set(_last, first + count - 1);
        FreeFrames -= count;
    }

    internal void Release(int first, int count)
    {
        for (var i = first; i < first + count; i++)
            Clear(_taken, i);
        Clear(_last, first + count - 1);
        FreeFrames += count;
    }

    /// <summary>The lowest row of <paramref name="count"/> free frames; -1 where there is none.</summary>
    internal int FindFromBottom(int count)
    {
        for (int start = NextFree(0), end; start < FrameCount; start = NextFree(end))
        {
            end = NextTaken(start);
            if (end - start >= count)
                return start;
        }
        return -1;
    }

    /// <summary>The highest row of <paramref name="count"/> free frames; -1 where there is none.</summary>
    internal int FindFromTop(int count)
    {
        for (int last = PreviousFree(FrameCount - 1), below; last >= 0; last = PreviousFree(below))
        {
            below = PreviousTaken(last);
            if (last - below >= count)
                return last - count + 1;
        }
        return -1;
    }

    /// <summary>
    /// The first frame of the block that a buddy system would give for 2^<paramref name="order"/> frames: the lowest of the smallest free blocks that are
    /// large enough, where free blocks are what free rows come apart into at multiples of their own size. -1 where there is none.
    /// </summary>
    internal int FindBuddy(int order, int maxOrder)
    {
        var best = -1;
        var bestOrder = maxOrder + 1;
        var firstNumber = FirstFrame.Value >> FrameShift;
        for (int start = NextFree(0), end; start < FrameCount; start = NextFree(end))
        {
            end = NextTaken(start);
            for (var at = start; at < end;)
            {
                var fits = Math.Min(BitOperations.Log2((uint)(end - at)), BitOperations.TrailingZeroCount(firstNumber + (ulong)at));
                var block = Math.Min(fits, maxOrder);
                if (block >= order && block < bestOrder)
                    (best, bestOrder) = (at, block);
                if (bestOrder == order)
                    return best;
                at += 1 << block;
            }
        }
        return best;
    }

    internal static UclinuxFreeException NotAllocated(PhysAddr address) =>
        new(UclinuxFreeError.NotAllocated, address, $"Nothing is allocated at {address}: freed twice, or never handed out.");

    internal static UclinuxFreeException Inside(PhysAddr address) =>
        new(UclinuxFreeError.InsideBlock, address, $"{address} is inside a block, and not where it starts.");

    private static bool Bit(ulong* bits, int index) => (bits[index >> 6] >> (index & 63) & 1) != 0;

    private static void Set(ulong* bits, int index) => bits[index >> 6] |= 1UL << (index & 63);

    private static void Clear(ulong* bits, int index) => bits[index >> 6] &= ~(1UL << (index & 63));

    private int NextFree(int from) => Next(from, ulong.MaxValue);

    private int NextTaken(int from) => Next(from, 0);

    // The first frame from there whose bit, XORed with flip, is set; FrameCount where there is none.
    private int Next(int from, ulong flip)
    {
        if (from >= FrameCount)
            return FrameCount;
        var word = from >> 6;
        var bits = (_taken[word] ^ flip) & (ulong.MaxValue << (from & 63));
        while (bits == 0)
        {
            if (++word == _words)
                return FrameCount;
            bits = _taken[word] ^ flip;
        }
        return Math.Min(FrameCount, (word << 6) + BitOperations.TrailingZeroCount(bits));
    }

    private int PreviousFree(int from) => Previous(from, ulong.MaxValue);

    private int PreviousTaken(int from) => Previous(from, 0);

    private int Previous(int from, ulong flip)
    {
        if (from < 0)
            return -1;
        var word = from >> 6;
        var bits = (_taken[word] ^ flip) & (ulong.MaxValue >> (63 - (from & 63)));
        while (bits == 0)
        {
            if (--word < 0)
                return -1;
            bits = _taken[word] ^ flip;
        }
        return (word << 6) + 63 - BitOperations.LeadingZeroCount(bits);
    }
}
