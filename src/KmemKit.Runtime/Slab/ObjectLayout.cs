using System;
using System.Numerics;

namespace KmemKit.Runtime.Slab;

/// <summary>Where the parts of an object lie in its slot: what a debugger writes and checks, worked out once a cache.</summary>
/// <remarks>
/// <para>A slab is a row of slots of <see cref="Size"/> bytes. With every debug flag a slot is, from low to high addresses:</para>
/// <code>
///   +----------------+---------------------+-----------+--------------+--------------------+-----------+-----------+
///   | left red zone  | object              | right red | free pointer | tracks alloc, free | orig size | padding   |
///   | RedLeftPad     | ObjectSize          | to Inuse  | word         | 2 * TrackBytes     | word      | to Size   |
///   +----------------+---------------------+-----------+--------------+--------------------+-----------+-----------+
///   slot             ^ what callers get    ^ ObjectSize ^ Inuse = FreePointerAt             (offsets count from the object, not the slot)
/// </code>
/// <para>Between the original size and the padding is what a debugger wants for itself (ExtraAt). A part whose flag is not set has no bytes; its offset is -1. Without any, Size is the aligned object size. Free objects are named by bitmaps
/// outside of the slab, so the free pointer is written by debuggers alone, for reports that look like the kernel's.</para>
/// <para>Source: mm/slub.c, calculate_sizes; mm/slab_common.c, calculate_alignment.</para>
/// </remarks>
public sealed record ObjectLayout
{
    /// <summary>Bytes of one track: a site number, a CPU number and a time.</summary>
    public const int TrackBytes = 16;

    /// <summary>Bytes that a user of the cache may use.</summary>
    public required int ObjectSize { get; init; }

    /// <summary>Distance of two objects of a slab.</summary>
    public required int Size { get; init; }

    /// <summary>Alignment of each object in bytes, a power of two.</summary>
    public required int Align { get; init; }

    /// <summary>Offset of the first byte behind the object and its right red zone.</summary>
    public required int Inuse { get; init; }

    /// <summary>Bytes of the left red zone; an object starts so far into its slot.</summary>
    public int RedLeftPad { get; init; }

    /// <summary>Offset of the free pointer; -1 where no debug flag keeps one.</summary>
    public int FreePointerAt { get; init; } = -1;

    /// <summary>Offset of the allocation's track; the free's follows. -1 without <see cref="SlabFlags.StoreUser"/>.</summary>
    public int TracksAt { get; init; } = -1;

    /// <summary>Offset of the word that holds the size kmalloc was asked for; -1 where it is not kept.</summary>
    public int OriginalSizeAt { get; init; } = -1;

    /// <summary>Offset of what a debugger wanted behind each object (<see cref="ObjectDebugger.ExtraBytes"/>), a multiple of 8; -1 where it wanted nothing.</summary>
    public int ExtraAt { get; init; } = -1;

    /// <summary>Offset of the padding that fills the slot, counted from the object; equals Size - RedLeftPad where there is none.</summary>
    public required int PaddingAt { get; init; }

    /// <summary>Works a layout out.</summary>
    /// <param name="objectSize">Bytes, at least 1.</param>
    /// <param name="align">Alignment asked for; 0 for the machine's.</param>
    /// <param name="flags">The cache's.</param>
    /// <param name="wordSize">Bytes of a pointer of the board.</param>
    /// <param name="minAlign">ARCH_SLAB_MINALIGN.</param>
    /// <param name="cacheLine">Bytes of a cache line, a power of two.</param>
    /// <param name="minSlot">Bytes that a slot has at least.</param>
    /// <param name="extraBytes">Bytes that a debugger wants behind each object; objects are aligned to at least 8 bytes then, and have a red zone on their left.</param>
    /// <param name="hasLeftRedZone">Whether a red zone stands in front of an object too: from 4.7 on.</param>
    public static ObjectLayout Calculate(
        int objectSize, int align, SlabFlags flags, int wordSize, int minAlign, int cacheLine, int minSlot = 1, int extraBytes = 0, bool hasLeftRedZone = true)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(objectSize, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(extraBytes);
        var alignment = AlignmentOf(objectSize, align, flags, wordSize, extraBytes > 0 ? Math.Max(minAlign, 8) : minAlign, cacheLine);
        var size = AlignUp(objectSize, wordSize);
        var (pointerAt, tracksAt, originalAt, left) = (-1, -1, -1, 0);
        if ((flags & SlabFlags.RedZone) != 0 && size == objectSize)
            size += wordSize;
        var inuse = size;
        if ((flags & (SlabFlags.RedZone | SlabFlags.Poison | SlabFlags.StoreUser)) != 0)
        {
            (pointerAt, size) = (size, size + wordSize);
            if ((flags & SlabFlags.StoreUser) != 0)
            {
                size = AlignUp(size, 8);
                (tracksAt, size) = (size, size + (2 * TrackBytes));
                (originalAt, size) = (size, size + wordSize);
            }
        }
        var extraAt = -1;
        if (extraBytes > 0)
        {
            extraAt = AlignUp(size, 8);
            size = extraAt + extraBytes;
        }
        var padding = size;
        if ((flags & SlabFlags.RedZone) != 0)
        {
            // A word that an overrun hits first, and the zone of the next object's left side.
            size += wordSize;
            left = hasLeftRedZone ? AlignUp(wordSize, alignment) : 0;
        }
        // What stands behind an object guards the next one's left side, but nothing the slab's first one's.
        if (extraBytes > 0)
            left = AlignUp(8, alignment);
        size += left;
        return new ObjectLayout
        {
            ObjectSize = objectSize, Align = alignment, Inuse = inuse, Size = AlignUp(Math.Max(size, minSlot), alignment), RedLeftPad = left,
            FreePointerAt = pointerAt, TracksAt = tracksAt, OriginalSizeAt = originalAt, ExtraAt = extraAt, PaddingAt = padding,
        };
    }

    internal static int AlignmentOf(int size, int align, SlabFlags flags, int wordSize, int minAlign, int cacheLine)
    {
        if ((flags & SlabFlags.HardwareCacheAlign) != 0)
        {
            var line = cacheLine;
            while (size <= line / 2)
                line /= 2;
            align = Math.Max(align, line);
        }
        return AlignUp((int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(align, minAlign)), wordSize);
    }

    internal static int AlignUp(int value, int to) => checked(value + to - 1) & -to;
}
