using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// Labels, references, and what a later body does to an earlier one.
internal sealed partial class TreeDraft
{
    // By label's name: the label added last.
    private readonly Dictionary<int, int> _newestLabel = [];

    /// <summary>Puts a label on a node; one that was there and deleted comes back.</summary>
    public void AddNodeLabel(int node, int name, SourceSpan span, int sequence)
    {
        for (var label = _nodes[node].FirstLabel; label != None; label = _labels[label].Next)
        {
            if (_labels[label].Name == name)
            {
                _labels[label].IsDeleted = false;
                return;
            }
        }
        var added = NewLabel(name, span, sequence, _nodes[node].FirstLabel);
        _nodes[node].FirstLabel = added;
        _labels[added].Node = node;
        if (_newestLabel.TryGetValue(name, out var older))
            _labels[added].Older = older;
        _newestLabel[name] = added;
    }

    /// <summary>Puts a label on a property.</summary>
    public void AddPropertyLabel(int property, int name, SourceSpan span, int sequence)
    {
        for (var label = _properties[property].FirstLabel; label != None; label = _labels[label].Next)
        {
            if (_labels[label].Name == name)
            {
                _labels[label].IsDeleted = false;
                return;
            }
        }
        _properties[property].FirstLabel = NewLabel(name, span, sequence, _properties[property].FirstLabel);
    }

    /// <summary>The node that a reference means: <c>label</c>, <c>/path</c> or <c>label/path</c>; 0 where there is none.</summary>
    public int Resolve(string reference)
    {
        if (Root == None)
            return None;
        var slash = reference.IndexOf('/');
        if (slash == 0)
            return Walk(Root, reference, 0);
        var node = NodeWithLabel(Names.Add(slash < 0 ? reference : reference.Substring(0, slash)));
        return node == None || slash < 0 ? node : Walk(node, reference, slash);
    }

    /// <summary>Deletes a node with all in it; it keeps its place should it come back.</summary>
    public void Delete(int node)
    {
        var pending = new Stack<int>();
        pending.Push(node);
        while (pending.Count > 0)
        {
            var current = pending.Pop();
            _nodes[current].IsDeleted = true;
            for (var child = _nodes[current].FirstChild; child != None; child = _nodes[child].Next)
            {
                if (!_nodes[child].IsDeleted)
                    pending.Push(child);
            }
            for (var property = _nodes[current].FirstProperty; property != None; property = _properties[property].Next)
                Remove(property);
            DeleteLabels(_nodes[current].FirstLabel);
        }
    }

    /// <summary>Takes <paramref name="added"/>, a body just read, into <paramref name="old"/>: what it has wins, what it deletes goes.</summary>
    /// <remarks>Depth is that of the source, which the parser bounds.</remarks>
    public void Merge(int old, int added, DiagnosticBag diagnostics)
    {
        _nodes[old].IsDeleted = false;
        for (var label = _nodes[added].FirstLabel; label != None;)
        {
            var next = _labels[label].Next;
            MoveLabel(old, label);
            label = next;
        }
        MergeProperties(old, added, diagnostics);
        for (var child = _nodes[added].FirstChild; child != None;)
        {
            var next = _nodes[child].Next;
            _nodes[child].Parent = None;
            var same = ChildWithDeleted(old, _nodes[child].Name);
            if (_nodes[child].IsDeleted)
            {
                if (same != None)
                    Delete(same);
            }
            else if (same == None)
            {
                AppendChild(old, child);
            }
            else
            {
                // A node of this same body, not one of an earlier body.
                if (same > added && !_nodes[same].IsDeleted)
                {
                    diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.RepeatedInExtension, _nodes[child].Span, "node", NameOf(child), "both are merged")
                        .WithRelated("first here", _nodes[same].Span));
                }
                Merge(same, child, diagnostics);
            }
            child = next;
        }
    }

    private void MergeProperties(int old, int added, DiagnosticBag diagnostics)
    {
        for (var property = _nodes[added].FirstProperty; property != None;)
        {
            var next = _properties[property].Next;
            var same = PropertyWithDeleted(old, _properties[property].Name);
            if (_properties[property].IsDeleted)
            {
                if (same != None)
                    Remove(same);
            }
            else if (same == None)
            {
                AppendProperty(old, property);
            }
            else
            {
                if (!_properties[same].IsDeleted && _properties[same].Origin == added)
                {
                    diagnostics.Add(KmemDiagnostic.Create(
                        DiagnosticTable.RepeatedInExtension, _properties[property].Span, "property", Names[_properties[property].Name], "the last one holds")
                        .WithRelated("first here", _properties[same].Span));
                }
                Overwrite(same, property);
            }
            _properties[same == None ? property : same].Origin = added;
            property = next;
        }
    }

    // The new value in the old place.
    private void Overwrite(int old, int added)
    {
        var (next, labels, source) = (_properties[old].Next, _properties[old].FirstLabel, _properties[added]);
        _properties[old] = source;
        _properties[old].Next = next;
        _properties[old].FirstLabel = labels;
        for (var label = source.FirstLabel; label != None; label = _labels[label].Next)
            AddPropertyLabel(old, _labels[label].Name, _labels[label].Span, _labels[label].Sequence);
    }

    // The label itself moves: a reference that finds it finds the node it is on now.
    private void MoveLabel(int node, int label)
    {
        for (var known = _nodes[node].FirstLabel; known != None; known = _labels[known].Next)
        {
            if (_labels[known].Name == _labels[label].Name)
            {
                _labels[known].IsDeleted = false;
                _labels[label].IsDeleted = true;
                return;
            }
        }
        _labels[label].Next = _nodes[node].FirstLabel;
        _labels[label].Node = node;
        _labels[label].IsDeleted = false;
        _nodes[node].FirstLabel = label;
    }

    private void Remove(int property)
    {
        _properties[property].IsDeleted = true;
        DeleteLabels(_properties[property].FirstLabel);
    }

    private void DeleteLabels(int first)
    {
        for (var label = first; label != None; label = _labels[label].Next)
            _labels[label].IsDeleted = true;
    }

    private int NodeWithLabel(int name)
    {
        if (!_newestLabel.TryGetValue(name, out var label))
            return None;
        for (; label != None; label = _labels[label].Older)
        {
            var node = _labels[label].Node;
            if (!_labels[label].IsDeleted && !_nodes[node].IsDeleted && IsInTree(node))
                return node;
        }
        return None;
    }

    // A body being read is not yet part of the tree.
    private bool IsInTree(int node)
    {
        while (_nodes[node].Parent != None)
            node = _nodes[node].Parent;
        return node == Root;
    }

    private int Walk(int node, string path, int position)
    {
        while (node != None)
        {
            while (position < path.Length && path[position] == '/')
                position++;
            if (position >= path.Length)
                return node;
            var slash = path.IndexOf('/', position);
            var end = slash < 0 ? path.Length : slash;
            node = FindChild(node, Names.Add(path.AsSpan(position, end - position)));
            position = end;
        }
        return None;
    }
}
