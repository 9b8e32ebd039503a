using System;

namespace KmemKit.Runtime.Masters.Network;

/// <summary>The checksum of the Internet protocols (RFC 1071): the complement of the one's complement sum of 16-bit words in network order; an odd last byte is an upper half.</summary>
public static class InternetChecksum
{
    /// <summary>Of some bytes.</summary>
    public static ushort Of(ReadOnlySpan<byte> bytes)
    {
        var sum = 0UL;
        for (var i = 0; i < bytes.Length; i++)
            sum += i % 2 == 0 ? (ulong)bytes[i] << 8 : bytes[i];
        while (sum >> 16 != 0)
            sum = (sum & 0xFFFF) + (sum >> 16);
        return (ushort)(~sum & 0xFFFF);
    }
}
