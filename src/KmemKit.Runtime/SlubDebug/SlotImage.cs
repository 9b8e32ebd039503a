using System;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>What a whole slot looks like while its object is free, or allocated: laid out once a cache, so that a check is a comparison of memory with memory.</summary>
/// <remarks>
/// <para>The bytes that are known are at most three runs: the left red zone with a free object's poison and the right zone behind it, or the two zones for
/// themselves while the object is allocated; and the padding. What lies between belongs to no run: free pointer, tracks, original size. A run is taken in
/// pieces of 32 bytes, then in words.</para>
/// <para>An object is compared soon after it was filled. A load that is exactly one of the last stores gets its value from the store buffer; one that spans
/// two of them waits for the cache. So filling and comparing take the same pieces.</para>
/// <para>It only says whether all is as it should be; what is wrong, and where, is <see cref="SlabObjectChecker"/>'s to find.</para>
/// </remarks>
internal sealed unsafe class SlotImage
{
    private const int PieceBytes = 32;
    private const int PairBytes = 2 * PieceBytes;

    // Pinned: the runs point into it.
    private readonly byte[] _bytes;
    private readonly Run _first;
    private readonly Run _second;
    private readonly Run _padding;

    // The second run and the padding as they mostly are, a word or nothing: compared by arithmetic, where nothing is a mask of 0 over the object's first word.
    private readonly bool _isShort;
    private readonly Word _behind;
    private readonly Word _end;

    private readonly struct Word(in Run run)
    {
        public readonly nint At = run.Bytes == 0 ? 0 : run.At;
        public readonly ulong Value = run.Bytes == 0 ? 0 : *(ulong*)run.Image;
        public readonly ulong Mask = run.Bytes == 0 ? 0 : ulong.MaxValue;
    }

    private readonly struct Run(int at, int bytes, byte* image)
    {
        public readonly int At = at;
        public readonly int Pairs = bytes / PairBytes * PairBytes;
        public readonly int Pieces = bytes / PieceBytes * PieceBytes;
        public readonly int Bytes = bytes;
        public readonly byte* Image = image;
    }

    private SlotImage((int At, byte[] Bytes) first, (int At, byte[] Bytes) second, (int At, byte[] Bytes) padding)
    {
        _bytes = GC.AllocateUninitializedArray<byte>(first.Bytes.Length + second.Bytes.Length + padding.Bytes.Length, pinned: true);
        var image = (byte*)Unsafe.AsPointer(ref System.Runtime.InteropServices.MemoryMarshal.GetArrayDataReference(_bytes));
        var at = 0;
        _first = Add(first);
        _second = Add(second);
        _padding = Add(padding);
        _isShort = _second.Bytes <= sizeof(ulong) && _padding.Bytes <= sizeof(ulong);
        if (_isShort)
            (_behind, _end) = (new Word(_second), new Word(_padding));

        Run Add((int At, byte[] Bytes) run)
        {
            run.Bytes.CopyTo(_bytes, at);
            var added = new Run(run.At, run.Bytes.Length, image + at);
            at += run.Bytes.Length;
            return added;
        }
    }

    /// <summary>The image of a slot; null where a part does not end at a word's end, or there is nothing to know about a slot.</summary>
    /// <param name="layout">Where things are.</param>
    /// <param name="flags">What is filled and checked.</param>
    /// <param name="poisons">Whether free objects are poisoned.</param>
    /// <param name="isFree">Of a free object, or of one that is allocated with its whole size.</param>
    public static SlotImage? Of(ObjectLayout layout, SlabFlags flags, bool poisons, bool isFree)
    {
        var hasZones = (flags & SlabFlags.RedZone) != 0;
        var hasPadding = (flags & SlabFlags.Poison) != 0;
        var left = hasZones ? layout.RedLeftPad : 0;
        var (size, padding, end) = (layout.ObjectSize, layout.PaddingAt, layout.Size - layout.RedLeftPad);
        if (!(hasZones || hasPadding) || ((left | size | layout.Inuse | padding | end) & (sizeof(ulong) - 1)) != 0)
            return null;
        var red = isFree ? SlabPoison.RedInactive : SlabPoison.RedActive;
        var before = Filled(left, red);
        // Without zones what aligns the object is padding.
        var behind = Filled(layout.Inuse - size, hasZones ? red : SlabPoison.InUse);
        var between = hasPadding ? Filled(end - padding, SlabPoison.InUse) : [];
        if (!isFree || !poisons)
            return new SlotImage((-left, before), (size, behind), (padding, between));
        var poison = Filled(size, SlabPoison.Free);
        poison[^1] = SlabPoison.End;
        return new SlotImage((-left, [.. before, .. poison, .. behind]), (0, []), (padding, between));
    }

    /// <summary>Whether an object's slot is so.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsSo(byte* at)
    {
        var different = Vector256<ulong>.Zero;
        var words = 0UL;
        Compare(at, _first, ref different, ref words);
        if (_isShort)
        {
            words |= (*(ulong*)(at + _behind.At) ^ _behind.Value) & _behind.Mask;
            words |= (*(ulong*)(at + _end.At) ^ _end.Value) & _end.Mask;
        }
        else
        {
            Compare(at, _second, ref different, ref words);
            Compare(at, _padding, ref different, ref words);
        }
        return words == 0 && different == Vector256<ulong>.Zero;
    }

    /// <summary>Makes it so, but for the padding, which is written once.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Write(byte* at)
    {
        Write(at, _first);
        if (!_isShort)
            Write(at, _second);
        else if (_behind.Mask != 0)
            *(ulong*)(at + _behind.At) = _behind.Value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Compare(byte* at, in Run run, ref Vector256<ulong> different, ref ulong words)
    {
        var memory = SlabObjectChecker.At(at, run.At);
        var image = run.Image;
        nint i = 0;
        for (; i < run.Pairs; i += PairBytes)
        {
            different |= (Vector256.Load((ulong*)(memory + i)) ^ Vector256.Load((ulong*)(image + i)))
                | (Vector256.Load((ulong*)(memory + i + PieceBytes)) ^ Vector256.Load((ulong*)(image + i + PieceBytes)));
        }
        for (; i < run.Pieces; i += PieceBytes)
            different |= Vector256.Load((ulong*)(memory + i)) ^ Vector256.Load((ulong*)(image + i));
        for (; i < run.Bytes; i += sizeof(ulong))
            words |= *(ulong*)(memory + i) ^ *(ulong*)(image + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Write(byte* at, in Run run)
    {
        var memory = SlabObjectChecker.At(at, run.At);
        var image = run.Image;
        nint i = 0;
        for (; i < run.Pairs; i += PairBytes)
        {
            Vector256.Load(image + i).Store(memory + i);
            Vector256.Load(image + i + PieceBytes).Store(memory + i + PieceBytes);
        }
        for (; i < run.Pieces; i += PieceBytes)
            Vector256.Load(image + i).Store(memory + i);
        for (; i < run.Bytes; i += sizeof(ulong))
            *(ulong*)(memory + i) = *(ulong*)(image + i);
    }

    private static byte[] Filled(int length, byte value)
    {
        var bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }
}
