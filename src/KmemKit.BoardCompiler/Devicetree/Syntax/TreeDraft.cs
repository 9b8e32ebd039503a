using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>The tree while it is being written, merged and cut: rows in arrays, chained by index.</summary>
/// <remarks>
/// dtc keeps deleted nodes and properties in their lists and revives them in their old place when they are written again, and the order of a
/// blob shows it. So deletion is a flag here too, and every search says whether it wants to see what is deleted.
/// Names and labels are numbers of <see cref="Names"/>. Index 0 of each array is no row: 0 ends a chain.
/// Cost: a node is a row of 88 bytes, no object; the objects of the result are made once, at the end, with exact sizes.
/// </remarks>
internal sealed partial class TreeDraft
{
    public const int None = 0;

    // From this many on a list gets an index; below, walking it is faster.
    private const int IndexFrom = 24;

    private Node[] _nodes = new Node[256];
    private Property[] _properties = new Property[1024];
    private Label[] _labels = new Label[128];
    private ValueMarker[] _markers = new ValueMarker[1024];
    private int _nodeCount = 1;
    private int _propertyCount = 1;
    private int _labelCount = 1;
    private int _markerCount;
    private readonly Dictionary<long, int> _childIndex = [];
    private readonly Dictionary<long, int> _propertyIndex = [];

    public struct Node
    {
        public int Name;
        public int Parent;
        public int Next;
        public int FirstChild;
        public int LastChild;
        public int ChildCount;
        public int FirstProperty;
        public int LastProperty;
        public int PropertyCount;
        public int FirstLabel;
        public uint Phandle;
        public bool IsDeleted;
        public bool OmitIfUnreferenced;
        public bool IsReferenced;
        public SourceSpan Span;
    }

    public struct Property
    {
        public int Name;
        public int Next;
        public int FirstLabel;
        public int FirstMarker;
        public int MarkerCount;

        /// <summary>The body that wrote it last.</summary>
        public int Origin;
        public bool IsDeleted;
        public bool HasPhandleReference;
        public bool HasPathReference;
        public bool HasLabelMarker;
        public ByteSlice Value;
        public SourceSpan Span;
    }

    public struct Label
    {
        public int Name;

        /// <summary>Next of the same node, property or reservation; the last one added is the first.</summary>
        public int Next;

        /// <summary>The node it is on; 0 for a label of something else.</summary>
        public int Node;

        /// <summary>The label of that name added before this one.</summary>
        public int Older;
        /// <summary>Its rank among all labels in the order written.</summary>
        public int Sequence;
        public bool IsDeleted;
        public SourceSpan Span;
    }

    public readonly record struct Reservation(ulong Address, ulong Size, int FirstLabel, SourceSpan Span);

    public NameTable Names { get; } = new();

    public ValueBuffer Values { get; } = new();

    public List<Reservation> Reservations { get; } = [];

    /// <summary>The root; 0 until there is one.</summary>
    public int Root { get; set; }

    public uint BootCpuId { get; set; }

    /// <summary>Nodes made so far, plus one.</summary>
    public int NodeCount => _nodeCount;

    public ref Node NodeAt(int node) => ref _nodes[node];

    public ref Property PropertyAt(int property) => ref _properties[property];

    public ref Label LabelAt(int label) => ref _labels[label];

    /// <summary>The markers of all properties; see <see cref="MarkersOf"/>.</summary>
    public ValueMarker[] MarkerRows => _markers;

    public Span<ValueMarker> MarkersOf(in Property property) => _markers.AsSpan(property.FirstMarker, property.MarkerCount);

    public string NameOf(int node) => Names[_nodes[node].Name];

    public int NewNode(int name, SourceSpan span)
    {
        if (_nodeCount == _nodes.Length)
            Array.Resize(ref _nodes, _nodes.Length * 2);
        _nodes[_nodeCount] = new Node { Name = name, Span = span };
        return _nodeCount++;
    }

    public int NewProperty(int name, SourceSpan span)
    {
        if (_propertyCount == _properties.Length)
            Array.Resize(ref _properties, _properties.Length * 2);
        ref var property = ref _properties[_propertyCount];
        property = new Property { Name = name, Span = span, FirstMarker = _markerCount, Value = new ByteSlice([], 0, 0) };
        return _propertyCount++;
    }

    /// <summary>Adds a marker to the property made last.</summary>
    public void AddMarker(ref Property property, in ValueMarker marker)
    {
        if (_markerCount == _markers.Length)
            Array.Resize(ref _markers, _markers.Length * 2);
        _markers[_markerCount++] = marker;
        property.MarkerCount++;
    }

    /// <summary>A label that is on nothing yet.</summary>
    public int NewLabel(int name, SourceSpan span, int sequence, int next)
    {
        if (_labelCount == _labels.Length)
            Array.Resize(ref _labels, _labels.Length * 2);
        _labels[_labelCount] = new Label { Name = name, Span = span, Sequence = sequence, Next = next };
        return _labelCount++;
    }

    public void AppendChild(int parent, int child)
    {
        ref var node = ref _nodes[parent];
        _nodes[child].Parent = parent;
        _nodes[child].Next = None;
        if (node.LastChild == None)
            node.FirstChild = child;
        else
            _nodes[node.LastChild].Next = child;
        node.LastChild = child;
        if (++node.ChildCount >= IndexFrom)
            Index(_childIndex, parent, node.ChildCount, node.FirstChild, child, isChild: true);
    }

    public void AppendProperty(int owner, int property)
    {
        ref var node = ref _nodes[owner];
        _properties[property].Next = None;
        if (node.LastProperty == None)
            node.FirstProperty = property;
        else
            _properties[node.LastProperty].Next = property;
        node.LastProperty = property;
        if (++node.PropertyCount >= IndexFrom)
            Index(_propertyIndex, owner, node.PropertyCount, node.FirstProperty, property, isChild: false);
    }

    /// <summary>The first subnode of that name, deleted ones too.</summary>
    public int ChildWithDeleted(int parent, int name)
    {
        ref var node = ref _nodes[parent];
        if (node.ChildCount >= IndexFrom)
            return _childIndex.TryGetValue(Key(parent, name), out var found) ? found : None;
        for (var child = node.FirstChild; child != None; child = _nodes[child].Next)
        {
            if (_nodes[child].Name == name)
                return child;
        }
        return None;
    }

    /// <summary>The first property of that name, deleted ones too.</summary>
    public int PropertyWithDeleted(int owner, int name)
    {
        ref var node = ref _nodes[owner];
        if (node.PropertyCount >= IndexFrom)
            return _propertyIndex.TryGetValue(Key(owner, name), out var found) ? found : None;
        for (var property = node.FirstProperty; property != None; property = _properties[property].Next)
        {
            if (_properties[property].Name == name)
                return property;
        }
        return None;
    }

    /// <summary>The first property of that name that is there.</summary>
    public int FindProperty(int owner, int name)
    {
        var property = PropertyWithDeleted(owner, name);
        while (property != None && (_properties[property].IsDeleted || _properties[property].Name != name))
            property = _properties[property].Next;
        return property;
    }

    /// <summary>The first subnode of that name that is there.</summary>
    public int FindChild(int parent, int name)
    {
        var child = ChildWithDeleted(parent, name);
        while (child != None && (_nodes[child].IsDeleted || _nodes[child].Name != name))
            child = _nodes[child].Next;
        return child;
    }

    private void Index(Dictionary<long, int> index, int owner, int count, int first, int added, bool isChild)
    {
        if (count > IndexFrom)
        {
            Enter(index, owner, added, isChild);
            return;
        }
        for (var row = first; row != None; row = isChild ? _nodes[row].Next : _properties[row].Next)
            Enter(index, owner, row, isChild);
    }

    // The first of a name stays: that is the one a walk would find.
    private void Enter(Dictionary<long, int> index, int owner, int row, bool isChild)
    {
        var key = Key(owner, isChild ? _nodes[row].Name : _properties[row].Name);
        if (!index.TryGetValue(key, out _))
            index[key] = row;
    }

    private static long Key(int owner, int name) => ((long)owner << 32) | (uint)name;
}
