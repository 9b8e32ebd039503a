using System;
using System.IO;
using System.Text;

namespace KmemKit.BoardCompiler.Sources;

/// <summary>
/// Bytes of a source that are no UTF-8, such as a string in Latin-1. A host that wants them kept reads byte <c>b</c> as the lone surrogate U+DC00 + <c>b</c>, which no valid
/// text has ("surrogateescape" of PEP 383); the front end writes them back, as dtc passes bytes through.
/// </summary>
internal static class StrayBytes
{
    /// <summary>The UTF-8 of <paramref name="text"/>, with each stray byte as it was.</summary>
    public static byte[] Encode(ReadOnlySpan<char> text)
    {
        var start = 0;
        MemoryStream? output = null;
        for (var i = 0; i < text.Length; i++)
        {
            if (char.IsHighSurrogate(text[i]) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
            {
                i++;
            }
            else if (text[i] is >= '\udc80' and <= '\udcff')
            {
                output ??= new MemoryStream();
                Write(output, text.Slice(start, i - start));
                output.WriteByte((byte)(text[i] - 0xdc00));
                start = i + 1;
            }
        }
        if (output is null)
            return Encoding.UTF8.GetBytes(text.ToString());
        Write(output, text.Slice(start));
        return output.ToArray();
    }

    private static void Write(MemoryStream output, ReadOnlySpan<char> text)
    {
        var bytes = Encoding.UTF8.GetBytes(text.ToString());
        output.Write(bytes, 0, bytes.Length);
    }
}
