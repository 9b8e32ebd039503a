using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Expands macros (C17 6.10.3) as GNU cpp does, white space included: in a node name a blank more is an error.</summary>
/// <remarks>
/// Method: a stack of contexts, each a run of tokens still to be read: the body of a macro, an argument, a token put back. A macro is active
/// while a context of its body is on the stack; its name found meanwhile is marked and never expanded again. Where the standard leaves open
/// whether a name behind the body is still inside, this stack gives GNU's answer.
/// Invariant: below all contexts is the reader of the file (or of a directive's line). Every token read costs one unit of
/// <see cref="WorkLimit"/>, which bounds a macro that doubles itself; nesting of arguments is bounded by <see cref="DepthLimit"/>.
/// </remarks>
internal sealed partial class MacroExpander(MacroTable macros, DiagnosticBag diagnostics)
{
    /// <summary>Tokens and characters of expansions in one compilation; the largest boards of Linux need less than a hundredth.</summary>
    private const int WorkLimit = 16_000_000;

    /// <summary>Invocations nested in arguments; each takes a few frames of the stack.</summary>
    private const int DepthLimit = 200;

    private readonly List<Context> _contexts = [];
    private TokenReader _reader;
    private SourceSpan _use;
    private int _prevent;
    private int _depth;
    private int _work;
    private bool _inDirective;

    private struct Context
    {
        public Macro? Macro;
        public PreprocessorToken[]? Body;
        public List<PreprocessorToken>? List;
        public int Position;
        public int End;

        /// <summary>Whether reading ends here: the argument is expanded by itself.</summary>
        public bool IsIsolated;
    }

    /// <summary>Whether the bound was hit: everything reads as ended from then on.</summary>
    public bool IsExhausted { get; private set; }

    /// <summary>What <c>__LINE__</c> and its kin stand for at the place of use.</summary>
    public Func<DynamicMacro, string>? DynamicText { get; set; }

    /// <summary>Starts to read the expression of a directive, whose place is <paramref name="use"/>.</summary>
    public void BeginDirective(TokenReader line, SourceSpan use)
    {
        _reader = line;
        _use = use;
        _inDirective = true;
        _contexts.Clear();
    }

    /// <summary>Reads a token of a directive, expanded or, for the operand of <c>defined</c>, as it is.</summary>
    public PreprocessorToken ReadDirectiveToken(bool expand)
    {
        if (!expand)
            _prevent++;
        PreprocessorToken token;
        do
            token = Read();
        while (token.Kind == TokenKind.Border);
        if (!expand)
            _prevent--;
        return token;
    }

    public void EndDirective()
    {
        DropContexts();
        _inDirective = false;
    }

    /// <summary>Expands the macro whose name <paramref name="reader"/> stands at, and what becomes of it together with the text behind.</summary>
    /// <param name="reader">At the name; behind what the expansion took, on return.</param>
    /// <param name="use">The name's place: that of everything that comes of it.</param>
    /// <param name="output">Where the text goes.</param>
    /// <returns>Whether it was a use: a function-like macro's name without arguments behind is not.</returns>
    public bool Expand(ref TokenReader reader, SourceSpan use, TextBuffer output)
    {
        _reader = reader;
        _use = use;
        _inDirective = false;
        var name = _reader.Next();
        var macro = macros.Find(name.Text)!;
        if (!Enter(macro))
        {
            reader = _reader;
            return false;
        }
        // The white space in front of the name is in the output already.
        name.Space = false;
        Print(output, PreprocessorToken.Border(true, false));
        reader = _reader;
        return true;
    }

    private PreprocessorToken Read()
    {
        while (true)
        {
            if (!Charge(1))
                return PreprocessorToken.EndMark;
            PreprocessorToken token;
            if (_contexts.Count > 0)
            {
                var top = _contexts[_contexts.Count - 1];
                if (top.Position >= top.End)
                {
                    if (top.IsIsolated)
                        return PreprocessorToken.EndMark;
                    Pop();
                    if (_inDirective)
                        continue;
                    return PreprocessorToken.Border(false, false);
                }
                token = Take();
                if (token.PasteNext)
                    token = PasteAll(token);
            }
            else
            {
                token = _reader.Next();
            }
            if (token.Kind != TokenKind.Identifier || token.NoExpand)
                return token;
            var macro = macros.Find(token.Text);
            if (macro is null)
                return token;
            if (macro.Active > 0)
            {
                token.NoExpand = true;
                return token;
            }
            if (_prevent > 0 || !Enter(macro))
                return token;
            if (!_inDirective)
                return PreprocessorToken.Border(true, token.Space);
        }
    }

    // The next token of the topmost context, which has one.
    private PreprocessorToken Take()
    {
        var index = _contexts.Count - 1;
        var context = _contexts[index];
        var token = context.Body is not null ? context.Body[context.Position] : context.List![context.Position];
        context.Position++;
        _contexts[index] = context;
        return token;
    }

    private void Push(Macro? macro, List<PreprocessorToken> tokens, bool isolated = false) =>
        _contexts.Add(new Context { Macro = macro, List = tokens, End = tokens.Count, IsIsolated = isolated });

    private void Pop()
    {
        var context = _contexts[_contexts.Count - 1];
        _contexts.RemoveAt(_contexts.Count - 1);
        if (context.Macro is not null)
            context.Macro.Active--;
    }

    private void DropContexts()
    {
        while (_contexts.Count > 0)
            Pop();
    }

    // Puts the macro's body on the stack; false where its name stands without arguments.
    private bool Enter(Macro macro)
    {
        if (macro.Dynamic != DynamicMacro.None)
        {
            var text = DynamicText?.Invoke(macro.Dynamic) ?? "0";
            var kind = text[0] == '"' ? TokenKind.String : TokenKind.Number;
            _contexts.Add(new Context { Body = [new PreprocessorToken { Kind = kind, Text = text }], End = 1 });
            return true;
        }
        if (macro.Parameters is null)
        {
            macro.Active++;
            _contexts.Add(new Context { Macro = macro, Body = macro.Body, End = macro.Body.Length });
            return true;
        }
        if (_depth >= DepthLimit)
        {
            Exhaust($"macro invocations are nested deeper than {DepthLimit} in one another's arguments");
            return false;
        }
        _depth++;
        var arguments = Collect(macro);
        if (arguments is not null)
        {
            var body = Substitute(macro, arguments);
            macro.Active++;
            Push(macro, body);
        }
        _depth--;
        return arguments is not null;
    }

    private bool Charge(int units)
    {
        if (IsExhausted)
            return false;
        if ((_work += units) <= WorkLimit)
            return true;
        Exhaust($"expanding macros takes more than {WorkLimit} steps");
        return false;
    }

    private void Exhaust(string reason)
    {
        if (!IsExhausted)
            diagnostics.Add(DiagnosticTable.ExpansionTooLarge, _use, reason);
        IsExhausted = true;
    }

    // Writes all that is on the stack, with a blank where two tokens would otherwise become one.
    private void Print(TextBuffer output, PreprocessorToken border)
    {
        var avoid = true;
        var (hasSource, sourceSpace) = (border.Stringify, border.Space);
        var previous = TokenBorders.LastOf(output);
        while (_contexts.Count > 0)
        {
            var token = Read();
            if (token.Kind == TokenKind.End)
                break;
            if (token.Kind == TokenKind.Border)
            {
                avoid = true;
                if (!hasSource || (!sourceSpace && !token.Stringify))
                    (hasSource, sourceSpace) = (token.Stringify, token.Space);
                continue;
            }
            var space = avoid
                ? (hasSource ? sourceSpace : token.Space) || TokenBorders.WouldMerge(previous, token)
                : token.Space;
            if (space)
                output.Append(' ');
            output.Append(token.Text);
            if (!Charge(token.Text.Length))
                break;
            (avoid, hasSource, sourceSpace) = (false, false, false);
            previous = token;
        }
        DropContexts();
        if (_reader.Position < _reader.End && TokenBorders.WouldMerge(previous, TokenBorders.FirstOf(_reader.Text, _reader.Position, _reader.End)))
            output.Append(' ');
    }
}
