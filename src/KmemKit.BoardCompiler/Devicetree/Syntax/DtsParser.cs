using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Devicetree.Preprocessing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

/// <summary>Reads preprocessed source into a <see cref="TreeDraft"/>: the grammar of Devicetree Specification 0.4, chapter 6, as dtc reads it.</summary>
/// <remarks>
/// There is no separate lexer: what a character means depends on where it stands (<c>1,2</c> is a name in one place and a syntax error in another),
/// and the parser knows where it stands. A node's body is read by a loop with a stack of its own, so that nesting costs no stack of the thread;
/// expressions recurse to a bounded depth.
/// After an error the reader goes on behind the next <c>;</c> of the same body, so that one slip gives one message; after
/// <see cref="MaxErrors"/> it gives up.
/// Cost: 5 to 10 ns a character of decompiled source, of which a quarter is names, a quarter numbers, the rest blanks and the draft's rows.
/// </remarks>
internal sealed partial class DtsParser
{
    /// <summary>Nodes inside nodes. Linux takes 64; dtc runs out of its own stack some thousands later.</summary>
    public const int MaxDepth = 1000;

    private const int MaxErrors = 100;

    private readonly ExpandedSource _source;
    private readonly string _text;
    private readonly TreeDraft _draft;
    private readonly NameTable _names;
    private readonly ValueBuffer _values;
    private readonly SourceSet _files;
    private readonly DiagnosticBag _diagnostics;
    private readonly List<PendingLabel> _labels = [];
    private readonly Stack<Level> _levels = new();
    private int _position;
    private int _errors;
    private int _labelCount;

    // Whether the last error left the reader in the middle of something.
    private bool _derailed;

    private readonly record struct PendingLabel(int Name, SourceSpan Span, int Sequence);

    /// <summary>A body that is open.</summary>
    private readonly record struct Level(int Node, bool SawSubnode, int Brace);

    public DtsParser(ExpandedSource source, TreeDraft draft, SourceSet files, DiagnosticBag diagnostics)
    {
        _source = source;
        _text = source.Text;
        _draft = draft;
        _names = draft.Names;
        _values = draft.Values;
        _files = files;
        _diagnostics = diagnostics;
    }

    /// <summary>Reads the whole source.</summary>
    /// <param name="isOverlay">Whether it goes on where another source ended: then it needs no <c>/dts-v1/;</c> and no root.</param>
    public void ParseSource(bool isOverlay)
    {
        ParseHeaders(isOverlay);
        if (!GaveUp)
            ParseReservations();
        while (!AtEnd && !GaveUp)
            ParseTopLevel();
        if (_draft.Root == TreeDraft.None && _errors == 0)
            _diagnostics.Add(DiagnosticTable.NoTree, SpanHere());
        else if (_draft.Root != TreeDraft.None)
            _draft.BootCpuId = GuessBootCpu();
    }

    private bool GaveUp => _errors >= MaxErrors;

    private void ParseHeaders(bool isOverlay)
    {
        var seen = isOverlay;
        while (true)
        {
            SkipBlanks();
            if (TakeKeyword("/dts-v1/"))
            {
                seen = true;
                Expect(';');
            }
            else if (seen && AtKeyword("/plugin/"))
            {
                Error(KmemDiagnostic.Create(DiagnosticTable.PluginRefused, SpanOf(_position, 8)));
                TakeKeyword("/plugin/");
                Expect(';');
            }
            else
            {
                break;
            }
        }
        if (seen)
            return;
        // Nothing tells what language the rest is in.
        _diagnostics.Add(DiagnosticTable.MissingVersion, SpanHere());
        _errors = MaxErrors;
    }

    private void ParseReservations()
    {
        while (!GaveUp)
        {
            SkipBlanks();
            var start = _position;
            _labels.Clear();
            TakeLabels();
            if (!AtKeyword("/memreserve/"))
            {
                // The labels belong to what follows.
                _position = start;
                return;
            }
            var keyword = _position;
            TakeKeyword("/memreserve/");
            var errors = _errors;
            SkipBlanks();
            var address = ParsePrimary();
            SkipBlanks();
            var size = errors == _errors ? ParsePrimary() : 0;
            if (errors != _errors || !Expect(';'))
            {
                Resynchronize(0);
                continue;
            }
            var label = TreeDraft.None;
            for (var i = _labels.Count - 1; i >= 0; i--)
                label = _draft.NewLabel(_labels[i].Name, _labels[i].Span, _labels[i].Sequence, label);
            _draft.Reservations.Add(new TreeDraft.Reservation(address, size, label, SpanOf(keyword, _position - keyword)));
        }
    }

    private void ParseTopLevel()
    {
        _labels.Clear();
        TakeLabels();
        var c = Peek();
        if (c == '&')
            ParseExtension();
        else if (_labels.Count > 0)
            Unexpected("'&' of a reference to the node that the label is for");
        else if (TakeKeyword("/delete-node/"))
            ParseTargetStatement(_draft.Delete);
        else if (TakeKeyword("/omit-if-no-ref/"))
            ParseTargetStatement(node => _draft.NodeAt(node).OmitIfUnreferenced = true);
        else if (c == '/' && !AtAnyKeyword())
            ParseRoot();
        else
            Unexpected(_draft.Root == TreeDraft.None ? "'/ {' of the root node" : "'/ {', '&label {' or '/delete-node/ &label;'");
        if (_derailed)
            Resynchronize(0);
        SkipBlanks();
    }

    private void ParseRoot()
    {
        var start = _position++;
        SkipBlanks();
        if (Peek() != '{')
        {
            Unexpected("'{'");
            return;
        }
        var node = _draft.NewNode(_names.Add(""), SpanOf(start, 1));
        ParseBody(node);
        if (_draft.Root == TreeDraft.None)
            _draft.Root = node;
        else
            _draft.Merge(_draft.Root, node, _diagnostics);
    }

    private void ParseExtension()
    {
        var start = _position;
        if (_labels.Count > 1)
        {
            Error(KmemDiagnostic.Create(DiagnosticTable.SyntaxError, _labels[1].Span, "'&' of a reference", $"the label '{_names[_labels[1].Name]}'"));
            return;
        }
        var label = _labels.Count == 1 ? _labels[0] : default;
        var hasLabel = _labels.Count == 1;
        if (!TakeReference(out var reference))
            return;
        var span = SpanOf(start, _position - start);
        SkipBlanks();
        if (Peek() != '{')
        {
            Unexpected("'{'");
            return;
        }
        var node = _draft.NewNode(_names.Add(""), span);
        ParseBody(node);
        // Looked up behind the body, as dtc does: a body may not refer to what it brings itself.
        var target = _draft.Resolve(reference);
        if (target == TreeDraft.None)
        {
            NoTarget(span, reference);
            return;
        }
        if (hasLabel)
            _draft.AddNodeLabel(target, label.Name, label.Span, label.Sequence);
        _draft.Merge(target, node, _diagnostics);
    }

    private void ParseTargetStatement(Action<int> apply)
    {
        SkipBlanks();
        var start = _position;
        if (Peek() != '&')
        {
            Unexpected("a reference such as &label");
            return;
        }
        if (!TakeReference(out var reference))
            return;
        var span = SpanOf(start, _position - start);
        if (!Expect(';'))
            return;
        var target = _draft.Resolve(reference);
        if (target == TreeDraft.None)
            NoTarget(span, reference);
        else
            apply(target);
    }

    // An error of meaning: the source reads on behind it without a jump.
    private void NoTarget(SourceSpan span, string reference)
    {
        // The label may have been in what an error made the reader skip.
        if (_errors == 0)
            _diagnostics.Add(DiagnosticTable.UnresolvedTarget, span, reference);
        // Without a root there is nothing to extend, and that is said.
        if (_draft.Root == TreeDraft.None)
            _errors = MaxErrors;
    }

    // dtc: the reg of the first subnode of /cpus, as it stands before references are filled in.
    private uint GuessBootCpu()
    {
        var cpus = _draft.FindChild(_draft.Root, _names.Add("cpus"));
        var first = cpus == TreeDraft.None ? TreeDraft.None : _draft.NodeAt(cpus).FirstChild;
        var reg = first == TreeDraft.None ? TreeDraft.None : _draft.FindProperty(first, _names.Add("reg"));
        return reg != TreeDraft.None && _draft.PropertyAt(reg).Value is { Length: 4 } value
            ? System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(value.Span)
            : 0;
    }
}
