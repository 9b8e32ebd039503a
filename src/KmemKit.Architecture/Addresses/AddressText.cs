using System;
using System.Globalization;

namespace KmemKit.Architecture;

/// <summary>The one way addresses are written and read: hexadecimal, <c>0x</c> in front, lower case.</summary>
internal static class AddressText
{
    /// <summary>
    /// <paramref name="format"/> null, empty or <c>G</c>: as few digits as the value has. <c>x8</c>, <c>x16</c>: padded with zeros to that many
    /// digits, upper case digits with <c>X8</c>, <c>X16</c>.
    /// </summary>
    public static string Format(ulong value, string? format)
    {
        if (string.IsNullOrEmpty(format) || format == "G" || format == "g")
            return "0x" + value.ToString("x", CultureInfo.InvariantCulture);
        if (format![0] is 'x' or 'X')
            return "0x" + value.ToString(format, CultureInfo.InvariantCulture);
        throw new FormatException($"'{format}' is no address format; use G, x8, x16, X8 or X16.");
    }

    /// <summary>Reads <c>0x</c> and 1 to 16 hexadecimal digits; <c>_</c> may group them. Nothing else is an address.</summary>
    public static bool TryParse(string? text, out ulong value)
    {
        value = 0;
        if (text is null)
            return false;
        var start = 0;
        var end = text.Length;
        while (start < end && char.IsWhiteSpace(text[start]))
            start++;
        while (end > start && char.IsWhiteSpace(text[end - 1]))
            end--;
        if (end - start < 3 || text[start] != '0' || (text[start + 1] | 0x20) != 'x')
            return false;
        var digits = 0;
        for (var i = start + 2; i < end; i++)
        {
            var c = text[i];
            if (c == '_' && digits > 0 && i < end - 1)
                continue;
            var digit = c switch
            {
                >= '0' and <= '9' => c - '0',
                >= 'a' and <= 'f' => c - 'a' + 10,
                >= 'A' and <= 'F' => c - 'A' + 10,
                _ => -1,
            };
            if (digit < 0 || value >> 60 != 0)
                return false;
            value = (value << 4) | (uint)digit;
            digits++;
        }
        return digits > 0;
    }

    public static ulong Parse(string text) => TryParse(text, out var value)
        ? value
        : throw new FormatException($"'{text}' is no address; write 0x and 1 to 16 hexadecimal digits.");
}
