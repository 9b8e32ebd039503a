using System;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// Bodies of nodes: { properties subnodes };
internal sealed partial class DtsParser
{
    // At the '{' of the node's body; behind the ';' of its end afterwards.
    private void ParseBody(int node)
    {
        var bottom = _levels.Count;
        _levels.Push(new Level(node, false, _position));
        _position++;
        while (_levels.Count > bottom && !GaveUp)
        {
            SkipBlanks();
            if (AtEnd)
            {
                Unclosed();
                break;
            }
            if (_text[_position] == '}')
            {
                _position++;
                _levels.Pop();
                // Where the ';' is missing, it is as good as there.
                Expect(';');
                _derailed = false;
                continue;
            }
            ParseStatement();
            if (_derailed)
                Resynchronize(_levels.Count);
        }
        while (_levels.Count > bottom)
            _levels.Pop();
    }

    private void Unclosed()
    {
        var level = _levels.Peek();
        var name = _draft.NameOf(level.Node);
        Error(KmemDiagnostic.Create(DiagnosticTable.UnclosedNode, SpanHere(), name.Length == 0 ? "/" : name)
            .WithRelated("the body that is open starts here", SpanOf(level.Brace, 1)));
        _errors = MaxErrors;
    }

    // A property, a subnode, or a deletion.
    private void ParseStatement()
    {
        _labels.Clear();
        var omit = false;
        while (true)
        {
            var c = Peek();
            if (c == '/')
            {
                if (TakeKeyword("/omit-if-no-ref/"))
                {
                    omit = true;
                    SkipBlanks();
                    continue;
                }
                if (TakeKeyword("/delete-node/"))
                    ParseNodeDeletion();
                else if (TakeKeyword("/delete-property/"))
                    ParsePropertyDeletion(omit);
                else
                    Unexpected("a property, a node or '}'");
                return;
            }
            var start = _position;
            var backslash = c == '\\' ? 1 : 0;
            var end = NameEnd(start + backslash);
            var length = end - start - backslash;
            if (length == 0)
            {
                Unexpected("a property, a node or '}'");
                return;
            }
            if (backslash == 0 && end < _text.Length && _text[end] == ':' && CharacterClass.IsLabelText(_text.AsSpan(start, length)))
            {
                _labels.Add(new PendingLabel(_names.Add(_text.AsSpan(start, length)), SpanOf(start, length), _labelCount++));
                _position = end + 1;
                SkipBlanks();
                continue;
            }
            _position = end;
            ParseNamed(_names.Add(_text.AsSpan(start + backslash, length)), SpanOf(start, end - start), omit);
            return;
        }
    }

    // Behind a name: what follows tells whether it is a property or a node.
    private void ParseNamed(int name, SourceSpan span, bool omit)
    {
        SkipBlanks();
        var c = Peek();
        if (c == '{')
        {
            OpenSubnode(name, span, omit);
            return;
        }
        if (c is not ('=' or ';'))
        {
            Unexpected("'=', ';' or '{'");
            return;
        }
        if (omit)
        {
            Unexpected("'{' of the node that /omit-if-no-ref/ is for");
            return;
        }
        var level = _levels.Peek();
        if (level.SawSubnode)
        {
            // Said, and then read as if it stood in its place: what comes next is not to blame.
            _diagnostics.Add(DiagnosticTable.PropertyAfterSubnode, span, _names[name]);
        }
        var property = _draft.NewProperty(name, span);
        for (var i = _labels.Count - 1; i >= 0; i--)
            _draft.AddPropertyLabel(property, _labels[i].Name, _labels[i].Span, _labels[i].Sequence);
        _position++;
        if (c == '=')
            ParseValue(property);
        _draft.AppendProperty(level.Node, property);
    }

    private void OpenSubnode(int name, SourceSpan span, bool omit)
    {
        if (_levels.Count >= MaxDepth)
        {
            Error(KmemDiagnostic.Create(DiagnosticTable.NestingTooDeep, span, "nodes", MaxDepth));
            _errors = MaxErrors;
            return;
        }
        var node = NewSubnode(name, span);
        _draft.NodeAt(node).OmitIfUnreferenced = omit;
        _levels.Push(new Level(node, false, _position));
        _position++;
    }

    private int NewSubnode(int name, SourceSpan span)
    {
        var level = _levels.Pop();
        _levels.Push(level with { SawSubnode = true });
        var node = _draft.NewNode(name, span);
        _draft.AppendChild(level.Node, node);
        for (var i = _labels.Count - 1; i >= 0; i--)
            _draft.AddNodeLabel(node, _labels[i].Name, _labels[i].Span, _labels[i].Sequence);
        return node;
    }

    private void ParseNodeDeletion()
    {
        if (!TakeName(out var name, out var span) || !Expect(';'))
            return;
        _draft.NodeAt(NewSubnode(name, span)).IsDeleted = true;
    }

    private void ParsePropertyDeletion(bool omit)
    {
        if (omit)
        {
            Unexpected("a node");
            return;
        }
        if (!TakeName(out var name, out var span) || !Expect(';'))
            return;
        var level = _levels.Peek();
        if (level.SawSubnode)
            _diagnostics.Add(DiagnosticTable.PropertyAfterSubnode, span, _names[name]);
        var same = _draft.FindProperty(level.Node, name);
        if (same != TreeDraft.None)
        {
            _diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.DeleteWithoutEffect, span, _names[name])
                .WithRelated("defined here", _draft.PropertyAt(same).Span));
        }
        var property = _draft.NewProperty(name, span);
        _draft.PropertyAt(property).IsDeleted = true;
        _draft.AppendProperty(level.Node, property);
    }

    private bool TakeName(out int name, out SourceSpan span)
    {
        SkipBlanks();
        var start = _position;
        var backslash = Peek() == '\\' ? 1 : 0;
        var end = NameEnd(start + backslash);
        span = SpanOf(start, end - start);
        name = 0;
        if (end == start + backslash)
        {
            Unexpected("a name");
            return false;
        }
        name = _names.Add(_text.AsSpan(start + backslash, end - start - backslash));
        _position = end;
        return true;
    }
}
