using System;
using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// A text that only grows, in a rented array. A blob prints as two to three times its size in characters, most of them hex digits: those
// are put straight into the array.
internal struct DtsText : IDisposable
{
    private const string Digits = "0123456789abcdef";
    private const int MaxHexLength = 18;

    private char[] _characters;
    private int _length;

    internal DtsText(int capacity)
    {
        _characters = ArrayPool<char>.Shared.Rent(capacity);
        _length = 0;
    }

    internal void Put(char character)
    {
        if (_length == _characters.Length)
            Grow(1);
        _characters[_length++] = character;
    }

    internal void Put(string text)
    {
        if (_characters.Length - _length < text.Length)
            Grow(text.Length);
        text.CopyTo(0, _characters, _length, text.Length);
        _length += text.Length;
    }

    internal void Put(ReadOnlySpan<char> text)
    {
        if (_characters.Length - _length < text.Length)
            Grow(text.Length);
        text.CopyTo(_characters.AsSpan(_length));
        _length += text.Length;
    }

    // Deeper than any kernel reads, indentation stops growing: a tree made to be deep and broad would print as gigabytes of tabs.
    internal void Indent(int depth)
    {
        depth = Math.Min(depth, 64);
        if (_characters.Length - _length < depth)
            Grow(depth);
        _characters.AsSpan(_length, depth).Fill('\t');
        _length += depth;
    }

    /// <summary><c>0x</c> and the digits, without leading zeros, of a number.</summary>
    internal void PutHex(ulong value)
    {
        if (_characters.Length - _length < MaxHexLength)
            Grow(MaxHexLength);
        _length += WriteHex(value, _characters.AsSpan(_length));
    }

    /// <summary>Cells of 32 bits with a space in between: the bulk of a blob, hence room is made once for all of them.</summary>
    internal void PutCells(ReadOnlySpan<byte> bytes)
    {
        var most = checked(bytes.Length / 4 * 11);
        if (_characters.Length - _length < most)
            Grow(most);
        var target = _characters.AsSpan(_length, most);
        var length = 0;
        for (; bytes.Length >= 4; bytes = bytes.Slice(4))
        {
            if (length > 0)
                target[length++] = ' ';
            length += WriteHex(BinaryPrimitives.ReadUInt32BigEndian(bytes), target.Slice(length));
        }
        _length += length;
    }

    private static int WriteHex(ulong value, Span<char> target)
    {
        if (value < 16)
        {
            target[2] = Digits[(int)value];
            target[1] = 'x';
            target[0] = '0';
            return 3;
        }
        var length = 3;
        for (var rest = value >> 4; rest != 0; rest >>= 4)
            length++;
        target = target.Slice(0, length);
        target[0] = '0';
        target[1] = 'x';
        for (var i = length - 1; i > 1; i--)
        {
            target[i] = Digits[(int)(value & 15)];
            value >>= 4;
        }
        return length;
    }

    /// <summary>
    /// Puts the start of a string literal's text, up to the first character that needs an escape, and says how many bytes that was.
    /// </summary>
    internal int PutPlain(ReadOnlySpan<byte> bytes)
    {
        if (_characters.Length - _length < bytes.Length)
            Grow(bytes.Length);
        var target = _characters.AsSpan(_length, bytes.Length);
        var length = 0;
        while (length < bytes.Length && bytes[length] is >= 32 and <= 126 and not (byte)'"' and not (byte)'\\')
        {
            target[length] = (char)bytes[length];
            length++;
        }
        _length += length;
        return length;
    }

    /// <summary>The two digits of a byte.</summary>
    internal void PutByte(byte value)
    {
        Put(Digits[value >> 4]);
        Put(Digits[value & 15]);
    }

    internal void PutDecimal(int value) => Put(value.ToString(CultureInfo.InvariantCulture));

    public override readonly string ToString() => new(_characters, 0, _length);

    public readonly void Dispose() => ArrayPool<char>.Shared.Return(_characters);

    private void Grow(int count)
    {
        var larger = ArrayPool<char>.Shared.Rent(checked(Math.Max(_length + count, _length * 2)));
        _characters.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<char>.Shared.Return(_characters);
        _characters = larger;
    }
}
