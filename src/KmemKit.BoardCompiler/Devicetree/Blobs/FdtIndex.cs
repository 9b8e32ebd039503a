using System;
using System.Buffers.Binary;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

/// <summary>A blob's nodes, properties and phandles in flat arrays, made in one pass that also checks every token.</summary>
/// <remarks>
/// <para>
/// Nodes are numbered depth first in blob order, the root is 0; properties are numbered so that those of a node are
/// <c>FirstProperty(n) … FirstProperty(n) + PropertyCount(n) - 1</c> in blob order. Hence the whole subtree of <c>n</c> is <c>n … SubtreeEnd(n) - 1</c>,
/// its first child, if any, is <c>n + 1</c>, and the next sibling of a child <c>c</c> is <c>SubtreeEnd(c)</c>: a walk is a loop over numbers. Looking
/// up a phandle is an array access where phandles are dense, as compilers number them, and a probe of a hash table elsewhere.
/// </para>
/// <para>
/// Nothing is copied: names and values are spans of the blob. A blob that is read through an index never reads out of bounds: lengths and
/// offsets were checked when it was made. Safe for use by several threads.
/// </para>
/// </remarks>
public sealed class FdtIndex
{
    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly FdtNodeEntry[] _nodes;
    private readonly int[] _properties;
    private readonly PhandleTable _phandles;
    private readonly bool _alignsLongValues;
    private ChildNameTable? _children;

    internal FdtIndex(Fdt blob, FdtNodeEntry[] nodes, int nodeCount, int[] properties, int propertyCount, PhandleTable phandles)
    {
        Blob = blob;
        _bytes = blob.Bytes;
        _nodes = nodes;
        _properties = properties;
        _phandles = phandles;
        _alignsLongValues = blob.Header.Version < 16;
        NodeCount = nodeCount;
        PropertyCountTotal = propertyCount;
    }

    /// <summary>Checks a file as a blob and indexes it.</summary>
    /// <param name="file">The file.</param>
    /// <param name="diagnostics">Gets KMK1500-KMK1520, KMK1523, KMK1524 and KMK1527, each at the byte concerned.</param>
    /// <returns>The index, or null where one of the findings is an error.</returns>
    public static FdtIndex? Create(SourceFile file, DiagnosticBag diagnostics) =>
        Fdt.Open(file, diagnostics) is { } blob ? Create(blob, diagnostics) : null;

    /// <summary>Checks the structure block of an opened blob and indexes it.</summary>
    /// <param name="blob">The blob.</param>
    /// <param name="diagnostics">Gets KMK1511-KMK1520, KMK1523, KMK1524 and KMK1527, each at the byte concerned.</param>
    /// <returns>The index, or null where one of the findings is an error.</returns>
    public static FdtIndex? Create(Fdt blob, DiagnosticBag diagnostics)
    {
        if (blob is null)
            throw new ArgumentNullException(nameof(blob));
        if (diagnostics is null)
            throw new ArgumentNullException(nameof(diagnostics));
        return new FdtIndexBuilder(blob, diagnostics).Build();
    }

    /// <summary>The blob.</summary>
    public Fdt Blob { get; }

    /// <summary>Number of nodes; at least 1, the root.</summary>
    public int NodeCount { get; }

    /// <summary>Number of properties of all nodes.</summary>
    public int PropertyCountTotal { get; }

    /// <summary>The node that <paramref name="node"/> is a subnode of; -1 for the root.</summary>
    public int Parent(int node) => _nodes[node].Parent;

    /// <summary>Levels below the root, which is at 0.</summary>
    public int Depth(int node) => _nodes[node].Depth;

    /// <summary>Number of the first node behind <paramref name="node"/> that is not below it.</summary>
    public int SubtreeEnd(int node) => _nodes[node].SubtreeEnd;

    /// <summary>The first subnode, or -1.</summary>
    public int FirstChild(int node) => _nodes[node].SubtreeEnd > node + 1 ? node + 1 : -1;

    /// <summary>The next subnode of the same parent, or -1.</summary>
    public int NextSibling(int node)
    {
        ref readonly var entry = ref _nodes[node];
        return entry.Parent >= 0 && entry.SubtreeEnd < _nodes[entry.Parent].SubtreeEnd ? entry.SubtreeEnd : -1;
    }

    /// <summary>Where the node's FDT_BEGIN_NODE stands, bytes from the start of the blob.</summary>
    public int NodeOffset(int node) => _nodes[node].Offset;

    /// <summary>Where the node's name stands, bytes from the start of the blob.</summary>
    public int NameOffset(int node) => _nodes[node].NameOffset;

    /// <summary>The node's name with unit address, without the final 0; empty for the root of a well-made blob.</summary>
    public ReadOnlySpan<byte> Name(int node)
    {
        ref readonly var entry = ref _nodes[node];
        return _bytes.Span.Slice(entry.NameOffset, entry.NameLength);
    }

    /// <summary>The node's full path; <c>/</c> for the root.</summary>
    public string Path(int node) => FdtNames.Path(_bytes.Span, _nodes, node);

    /// <summary>Number of the node's first property; meaningful where <see cref="PropertyCount"/> is not 0.</summary>
    public int FirstProperty(int node) => _nodes[node].FirstProperty;

    /// <summary>How many properties the node has.</summary>
    public int PropertyCount(int node) => _nodes[node].PropertyCount;

    /// <summary>Where the property's FDT_PROP stands, bytes from the start of the blob.</summary>
    public int PropertyOffset(int property) => _properties[property];

    /// <summary>Where the property's name starts in the strings block, bytes from the block's start.</summary>
    public int PropertyNameOffset(int property) => Word(_properties[property] + 8);

    /// <summary>The property's name without the final 0.</summary>
    public ReadOnlySpan<byte> PropertyName(int property) => StringAt(PropertyNameOffset(property));

    /// <summary>The property's value.</summary>
    public ReadOnlySpan<byte> PropertyValue(int property)
    {
        var offset = _properties[property];
        var length = Word(offset + 4);
        return _bytes.Span.Slice(ValueOffset(offset, length), length);
    }

    /// <summary>The property's value, as memory of the file.</summary>
    public ReadOnlyMemory<byte> PropertyMemory(int property)
    {
        var offset = _properties[property];
        var length = Word(offset + 4);
        return _bytes.Slice(ValueOffset(offset, length), length);
    }

    /// <summary>The string of the strings block at <paramref name="offset"/>, which some property names, without the final 0.</summary>
    public ReadOnlySpan<byte> StringAt(int offset)
    {
        var rest = _bytes.Span.Slice(Blob.StringsOffset + offset, Blob.StringsSize - offset);
        return rest.Slice(0, rest.IndexOf((byte)0));
    }

    /// <summary>The number of the node's property of that name, or -1.</summary>
    /// <param name="node">The node.</param>
    /// <param name="name">The name's bytes, without final 0.</param>
    public int FindProperty(int node, ReadOnlySpan<byte> name)
    {
        ref readonly var entry = ref _nodes[node];
        var strings = _bytes.Span.Slice(Blob.StringsOffset, Blob.StringsSize);
        for (var property = entry.FirstProperty; property < entry.FirstProperty + entry.PropertyCount; property++)
        {
            var rest = strings.Slice(Word(_properties[property] + 8));
            if (rest.Length > name.Length && rest[name.Length] == 0 && rest.StartsWith(name))
                return property;
        }
        return -1;
    }

    /// <summary>The node's phandle; 0 where it has none.</summary>
    public uint Phandle(int node) => _nodes[node].Phandle;

    /// <summary>The number of the node with that phandle (<c>phandle</c> or <c>linux,phandle</c>), or -1.</summary>
    public int FindPhandle(uint phandle) => _phandles.Find(phandle);

    /// <summary>The number of the subnode of that full name, or -1. The first of several equal ones.</summary>
    public int FindChild(int node, ReadOnlySpan<byte> name) => Children.Find(node, name);

    /// <summary>The number of the node at a full path such as <c>/soc/serial@f991e000</c>, or -1.</summary>
    /// <remarks>Names are matched in full, with unit address. Repeated and final slashes are skipped.</remarks>
    public int FindPath(ReadOnlySpan<byte> path)
    {
        if (path.Length == 0 || path[0] != (byte)'/')
            return -1;
        var node = 0;
        while (node >= 0)
        {
            while (path.Length > 0 && path[0] == (byte)'/')
                path = path.Slice(1);
            if (path.Length == 0)
                break;
            var slash = path.IndexOf((byte)'/');
            var name = slash < 0 ? path : path.Slice(0, slash);
            node = Children.Find(node, name);
            path = path.Slice(name.Length);
        }
        return node;
    }

    internal FdtNodeEntry[] Nodes => _nodes;

    // Made at first use: walks and phandles do not need it. Two threads may both make it; both results are the same.
    internal ChildNameTable Children => _children ??= new ChildNameTable(_bytes, _nodes, NodeCount);

    private int Word(int offset) => BinaryPrimitives.ReadInt32BigEndian(_bytes.Span.Slice(offset));

    // Before version 16 a value of 8 bytes or more is aligned to 8, counted from the start of the structure block.
    private int ValueOffset(int propertyOffset, int length) =>
        _alignsLongValues && length >= 8 ? FdtIndexBuilder.AlignLongValue(propertyOffset + 12, Blob.StructOffset) : propertyOffset + 12;
}
