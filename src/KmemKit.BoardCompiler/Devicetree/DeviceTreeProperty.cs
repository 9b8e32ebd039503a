using System;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree;

/// <summary>What a marker in a property's value says about the bytes from its offset on.</summary>
public enum ValueMarkerKind
{
    /// <summary>A label: <see cref="ValueMarker.Text"/> is its name.</summary>
    Label,

    /// <summary>A string starts here.</summary>
    String,

    /// <summary>A byte string (<c>[…]</c>) starts here.</summary>
    Bytes,

    /// <summary>Cells of 16 bits start here.</summary>
    Cells16,

    /// <summary>Cells of 32 bits start here.</summary>
    Cells32,

    /// <summary>Cells of 64 bits start here.</summary>
    Cells64,

    /// <summary>The cell here is the phandle of the node that <see cref="ValueMarker.Text"/> names (label or path).</summary>
    PhandleReference,

    /// <summary>The string here is the path of the node that <see cref="ValueMarker.Text"/> names (label or path).</summary>
    PathReference,
}

/// <summary>What the source wrote at an offset of a property's value; a value read from a blob has none.</summary>
/// <param name="Offset">Bytes from the start of the value.</param>
/// <param name="Kind">What starts there.</param>
/// <param name="Text">Label or reference; empty for the others.</param>
/// <param name="Span">Where it is written.</param>
public readonly record struct ValueMarker(int Offset, ValueMarkerKind Kind, string Text, SourceSpan Span);

/// <summary>A property of a node: its name and its value, bytes as they stand in the blob (cells big-endian, strings with their final 0).</summary>
public sealed class DeviceTreeProperty
{
    internal DeviceTreeProperty(string name, ReadOnlyMemory<byte> value, SourceSpan span)
    {
        Name = name;
        Value = value;
        Span = span;
    }

    /// <summary>The name.</summary>
    public string Name { get; }

    /// <summary>The value as it stands in the blob.</summary>
    public ReadOnlyMemory<byte> Value { get; internal set; }

    /// <summary>Labels in front of the name.</summary>
    public ImmutableArray<string> Labels { get; internal set; } = ImmutableArray<string>.Empty;

    /// <summary>How the source wrote the value, by rising offset; empty for a blob.</summary>
    public ImmutableArray<ValueMarker> Markers { get; internal set; } = ImmutableArray<ValueMarker>.Empty;

    /// <summary>The property's name where it is written.</summary>
    public SourceSpan Span { get; }

    /// <summary>The place of the cell or string at <paramref name="offset"/> where known, else of the property's name.</summary>
    public SourceSpan SpanAt(int offset)
    {
        var span = Span;
        foreach (var marker in Markers)
        {
            if (marker.Offset > offset)
                break;
            if (marker.Span.IsKnown)
                span = marker.Span;
        }
        return span;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
