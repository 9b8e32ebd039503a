using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.Conformance.Boards.Readers;

/// <summary>What readers of made files have in common.</summary>
internal static class ReadText
{
    /// <summary>A number as C and the assembler read it: hexadecimal behind 0x, else decimal.</summary>
    /// <exception cref="FormatException">It is none, or has more than 64 bits.</exception>
    public static ulong Number(ReadOnlySpan<char> text)
    {
        var number = text.Trim();
        var isHex = number.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        return ulong.TryParse(isHex ? number[2..] : number, isHex ? NumberStyles.AllowHexSpecifier : NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value
            : throw new FormatException($"\"{number}\" is no number.");
    }

    /// <summary>The end of a range: 2^64 is one.</summary>
    public static AddressLimit Limit(string text) => text == AddressLimit.Top.ToString() ? AddressLimit.Top : Number(text);

    /// <summary>A range from its first address and its size; 2^64 bytes are a size.</summary>
    public static PhysRange Range(string start, string size)
    {
        var first = Number(start);
        var end = (UInt128)first + (Limit(size) is { IsTop: true } ? UInt128.One << 64 : Number(size));
        return end > UInt128.One << 64 ? throw new FormatException($"{size} bytes at {start} end beyond 2^64.")
            : PhysRange.FromBounds(new PhysAddr(first), end == UInt128.One << 64 ? AddressLimit.Top : (ulong)end);
    }

    /// <summary>The lines, with their numbers from 1.</summary>
    public static IEnumerable<(int Number, string Text)> Lines(string text)
    {
        var lines = text.Split('\n');
        for (var i = 0; i < lines.Length; i++)
            yield return (i + 1, lines[i]);
    }
}
