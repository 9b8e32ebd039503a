using System;
using System.Text;
using System.Text.Unicode;

namespace KmemKit.Files;

/// <summary>What kind of file some bytes are, and the text in them.</summary>
/// <remarks>
/// Sources are UTF-8. An old source may have strings in Latin-1, whose bytes dtc passes through: a byte that is no UTF-8 is kept as the lone surrogate U+DC00 + byte
/// (the "surrogateescape" of Python's PEP 383), which no text has and which can be turned back.
/// </remarks>
internal static class SourceText
{
    /// <summary>Whether it starts with the magic number of a devicetree blob (Devicetree Specification 0.4, section 5.2).</summary>
    public static bool IsBlob(ReadOnlySpan<byte> bytes) => bytes.StartsWith((ReadOnlySpan<byte>)[0xd0, 0x0d, 0xfe, 0xed]);

    /// <summary>The name of an encoding other than UTF-8 that a byte order mark announces; null where there is none.</summary>
    public static string? ForeignEncoding(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe, 0, 0]) || bytes.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xfe, 0xff]))
            return "UTF-32";
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xff, 0xfe]) || bytes.StartsWith((ReadOnlySpan<byte>)[0xfe, 0xff]))
            return "UTF-16";
        return null;
    }

    /// <summary>The text, without a byte order mark.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (bytes.StartsWith((ReadOnlySpan<byte>)[0xef, 0xbb, 0xbf]))
            bytes = bytes[3..];
        if (Utf8.IsValid(bytes))
            return Encoding.UTF8.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out var rune, out var used) == System.Buffers.OperationStatus.Done)
            {
                text.Append(rune.ToString());
            }
            else
            {
                foreach (var stray in bytes[..used])
                    text.Append((char)(0xdc00 + stray));
            }
            bytes = bytes[used..];
        }
        return text.ToString();
    }
}
