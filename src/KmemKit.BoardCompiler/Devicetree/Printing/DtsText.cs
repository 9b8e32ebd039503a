using System;
using System.Buffers;
using System.Globalization;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// A text that only grows, in a rented array. A blob prints as two to three times its size in characters, most of them hex digits: those
// are put straight into the array.
internal struct DtsText : IDisposable
{
    private const string Digits = "0123456789abcdef";

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
        if (_characters.Length - _length < 18)
            Grow(18);
        var target = _characters.AsSpan(_length);
        target[0] = '0';
        target[1] = 'x';
        var digits = 1;
        for (var rest = value >> 4; rest != 0; rest >>= 4)
            digits++;
        for (var i = digits + 1; i > 1; i--)
        {
            target[i] = Digits[(int)(value & 15)];
            value >>= 4;
        }
        _length += digits + 2;
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
