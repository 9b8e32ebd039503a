using System.Globalization;

namespace KmemKit.Conformance.Allocators;

/// <summary>Addresses of an allocator: whatever number it calls a byte by, a physical address, an offset, or a host pointer.</summary>
/// <param name="Start">First byte.</param>
/// <param name="Size">Bytes; at least 1. The last one is below 2^64.</param>
public readonly record struct AddressSpan(ulong Start, ulong Size)
{
    /// <summary>The last byte.</summary>
    public ulong Last => Start + (Size - 1);

    /// <summary>Whether all of <paramref name="bytes"/> from <paramref name="address"/> on are in it.</summary>
    public bool Contains(ulong address, ulong bytes)
    {
        var offset = unchecked(address - Start);
        return offset < Size && bytes <= Size - offset;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"[0x{Start:x}, 0x{Last:x}]");
}
