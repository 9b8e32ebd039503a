using System;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>Which characters make a name, a label, a blank: one table look-up a character.</summary>
internal static class CharacterClass
{
    private const byte Name = 1;
    private const byte Label = 2;
    private const byte Space = 4;
    private const byte Hex = 8;

    private static readonly byte[] Classes = MakeClasses();

    /// <summary>A character of a node's or property's name as dtc reads it; which of them belong where is judged later.</summary>
    public static bool IsName(char c) => c < 128 && (Classes[c] & Name) != 0;

    public static bool IsLabel(char c) => c < 128 && (Classes[c] & Label) != 0;

    public static bool IsLabelStart(char c) => IsLabel(c) && c is not (>= '0' and <= '9');

    public static bool IsSpace(char c) => c < 128 && (Classes[c] & Space) != 0;

    public static bool IsHex(char c) => c < 128 && (Classes[c] & Hex) != 0;

    /// <summary>The value of a hexadecimal digit.</summary>
    public static uint HexValue(char c) => c <= '9' ? (uint)(c - '0') : (uint)((c | 0x20) - 'a' + 10);

    public static bool IsLabelText(ReadOnlySpan<char> text)
    {
        if (text.Length == 0 || !IsLabelStart(text[0]))
            return false;
        foreach (var c in text)
        {
            if (!IsLabel(c))
                return false;
        }
        return true;
    }

    private static byte[] MakeClasses()
    {
        var classes = new byte[128];
        for (var c = '\0'; c < 128; c++)
        {
            var isLetterOrDigit = c is (>= '0' and <= '9') or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');
            if (isLetterOrDigit || ",._+*#?@-".AsSpan().IndexOf(c) >= 0)
                classes[c] |= Name;
            if (isLetterOrDigit || c == '_')
                classes[c] |= Label;
            if (c is ' ' or (>= '\t' and <= '\r'))
                classes[c] |= Space;
            if (c is (>= '0' and <= '9') or (>= 'a' and <= 'f') or (>= 'A' and <= 'F'))
                classes[c] |= Hex;
        }
        return classes;
    }
}
