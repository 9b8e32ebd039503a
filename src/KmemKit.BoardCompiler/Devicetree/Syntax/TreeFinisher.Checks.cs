using System;
using System.Buffers.Binary;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// What dtc refuses in a tree that is written correctly (its error checks), and its warning about unit addresses.
// Not here: reg_format, ranges_format and the checks of single busses. They are about what the numbers mean, which the board stage reads.
internal sealed partial class TreeFinisher
{
    private const string NodeCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,._+-@";

    private void CheckNames()
    {
        var count = _draft.Names.Count;
        // By name: judged already, and the owner and row of the last one seen.
        var judgedNode = new bool[count];
        var judgedProperty = new bool[count];
        var owner = new int[count];
        var row = new int[count];
        for (var i = 0; i < _count; i++)
        {
            var node = _order[i];
            for (var child = _draft.NodeAt(node).FirstChild; child != TreeDraft.None; child = _draft.NodeAt(child).Next)
            {
                ref var entry = ref _draft.NodeAt(child);
                if (owner[entry.Name] == node)
                    Duplicate(DiagnosticTable.DuplicateNode, node, entry.Name, entry.Span, _draft.NodeAt(row[entry.Name]).Span);
                else if (!entry.IsDeleted)
                    (owner[entry.Name], row[entry.Name]) = (node, child);
            }
            // Owners of properties are told from those of nodes by their sign.
            for (var property = _draft.NodeAt(node).FirstProperty; property != TreeDraft.None; property = _draft.PropertyAt(property).Next)
            {
                ref var entry = ref _draft.PropertyAt(property);
                if (entry.IsDeleted)
                    continue;
                if (owner[entry.Name] == -node)
                    Duplicate(DiagnosticTable.DuplicateProperty, node, entry.Name, entry.Span, _draft.PropertyAt(row[entry.Name]).Span);
                else
                    (owner[entry.Name], row[entry.Name]) = (-node, property);
                if (!judgedProperty[entry.Name])
                {
                    judgedProperty[entry.Name] = true;
                    var name = _draft.Names[entry.Name];
                    // The one character that a name can have as it is read and a property cannot.
                    if (name.AsSpan().IndexOf('@') >= 0)
                        _diagnostics.Add(DiagnosticTable.BadPropertyName, entry.Span, name, '@');
                }
            }
            ref var self = ref _draft.NodeAt(node);
            if (node != _draft.Root && !judgedNode[self.Name])
            {
                judgedNode[self.Name] = true;
                JudgeNodeName(_draft.Names[self.Name], self.Span);
            }
            CheckNameProperty(node);
        }
    }

    private void Duplicate(DiagnosticDescriptor rule, int node, int name, SourceSpan span, SourceSpan first) =>
        _diagnostics.Add(KmemDiagnostic.Create(rule, span, PathOf(node), _draft.Names[name]).WithRelated("the first one", first));

    private void JudgeNodeName(string name, SourceSpan span)
    {
        foreach (var c in name)
        {
            if (NodeCharacters.AsSpan().IndexOf(c) < 0)
            {
                _diagnostics.Add(DiagnosticTable.BadNodeName, span, name, $"has the character '{c}'");
                return;
            }
        }
        var at = name.IndexOf('@');
        if (at >= 0 && name.IndexOf('@', at + 1) >= 0)
            _diagnostics.Add(DiagnosticTable.BadNodeName, span, name, "has more than one '@'");
    }

    // A property "name" that repeats the node's own is left out, as dtc does; any other is wrong.
    private void CheckNameProperty(int node)
    {
        var index = _draft.FindProperty(node, _nameName);
        if (index == TreeDraft.None)
            return;
        ref var property = ref _draft.PropertyAt(index);
        var value = property.Value.Span;
        if (value.Length == 0 || value.IndexOf((byte)0) != value.Length - 1)
        {
            _diagnostics.Add(DiagnosticTable.BadNameProperty, property.Span, PathOf(node), "is not one string");
            return;
        }
        var name = node == _draft.Root ? "" : _draft.NameOf(node);
        var at = name.IndexOf('@');
        var length = at < 0 ? name.Length : at;
        var same = value.Length == length + 1;
        for (var i = 0; i < length && same; i++)
            same = value[i] == name[i];
        if (same)
            property.IsDeleted = true;
        else
            _diagnostics.Add(DiagnosticTable.BadNameProperty, property.Span, PathOf(node), "is not the node's name in front of the unit address");
    }

    private void CheckLabels()
    {
        var first = new SourceSpan[_draft.Names.Count];
        var seen = new bool[_draft.Names.Count];
        for (var i = 0; i < _count; i++)
        {
            CheckChain(_draft.NodeAt(_order[i]).FirstLabel);
            for (var index = _draft.NodeAt(_order[i]).FirstProperty; index != TreeDraft.None; index = _draft.PropertyAt(index).Next)
            {
                ref var property = ref _draft.PropertyAt(index);
                if (property.IsDeleted)
                    continue;
                CheckChain(property.FirstLabel);
                if (!property.HasLabelMarker)
                    continue;
                foreach (var marker in _draft.MarkersOf(property))
                {
                    if (marker.Kind == ValueMarkerKind.Label)
                        Check(_draft.Names.Add(marker.Text), marker.Span);
                }
            }
        }

        void CheckChain(int label)
        {
            for (; label != TreeDraft.None; label = _draft.LabelAt(label).Next)
            {
                if (!_draft.LabelAt(label).IsDeleted)
                    Check(_draft.LabelAt(label).Name, _draft.LabelAt(label).Span);
            }
        }

        void Check(int name, SourceSpan span)
        {
            if (seen[name])
                _diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.DuplicateLabel, span, _draft.Names[name]).WithRelated("the first one", first[name]));
            else
                (seen[name], first[name]) = (true, span);
        }
    }

    private void CheckPhandles()
    {
        for (var i = 0; i < _count; i++)
        {
            var node = _order[i];
            var phandle = ExplicitPhandle(node, _phandleName);
            var linux = ExplicitPhandle(node, _linuxPhandleName);
            if (phandle == 0 && linux == 0)
                continue;
            var span = _draft.PropertyAt(_draft.FindProperty(node, phandle != 0 ? _phandleName : _linuxPhandleName)).Span;
            if (phandle != 0 && linux != 0 && phandle != linux)
                _diagnostics.Add(DiagnosticTable.BadPhandle, span, "'phandle'", PathOf(node), "is not the same as 'linux,phandle'");
            if (phandle == 0)
                phandle = linux;
            if (_phandles.TryGetValue(phandle, out var other))
            {
                _diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.DuplicatePhandle, span, phandle, PathOf(node), PathOf(other))
                    .WithRelated("the other node", _draft.NodeAt(other).Span));
                continue;
            }
            _phandles.Add(phandle, node);
            _draft.NodeAt(node).Phandle = phandle;
        }
    }

    // The number that the source gives; 0 where it gives none, or a bad one.
    private uint ExplicitPhandle(int node, int name)
    {
        var index = _draft.FindProperty(node, name);
        if (index == TreeDraft.None)
            return 0;
        ref var property = ref _draft.PropertyAt(index);
        string fault;
        if (property.Value.Length != 4)
        {
            fault = "is not one cell";
        }
        else if (property.HasPhandleReference)
        {
            // To its own node: "give it one, whoever refers to it".
            var target = TreeDraft.None;
            foreach (var marker in _draft.MarkersOf(property))
            {
                if (marker.Kind == ValueMarkerKind.PhandleReference)
                    target = _draft.Resolve(marker.Text);
            }
            if (target == node)
                return 0;
            fault = "refers to another node";
        }
        else
        {
            var value = BinaryPrimitives.ReadUInt32BigEndian(property.Value.Span);
            if (value is not (0 or uint.MaxValue))
                return value;
            fault = $"is 0x{value:x}, which is no phandle";
        }
        _diagnostics.Add(DiagnosticTable.BadPhandle, property.Span, $"'{_draft.Names[name]}'", PathOf(node), fault);
        return 0;
    }

    private void CheckUnitAddresses()
    {
        for (var i = 0; i < _count; i++)
        {
            var node = _order[i];
            var name = node == _draft.Root ? "" : _draft.NameOf(node);
            var at = name.IndexOf('@');
            var hasUnit = at >= 0 && at + 1 < name.Length;
            var hasRegister = false;
            for (var index = _draft.NodeAt(node).FirstProperty; index != TreeDraft.None; index = _draft.PropertyAt(index).Next)
            {
                ref var property = ref _draft.PropertyAt(index);
                if (!property.IsDeleted)
                    hasRegister |= property.Name == _regName || (property.Name == _rangesName && property.Value.Length > 0);
            }
            if (hasUnit != hasRegister && _draft.FindChild(node, _overlayName) == TreeDraft.None)
            {
                _diagnostics.Add(DiagnosticTable.UnitAddressMismatch, _draft.NodeAt(node).Span, PathOf(node),
                    hasUnit ? "a unit address, but neither reg nor ranges" : "reg or ranges, but no unit address");
            }
        }
    }
}
