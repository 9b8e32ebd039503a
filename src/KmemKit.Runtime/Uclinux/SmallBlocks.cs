using System;
using System.Numerics;
using System.Runtime.InteropServices;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Uclinux;

/// <summary>What the frame table says of a frame that is cut into small blocks; all zero for any other frame.</summary>
[StructLayout(LayoutKind.Sequential, Size = 32)]
internal unsafe struct SmallPage
{
    /// <summary>One bit a block, set where it is out.</summary>
    public fixed ulong Used[2];

    /// <summary>Neighbours on the list of pages with a free block, as frame number + 1; 0 for none.</summary>
    public int Previous;

    /// <inheritdoc cref="Previous"/>
    public int Next;

    /// <summary>Blocks that are out.</summary>
    public short Count;

    /// <summary>log2 of the block size; 0 where the frame holds no small blocks.</summary>
    public byte Shift;
}

/// <summary>
/// Blocks of 2^n bytes below a page. A page holds blocks of one size; pages with a free block are on a list of their size, and a page whose last block comes
/// back is a free frame again at once.
/// </summary>
internal sealed unsafe class SmallBlocks(FramePool pool)
{
    /// <summary>log2 of the smallest block: 32 bytes, kmalloc's smallest.</summary>
    public const int MinShift = 5;

    /// <summary>The largest block below a page.</summary>
    public const ulong MaxSize = FramePool.FrameSize / 2;

    // First page with a free block, per size, as frame number + 1.
    private readonly int[] _partial = new int[FramePool.FrameShift];

    public static int ShiftOf(ulong bytes) => Math.Max(MinShift, BitOperations.Log2(bytes - 1 | 1) + (bytes > 1 ? 1 : 0));

    public bool Owns(int frame) => pool.SmallPages[frame].Shift != 0;

    public ulong SizeAt(int frame, PhysAddr block)
    {
        _ = IndexOf(frame, block);
        return 1UL << pool.SmallPages[frame].Shift;
    }

    public PhysAddr? Alloc(ulong bytes)
    {
        var shift = ShiftOf(bytes);
        if (_partial[shift] == 0 && !AddPage(shift))
            return null;
        var frame = _partial[shift] - 1;
        var page = &pool.SmallPages[frame];
        var index = FirstFree(page, shift);
        page->Used[index >> 6] |= 1UL << (index & 63);
        if (++page->Count == BlocksOf(shift))
            Unlink(frame);
        return pool.AddressOf(frame) + ((ulong)index << shift);
    }

    public void Free(int frame, PhysAddr block)
    {
        var index = IndexOf(frame, block);
        var page = &pool.SmallPages[frame];
        page->Used[index >> 6] &= ~(1UL << (index & 63));
        if (page->Count-- == BlocksOf(page->Shift))
            LinkFirst(frame);
        if (page->Count != 0)
            return;
        Unlink(frame);
        *page = default;
        pool.Release(frame, 1);
    }

    private static int BlocksOf(int shift) => 1 << (FramePool.FrameShift - shift);

    private int IndexOf(int frame, PhysAddr block)
    {
        var page = &pool.SmallPages[frame];
        var offset = block - pool.AddressOf(frame);
        var index = (int)(offset >> page->Shift);
        var isOut = (page->Used[index >> 6] >> (index & 63) & 1) != 0;
        if (!isOut)
            throw FramePool.NotAllocated(block);
        return (ulong)index << page->Shift == offset ? index : throw FramePool.Inside(block);
    }

    // Only for pages on the list, which have one.
    private static int FirstFree(SmallPage* page, int shift)
    {
        var index = BitOperations.TrailingZeroCount(~page->Used[0]);
        return index < Math.Min(64, BlocksOf(shift)) ? index : 64 + BitOperations.TrailingZeroCount(~page->Used[1]);
    }

    private bool AddPage(int shift)
    {
        var frame = pool.FindFromBottom(1);
        if (frame < 0)
            return false;
        pool.Take(frame, 1);
        pool.SmallPages[frame].Shift = (byte)shift;
        LinkFirst(frame);
        return true;
    }

    private void LinkFirst(int frame)
    {
        var page = &pool.SmallPages[frame];
        page->Previous = 0;
        page->Next = _partial[page->Shift];
        if (page->Next != 0)
            pool.SmallPages[page->Next - 1].Previous = frame + 1;
        _partial[page->Shift] = frame + 1;
    }

    private void Unlink(int frame)
    {
        var page = &pool.SmallPages[frame];
        if (page->Previous != 0)
            pool.SmallPages[page->Previous - 1].Next = page->Next;
        else
            _partial[page->Shift] = page->Next;
        if (page->Next != 0)
            pool.SmallPages[page->Next - 1].Previous = page->Previous;
        page->Previous = page->Next = 0;
    }
}
