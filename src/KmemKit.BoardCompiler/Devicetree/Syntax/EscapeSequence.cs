namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>The escapes of strings and characters: those of C (C17 6.4.4.4), any other character standing for itself.</summary>
internal static class EscapeSequence
{
    public enum Kind : byte
    {
        /// <summary>A byte.</summary>
        Byte,

        /// <summary>The character itself; the value is how many UTF-16 units it takes.</summary>
        Character,

        /// <summary><c>\x</c> without a digit.</summary>
        Bad,
    }

    /// <summary>Reads what stands behind a backslash, of which there is at least one character, and moves behind it.</summary>
    public static int Read(string text, ref int position, out Kind kind)
    {
        var c = text[position++];
        kind = Kind.Byte;
        switch (c)
        {
            case 'a': return '\a';
            case 'b': return '\b';
            case 't': return '\t';
            case 'n': return '\n';
            case 'v': return '\v';
            case 'f': return '\f';
            case 'r': return '\r';
            case >= '0' and <= '7':
                var octal = c - '0';
                for (var i = 0; i < 2 && position < text.Length && text[position] is >= '0' and <= '7'; i++)
                    octal = octal * 8 + (text[position++] - '0');
                return octal & 0xff;
            case 'x':
                var hex = 0;
                var digits = 0;
                for (; digits < 2 && position < text.Length && CharacterClass.IsHex(text[position]); digits++)
                    hex = hex * 16 + (int)CharacterClass.HexValue(text[position++]);
                if (digits == 0)
                    kind = Kind.Bad;
                return hex;
            default:
                kind = Kind.Character;
                if (char.IsHighSurrogate(c) && position < text.Length && char.IsLowSurrogate(text[position]))
                {
                    position++;
                    return 2;
                }
                return 1;
        }
    }
}
