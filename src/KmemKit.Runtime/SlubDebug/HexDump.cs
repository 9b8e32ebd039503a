using System;
using System.Text;
using KmemKit.Architecture;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>Memory as the kernel dumps it: 16 bytes a line with address and characters (print_hex_dump with DUMP_PREFIX_ADDRESS, lib/hexdump.c).</summary>
public static class HexDump
{
    private const int Row = 16;

    // Two digits and a blank a byte, and one more blank.
    private const int TextColumn = (Row * 3) + 1;

    /// <summary>Writes bytes, each line as <c>prefix address: hex  characters</c>.</summary>
    /// <param name="text">Where to.</param>
    /// <param name="prefix">In front of each address.</param>
    /// <param name="address">Of the first byte.</param>
    /// <param name="bytes">What is there.</param>
    /// <param name="digits">Digits of an address: 8 or 16.</param>
    public static void Append(StringBuilder text, string prefix, VirtAddr address, ReadOnlySpan<byte> bytes, int digits)
    {
        ArgumentNullException.ThrowIfNull(text);
        for (var at = 0; at < bytes.Length; at += Row)
        {
            text.Append(prefix).Append(unchecked(address.Value + (ulong)at).ToString(digits == 8 ? "x8" : "x16")).Append(": ");
            AppendRow(text, bytes.Slice(at, Math.Min(Row, bytes.Length - at)));
        }
    }

    /// <summary>Writes bytes without addresses (DUMP_PREFIX_NONE).</summary>
    internal static void AppendPlain(StringBuilder text, string prefix, ReadOnlySpan<byte> bytes)
    {
        for (var at = 0; at < bytes.Length; at += Row)
        {
            text.Append(prefix);
            AppendRow(text, bytes.Slice(at, Math.Min(Row, bytes.Length - at)));
        }
    }

    private static void AppendRow(StringBuilder text, ReadOnlySpan<byte> line)
    {
        foreach (var value in line)
            text.Append("0123456789abcdef"[value >> 4]).Append("0123456789abcdef"[value & 15]).Append(' ');
        text.Append(' ', TextColumn - (line.Length * 3));
        foreach (var value in line)
            text.Append(value is >= 0x20 and < 0x7f ? (char)value : '.');
        text.Append('\n');
    }
}
