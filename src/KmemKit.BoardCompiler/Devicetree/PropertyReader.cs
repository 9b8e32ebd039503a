using System;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>Typed views of a property's bytes (Devicetree Specification 0.4, section 2.2.4). None of them throws for a value of another shape.</summary>
internal static class PropertyReader
{
    /// <summary>Whole 32-bit cells in the value.</summary>
    public static int CellCount(this DeviceTreeProperty property) => property.Value.Length / sizeof(uint);

    /// <summary>The 32-bit cell at an index below <see cref="CellCount"/>.</summary>
    public static uint Cell(this DeviceTreeProperty property, int index) =>
        BinaryPrimitives.ReadUInt32BigEndian(property.Value.Span.Slice(index * sizeof(uint)));

    /// <summary>A value of one cell.</summary>
    public static bool TryReadU32(this DeviceTreeProperty property, out uint value)
    {
        value = 0;
        return property.Value.Length == sizeof(uint) && BinaryPrimitives.TryReadUInt32BigEndian(property.Value.Span, out value);
    }

    /// <summary>A value of one or two cells.</summary>
    public static bool TryReadU64(this DeviceTreeProperty property, out ulong value)
    {
        if (property.TryReadU32(out var narrow))
        {
            value = narrow;
            return true;
        }
        value = 0;
        return property.Value.Length == sizeof(ulong) && BinaryPrimitives.TryReadUInt64BigEndian(property.Value.Span, out value);
    }

    /// <summary>The strings of a string or string list; a last one without its zero byte counts too.</summary>
    public static ImmutableArray<string> ReadStrings(this DeviceTreeProperty? property)
    {
        if (property is null || property.Value.Length == 0)
            return ImmutableArray<string>.Empty;
        var bytes = property.Value.ToArray();
        var strings = ImmutableArray.CreateBuilder<string>();
        for (var start = 0; start < bytes.Length;)
        {
            var end = Array.IndexOf(bytes, (byte)0, start);
            if (end < 0)
                end = bytes.Length;
            strings.Add(Encoding.UTF8.GetString(bytes, start, end - start));
            start = end + 1;
        }
        return strings.ToImmutable();
    }

    /// <summary>The first string, or null where there is none.</summary>
    public static string? ReadString(this DeviceTreeProperty? property) => property.ReadStrings() is { Length: > 0 } strings ? strings[0] : null;

    /// <summary>
    /// Whether the node is in use by its own <c>status</c>: absent, <c>okay</c> or <c>ok</c> (section 2.3.4; the kernel takes both spellings). Its
    /// parents are not asked.
    /// </summary>
    public static bool IsEnabled(this DeviceTreeNode node) => node.Property("status").ReadString() is null or "okay" or "ok";
}
