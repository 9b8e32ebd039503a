using System;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Text that grows at its end. Characters are copied once, by blocks.</summary>
internal sealed class TextBuffer(int capacity)
{
    private char[] _text = new char[Math.Max(capacity, 256)];

    public int Length { get; private set; }

    public char this[int index] => _text[index];

    public void Append(char c)
    {
        Reserve(1);
        _text[Length++] = c;
    }

    public void Append(string text) => Append(text, 0, text.Length);

    public void Append(string text, int start, int length)
    {
        Reserve(length);
        text.CopyTo(start, _text, Length, length);
        Length += length;
    }

    public override string ToString() => new(_text, 0, Length);

    private void Reserve(int more)
    {
        if (_text.Length - Length < more)
            Array.Resize(ref _text, Math.Max(_text.Length * 2, Length + more));
    }
}
