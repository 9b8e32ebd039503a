using System;
using KmemKit.BoardCompiler.Devicetree;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// What a value without markers probably was. The rule is dtc's (treesource.c, what it prints for a blob): strings where every byte is printable or a control
// character with an escape of its own or 0, the last is 0, and there are more characters than zeros; cells where the length is a multiple of 4; bytes
// otherwise. A guess may be wrong (four letters in a cell) and still costs nothing: each form compiles back to the same bytes.
internal static class DtsValueGuess
{
    internal static ValueMarkerKind Of(ReadOnlySpan<byte> value)
    {
        if (value.Length > 0 && value[value.Length - 1] == 0 && LooksLikeStrings(value))
            return ValueMarkerKind.String;
        return value.Length % 4 == 0 ? ValueMarkerKind.Cells32 : ValueMarkerKind.Bytes;
    }

    private static bool LooksLikeStrings(ReadOnlySpan<byte> value)
    {
        var zeros = 0;
        foreach (var character in value)
        {
            if (character == 0)
                zeros++;
            else if (character is < 7 or > 13 and < 32 or > 126)
                return false;
        }
        return zeros < value.Length - zeros;
    }
}
