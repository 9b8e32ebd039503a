using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>Makes the tree of a draft: judges names and labels, gives out phandles, fills in references, leaves out what nobody refers to.</summary>
/// <remarks>
/// The order is dtc's, because it decides the numbers: all explicit phandles first, then each reference in the order in which a walk from the
/// root meets it takes the lowest number still free, and gets a <c>phandle</c> property at the end of its node.
/// Each pass is one walk over the nodes that are there (<c>_order</c>, parents first); a name is judged once however often it occurs.
/// </remarks>
internal sealed partial class TreeFinisher
{
    private readonly TreeDraft _draft;
    private readonly DiagnosticBag _diagnostics;
    private readonly int _phandleName;
    private readonly int _linuxPhandleName;
    private readonly int _nameName;
    private readonly int _regName;
    private readonly int _rangesName;
    private readonly int _overlayName;
    private readonly Dictionary<uint, int> _phandles = [];
    private int[] _order = [];
    private int _count;
    private uint _nextPhandle = 1;

    private TreeFinisher(TreeDraft draft, DiagnosticBag diagnostics)
    {
        _draft = draft;
        _diagnostics = diagnostics;
        _phandleName = draft.Names.Add("phandle");
        _linuxPhandleName = draft.Names.Add("linux,phandle");
        _nameName = draft.Names.Add("name");
        _regName = draft.Names.Add("reg");
        _rangesName = draft.Names.Add("ranges");
        _overlayName = draft.Names.Add("__overlay__");
    }

    /// <summary>The tree; what is wrong with it is in <paramref name="diagnostics"/>.</summary>
    public static DeviceTree? Finish(TreeDraft draft, SourceFile source, bool symbols, DiagnosticBag diagnostics)
    {
        var finisher = new TreeFinisher(draft, diagnostics);
        finisher.List();
        finisher.CheckNames();
        finisher.CheckLabels();
        finisher.CheckPhandles();
        if (diagnostics.HasErrors)
            return null;
        finisher.FillPhandles();
        finisher.FillPaths();
        if (diagnostics.HasErrors)
            return null;
        finisher.OmitUnreferenced(symbols);
        finisher.CheckUnitAddresses();
        if (symbols)
            finisher.AddSymbols();
        return finisher.Build(source);
    }

    // Lists the nodes that are there, parents first, in the order of the blob.
    private void List()
    {
        if (_order.Length < _draft.NodeCount)
            _order = new int[_draft.NodeCount];
        _count = 0;
        var node = _draft.Root;
        while (node != TreeDraft.None)
        {
            ref var row = ref _draft.NodeAt(node);
            // A deleted root is an empty one.
            if (!row.IsDeleted || node == _draft.Root)
            {
                _order[_count++] = node;
                if (row.FirstChild != TreeDraft.None)
                {
                    node = row.FirstChild;
                    continue;
                }
            }
            while (node != TreeDraft.None && _draft.NodeAt(node).Next == TreeDraft.None)
                node = node == _draft.Root ? TreeDraft.None : _draft.NodeAt(node).Parent;
            if (node != TreeDraft.None)
                node = node == _draft.Root ? TreeDraft.None : _draft.NodeAt(node).Next;
        }
    }

    private uint PhandleOf(int node)
    {
        ref var row = ref _draft.NodeAt(node);
        if (row.Phandle is not (0 or uint.MaxValue))
            return row.Phandle;
        while (_phandles.ContainsKey(_nextPhandle))
            _nextPhandle++;
        row.Phandle = _nextPhandle;
        _phandles.Add(_nextPhandle, node);
        // One that is there refers to its own node, and is filled in like any other reference.
        if (_draft.FindProperty(node, _phandleName) == TreeDraft.None)
        {
            var property = _draft.NewProperty(_phandleName, _draft.NodeAt(node).Span);
            _draft.Values.Begin();
            _draft.Values.Append32(_nextPhandle);
            _draft.PropertyAt(property).Value = _draft.Values.Finish();
            _draft.AddMarker(ref _draft.PropertyAt(property), new ValueMarker(0, ValueMarkerKind.Cells32, "", default));
            _draft.AppendProperty(node, property);
        }
        return row.Phandle;
    }

    private void FillPhandles()
    {
        for (var i = 0; i < _count; i++)
        {
            for (var index = _draft.NodeAt(_order[i]).FirstProperty; index != TreeDraft.None; index = _draft.PropertyAt(index).Next)
            {
                if (_draft.PropertyAt(index) is not { IsDeleted: false, HasPhandleReference: true } property)
                    continue;
                // By position: a phandle property that this makes may move the rows.
                for (var m = 0; m < property.MarkerCount; m++)
                {
                    var marker = _draft.MarkersOf(property)[m];
                    if (marker.Kind == ValueMarkerKind.PhandleReference && Target(marker) is var target && target != TreeDraft.None)
                        BinaryPrimitives.WriteUInt32BigEndian(property.Value.Span.Slice(marker.Offset), PhandleOf(target));
                }
            }
        }
    }

    private int Target(in ValueMarker marker)
    {
        var node = _draft.Resolve(marker.Text);
        if (node == TreeDraft.None)
            _diagnostics.Add(DiagnosticTable.UnresolvedReference, marker.Span, marker.Text);
        else
            _draft.NodeAt(node).IsReferenced = true;
        return node;
    }

    private void FillPaths()
    {
        for (var i = 0; i < _count; i++)
        {
            for (var index = _draft.NodeAt(_order[i]).FirstProperty; index != TreeDraft.None; index = _draft.PropertyAt(index).Next)
            {
                ref var property = ref _draft.PropertyAt(index);
                if (property is { IsDeleted: false, HasPathReference: true })
                    FillPaths(ref property);
            }
        }
    }

    // Puts the paths in between: what stands behind moves up.
    private void FillPaths(ref TreeDraft.Property property)
    {
        var old = property.Value;
        var values = _draft.Values;
        values.Begin();
        var copied = 0;
        var markers = _draft.MarkersOf(property);
        for (var m = 0; m < markers.Length; m++)
        {
            var marker = markers[m];
            values.Append(old.Span.Slice(copied, marker.Offset - copied));
            copied = marker.Offset;
            markers[m] = marker with { Offset = values.Length };
            if (marker.Kind != ValueMarkerKind.PathReference || Target(marker) is not (not TreeDraft.None and var target))
                continue;
            values.Append(Encoding.ASCII.GetBytes(PathOf(target)));
            values.Append8(0);
        }
        values.Append(old.Span.Slice(copied));
        property.Value = values.Finish();
    }

    private string PathOf(int node)
    {
        if (node == _draft.Root)
            return "/";
        var parts = new List<string>();
        for (; node != _draft.Root; node = _draft.NodeAt(node).Parent)
            parts.Add(_draft.NameOf(node));
        parts.Add("");
        parts.Reverse();
        return string.Join("/", parts);
    }

    private void OmitUnreferenced(bool symbols)
    {
        var omitted = false;
        for (var i = 0; i < _count; i++)
        {
            ref var node = ref _draft.NodeAt(_order[i]);
            if (!node.OmitIfUnreferenced || node.IsReferenced || node.IsDeleted || (symbols && node.FirstLabel != TreeDraft.None))
                continue;
            _draft.Delete(_order[i]);
            omitted = true;
        }
        if (omitted)
            List();
    }

    private DeviceTree Build(SourceFile source)
    {
        var nodes = new DeviceTreeNode[_draft.NodeCount];
        for (var i = 0; i < _count; i++)
        {
            var index = _order[i];
            ref var row = ref _draft.NodeAt(index);
            var node = new DeviceTreeNode(index == _draft.Root ? "" : _draft.Names[row.Name], row.Span);
            node.Reserve(row.PropertyCount, CountChildren(index));
            if (row.FirstLabel != TreeDraft.None)
                node.Labels = LabelsOf(row.FirstLabel);
            for (var property = row.FirstProperty; property != TreeDraft.None; property = _draft.PropertyAt(property).Next)
            {
                if (!_draft.PropertyAt(property).IsDeleted)
                    node.MutableProperties.Add(Build(ref _draft.PropertyAt(property)));
            }
            if (index != _draft.Root)
                nodes[row.Parent].AddChild(node);
            nodes[index] = node;
        }
        var reservations = ImmutableArray.CreateBuilder<MemoryReservation>(_draft.Reservations.Count);
        foreach (var entry in _draft.Reservations)
            reservations.Add(new MemoryReservation(new PhysAddr(entry.Address), entry.Size, LabelsOf(entry.FirstLabel), entry.Span));
        return new DeviceTree(source, nodes[_draft.Root], reservations.MoveToImmutable(), _draft.BootCpuId);
    }

    private int CountChildren(int node)
    {
        var count = 0;
        for (var child = _draft.NodeAt(node).FirstChild; child != TreeDraft.None; child = _draft.NodeAt(child).Next)
            count += _draft.NodeAt(child).IsDeleted ? 0 : 1;
        return count;
    }

    private DeviceTreeProperty Build(ref TreeDraft.Property row)
    {
        var value = row.Value;
        var property = new DeviceTreeProperty(_draft.Names[row.Name], new ReadOnlyMemory<byte>(value.Array, value.Start, value.Length), row.Span);
        if (row.MarkerCount > 0)
            property.Markers = ImmutableArray.Create(_draft.MarkerRows, row.FirstMarker, row.MarkerCount);
        if (row.FirstLabel != TreeDraft.None)
            property.Labels = LabelsOf(row.FirstLabel);
        return property;
    }

    // As written; the chain has what came later in front.
    private ImmutableArray<string> LabelsOf(int first)
    {
        if (first == TreeDraft.None)
            return ImmutableArray<string>.Empty;
        var labels = new List<(int Sequence, string Name)>();
        for (var label = first; label != TreeDraft.None; label = _draft.LabelAt(label).Next)
        {
            ref var row = ref _draft.LabelAt(label);
            if (!row.IsDeleted)
                labels.Add((row.Sequence, _draft.Names[row.Name]));
        }
        labels.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
        var names = ImmutableArray.CreateBuilder<string>(labels.Count);
        foreach (var (_, name) in labels)
            names.Add(name);
        return names.MoveToImmutable();
    }

    private void AddSymbols()
    {
        var labelled = false;
        for (var i = 0; i < _count && !labelled; i++)
            labelled = LabelsOf(_draft.NodeAt(_order[i]).FirstLabel).Length > 0;
        if (!labelled)
            return;
        var name = _draft.Names.Add("__symbols__");
        var table = _draft.FindChild(_draft.Root, name);
        if (table == TreeDraft.None)
        {
            table = _draft.NewNode(name, _draft.NodeAt(_draft.Root).Span);
            _draft.AppendChild(_draft.Root, table);
        }
        for (var i = 0; i < _count; i++)
        {
            var any = false;
            for (var label = _draft.NodeAt(_order[i]).FirstLabel; label != TreeDraft.None; label = _draft.LabelAt(label).Next)
            {
                var row = _draft.LabelAt(label);
                if (row.IsDeleted)
                    continue;
                any = true;
                if (_draft.FindProperty(table, row.Name) == TreeDraft.None)
                    AddSymbol(table, row, PathOf(_order[i]));
            }
            if (any)
                PhandleOf(_order[i]);
        }
        List();
    }

    private void AddSymbol(int table, TreeDraft.Label label, string path)
    {
        var property = _draft.NewProperty(label.Name, label.Span);
        _draft.Values.Begin();
        _draft.Values.Append(Encoding.ASCII.GetBytes(path));
        _draft.Values.Append8(0);
        _draft.PropertyAt(property).Value = _draft.Values.Finish();
        _draft.AddMarker(ref _draft.PropertyAt(property), new ValueMarker(0, ValueMarkerKind.String, "", label.Span));
        _draft.AppendProperty(table, property);
    }
}
