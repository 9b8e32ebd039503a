using System;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Where the lexical elements end that the preprocessor has to see as wholes. All positions are offsets; no end runs past the text.</summary>
internal static class Scanning
{
    public static bool IsDigit(char c) => c is >= '0' and <= '9';

    public static bool IsIdentifierStart(char c) => (char)(c | 0x20) is >= 'a' and <= 'z' || c == '_';

    public static bool IsIdentifierPart(char c) => IsIdentifierStart(c) || IsDigit(c);

    public static bool IsHorizontalSpace(char c) => c is ' ' or '\t' or '\r' or '\f' or '\v';

    public static int SkipIdentifier(string text, int position, int end)
    {
        while (position < end && IsIdentifierPart(text[position]))
            position++;
        return position;
    }

    /// <summary>Behind a preprocessing number (C17 6.4.8), which takes in letters, dots and a sign behind an exponent: <c>0xe+A</c> is one.</summary>
    public static int SkipNumber(string text, int position, int end)
    {
        while (position < end)
        {
            var c = text[position];
            if (c is '+' or '-')
            {
                if ((text[position - 1] | 0x20) is not ('e' or 'p'))
                    break;
            }
            else if (c != '.' && !IsIdentifierPart(c))
            {
                break;
            }
            position++;
        }
        return position;
    }

    /// <summary>Behind the closing quote; at the end of the line where there is none.</summary>
    public static int SkipQuoted(string text, int position, int end, out bool closed)
    {
        var quote = text[position++];
        while (position < end)
        {
            var c = text[position];
            if (c == '\n')
                break;
            position++;
            if (c == quote)
            {
                closed = true;
                return position;
            }
            if (c == '\\' && position < end && text[position] != '\n')
                position++;
        }
        closed = false;
        return position;
    }

    /// <summary>Behind a comment of either kind; a line comment ends at its line break.</summary>
    public static int SkipComment(string text, int position, int end, out bool open)
    {
        open = false;
        if (text[position + 1] == '/')
        {
            var line = text.IndexOf('\n', position, end - position);
            return line < 0 ? end : line;
        }
        var close = position + 2 >= end ? -1 : text.IndexOf("*/", position + 2, end - position - 2, StringComparison.Ordinal);
        open = close < 0;
        return open ? end : close + 2;
    }
}
