using System;
using System.Buffers.Binary;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>A stretch of bytes in a larger array.</summary>
internal readonly struct ByteSlice(byte[] array, int start, int length)
{
    public byte[] Array => array;

    public int Start => start;

    public int Length => length;

    public Span<byte> Span => array.AsSpan(start, length);
}

/// <summary>The values of all properties, one behind the other in large blocks: a value costs no allocation of its own.</summary>
/// <remarks>A value under construction that does not fit the block moves to the next one whole, so that every value is one stretch.</remarks>
internal sealed class ValueBuffer
{
    private const int FirstBlock = 1 << 13;
    private const int LargestBlock = 1 << 18;

    private byte[] _block = [];
    private int _start;
    private int _end;

    /// <summary>Bytes of the value under construction.</summary>
    public int Length => _end - _start;

    public void Begin() => _start = _end;

    public ByteSlice Finish() => _end == _start ? new ByteSlice([], 0, 0) : new ByteSlice(_block, _start, _end - _start);

    public void Append8(byte value)
    {
        if (_end >= _block.Length)
            Grow(1);
        _block[_end++] = value;
    }

    public void Append16(ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);
    }

    public void Append32(uint value)
    {
        if (_block.Length - _end < 4)
            Grow(4);
        BinaryPrimitives.WriteUInt32BigEndian(_block.AsSpan(_end), value);
        _end += 4;
    }

    public void Append64(ulong value)
    {
        BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);
    }

    public void Append(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>Room for bytes that the caller writes at once.</summary>
    public Span<byte> Take(int length)
    {
        if (_block.Length - _end < length)
            Grow(length);
        var span = _block.AsSpan(_end, length);
        _end += length;
        return span;
    }

    /// <summary>Gives back the last bytes taken.</summary>
    public void Untake(int length) => _end -= length;

    private void Grow(int more)
    {
        var length = _end - _start;
        var size = Math.Max(FirstBlock, Math.Min(LargestBlock, _block.Length * 2));
        if (size - length < more)
            size = checked((length + more) * 2);
        var block = new byte[size];
        _block.AsSpan(_start, length).CopyTo(block);
        (_block, _start, _end) = (block, 0, length);
    }
}
