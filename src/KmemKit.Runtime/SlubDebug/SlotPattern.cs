using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using KmemKit.Runtime.Slab;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>The bytes of a slot that are known while its object is free, or allocated, as a few constants and where they start and end: compared and written without a call.</summary>
/// <remarks>
/// <para>Left red zone, object (poison while it is free), right red zone of one word, padding. What lies between right zone and padding belongs to none of them: free
/// pointer, tracks, original size.</para>
/// <para>Part of the object that uses it, so that every offset is one load away; all that is compared is or-ed together and judged once, so that the comparisons wait
/// for nothing but their own bytes.</para>
/// <para>An object is compared soon after it was filled. A load that is exactly one of the last stores gets its value from the store buffer; one that spans
/// two of them waits for the cache. So filling and comparing take the same pieces: 32 bytes, then words. Padding is written once, by whole slabs.</para>
/// <para>It only says whether all is as it should be; what is wrong, and where, is <see cref="SlabObjectChecker"/>'s to find.</para>
/// </remarks>
internal readonly unsafe struct SlotPattern
{
    private const int PieceBytes = 32;
    private const ulong Ones = 0x0101010101010101;
    private const ulong FreeWord = SlabPoison.Free * Ones;
    private const ulong PadWord = SlabPoison.InUse * Ones;

    // The last word has the end's byte on top: a store of its own would be in the way of the comparison.
    private const ulong LastWord = (FreeWord >> 8) | ((ulong)SlabPoison.End << 56);

    /// <summary>Whether the slot's parts are words, so that the rest of this type knows it; else it is compared byte by byte.</summary>
    public readonly bool IsKnown;

    private readonly bool _zones;
    private readonly bool _poisons;
    private readonly bool _endsWithPiece;

    // Offsets from the object's first byte. Where there is no zone or padding, the range is empty.
    private readonly int _left;
    private readonly int _size;
    private readonly int _pieces;
    private readonly int _padding;
    private readonly int _end;
    private readonly int _original;

    /// <summary>The pattern of a cache's slots.</summary>
    /// <param name="layout">Where things are.</param>
    /// <param name="flags">What is filled and checked.</param>
    /// <param name="poisons">Whether free objects are poisoned.</param>
    public SlotPattern(ObjectLayout layout, SlabFlags flags, bool poisons)
    {
        _zones = (flags & SlabFlags.RedZone) != 0;
        _poisons = poisons;
        var pads = (flags & SlabFlags.Poison) != 0;
        var end = layout.Size - layout.RedLeftPad;
        var parts = (_zones ? layout.RedLeftPad : 0) | layout.ObjectSize | (pads ? layout.PaddingAt | end : 0);
        IsKnown = !(_zones || pads) || ((parts & (sizeof(ulong) - 1)) == 0 && layout.Inuse - layout.ObjectSize == (_zones ? sizeof(ulong) : 0));
        _left = _zones ? -layout.RedLeftPad : 0;
        _size = layout.ObjectSize;
        _endsWithPiece = (_size & (PieceBytes - 1)) == 0;
        // The last piece or, of a size of other words, the last word is another.
        _pieces = _endsWithPiece ? _size - PieceBytes : (_size - sizeof(ulong)) & -PieceBytes;
        _padding = pads ? layout.PaddingAt : end;
        _end = end;
        _original = layout.OriginalSizeAt;
    }

    private static Vector256<byte> LastPiece
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => Vector256.Create(FreeWord, FreeWord, FreeWord, LastWord).AsByte();
    }

    /// <summary>Whether a free object's slot is whole.</summary>
    /// <param name="at">The object.</param>
    /// <param name="words">What else must be 0.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsFree(byte* at, ulong words)
    {
        var different = Vector256<byte>.Zero;
        if (_zones)
            CompareZones(at, SlabPoison.RedInactive, ref different, ref words);
        if (_poisons)
            ComparePoison(at, ref different, ref words);
        ComparePadding(at, ref words);
        return words == 0 && different == Vector256<byte>.Zero;
    }

    /// <summary>Whether an allocated object's slot is whole.</summary>
    /// <param name="at">The object.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsActive(byte* at)
    {
        var words = 0UL;
        if (_zones)
        {
            var different = Vector256<byte>.Zero;
            CompareZones(at, SlabPoison.RedActive, ref different, ref words);
            if (different != Vector256<byte>.Zero)
                return false;
            if (_original >= 0 && Unsafe.ReadUnaligned<uint>(at + _original) is var used && used < (uint)_size
                && !BytePattern.IsAll(at + used, _size - (int)used, SlabPoison.RedActive))
                return false;
        }
        ComparePadding(at, ref words);
        return words == 0;
    }

    /// <summary>Makes the slot that of an object that is allocated with its whole size; what the object holds stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteActive(byte* at)
    {
        if (_original >= 0)
            Unsafe.WriteUnaligned(at + _original, (uint)_size);
        if (_zones)
            WriteZones(at, SlabPoison.RedActive);
    }

    /// <summary>Makes the slot that of a free object. The size that was asked for stays: nobody looks at a free object's.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteFree(byte* at)
    {
        if (_zones)
            WriteZones(at, SlabPoison.RedInactive);
        if (_poisons)
            WritePoison(at);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void CompareZones(byte* at, byte red, ref Vector256<byte> different, ref ulong words)
    {
        var wide = Vector256.Create(red);
        nint i = _left;
        for (; i <= -PieceBytes; i += PieceBytes)
            different |= Vector256.Load(SlabObjectChecker.At(at, i)) ^ wide;
        for (; i < 0; i += sizeof(ulong))
            words |= *(ulong*)SlabObjectChecker.At(at, i) ^ (red * Ones);
        words |= *(ulong*)(at + _size) ^ (red * Ones);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WriteZones(byte* at, byte red)
    {
        var wide = Vector256.Create(red);
        nint i = _left;
        for (; i <= -PieceBytes; i += PieceBytes)
            wide.Store(SlabObjectChecker.At(at, i));
        for (; i < 0; i += sizeof(ulong))
            *(ulong*)SlabObjectChecker.At(at, i) = red * Ones;
        *(ulong*)(at + _size) = red * Ones;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ComparePoison(byte* at, ref Vector256<byte> different, ref ulong words)
    {
        var wide = Vector256.Create(SlabPoison.Free);
        nint i = 0;
        for (; i < _pieces; i += PieceBytes)
            different |= Vector256.Load(at + i) ^ wide;
        if (_endsWithPiece)
        {
            different |= Vector256.Load(at + i) ^ LastPiece;
            return;
        }
        for (; i < _size - sizeof(ulong); i += sizeof(ulong))
            words |= *(ulong*)(at + i) ^ FreeWord;
        words |= *(ulong*)(at + i) ^ LastWord;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WritePoison(byte* at)
    {
        var wide = Vector256.Create(SlabPoison.Free);
        nint i = 0;
        for (; i < _pieces; i += PieceBytes)
            wide.Store(at + i);
        if (_endsWithPiece)
        {
            LastPiece.Store(at + i);
            return;
        }
        for (; i < _size - sizeof(ulong); i += sizeof(ulong))
            *(ulong*)(at + i) = FreeWord;
        *(ulong*)(at + i) = LastWord;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void ComparePadding(byte* at, ref ulong words)
    {
        for (nint i = _padding; i < _end; i += sizeof(ulong))
            words |= *(ulong*)(at + i) ^ PadWord;
    }
}
