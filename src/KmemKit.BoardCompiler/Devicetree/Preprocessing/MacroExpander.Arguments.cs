using System.Collections.Generic;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

// Arguments: collecting them, # and ##, and their place in the body.
internal sealed partial class MacroExpander
{
    private sealed class Argument
    {
        public readonly List<PreprocessorToken> Tokens = [];
        public List<PreprocessorToken>? Expanded;
    }

    // The arguments behind the name just read; null where there is no opening parenthesis or they do not fit.
    private List<Argument>? Collect(Macro macro)
    {
        var saved = _reader;
        var border = false;
        PreprocessorToken token;
        bool fromReader;
        _prevent++;
        do
        {
            fromReader = _contexts.Count == 0;
            token = Read();
            border |= token.Kind == TokenKind.Border;
        }
        while (token.Kind == TokenKind.Border);
        List<Argument>? arguments = null;
        if (token.Is("("))
            arguments = CollectBehindParenthesis(macro);
        else if (fromReader)
            _reader = saved;
        else if (token.Kind != TokenKind.End)
            Push(null, border ? [PreprocessorToken.Border(false, false), token] : [token]);
        _prevent--;
        return arguments;
    }

    private List<Argument>? CollectBehindParenthesis(Macro macro)
    {
        var parameters = macro.Parameters!.Count;
        var arguments = new List<Argument> { new() };
        var depth = 0;
        while (true)
        {
            var fromReader = _contexts.Count == 0;
            var token = Read();
            if (token.Kind == TokenKind.End)
            {
                Misuse(macro, "the argument list is not closed");
                return null;
            }
            var current = arguments[arguments.Count - 1];
            if (token.Kind == TokenKind.Border)
            {
                // A border stands in front of a token only.
                if (current.Tokens.Count > 0)
                    current.Tokens.Add(token);
                continue;
            }
            if (fromReader && _reader.NewLine && token.Is("#") && !_inDirective
                && Directive.At(_reader.Text, _reader.TokenStart, _reader.End).Kind != DirectiveKind.None)
            {
                Misuse(macro, "a preprocessor line stands between its arguments");
                return null;
            }
            if (token.Is("("))
            {
                depth++;
            }
            else if (token.Is(")"))
            {
                if (depth-- == 0)
                    break;
            }
            else if (token.Is(",") && depth == 0 && !(macro.IsVariadic && arguments.Count == parameters))
            {
                arguments.Add(new Argument());
                continue;
            }
            current.Tokens.Add(token);
        }
        foreach (var argument in arguments)
        {
            var tokens = argument.Tokens;
            while (tokens.Count > 0 && tokens[tokens.Count - 1].Kind == TokenKind.Border)
                tokens.RemoveAt(tokens.Count - 1);
        }
        return Fits(macro, arguments) ? arguments : null;
    }

    private bool Fits(Macro macro, List<Argument> arguments)
    {
        var parameters = macro.Parameters!.Count;
        if (parameters == 0 && arguments.Count == 1 && arguments[0].Tokens.Count == 0)
            arguments.Clear();
        // All that a "..." stands for may be left out, comma and all.
        if (macro.IsVariadic && arguments.Count == parameters - 1)
            arguments.Add(new Argument());
        if (arguments.Count == parameters)
            return true;
        Misuse(macro, $"{arguments.Count} arguments given, {parameters} wanted");
        return false;
    }

    private void Misuse(Macro macro, string reason)
    {
        if (!IsExhausted)
            diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.BadMacroUse, _use, macro.Name, reason).WithRelated("defined here", macro.Span));
    }

    // The body with the arguments in place of the parameters (C17 6.10.3.1 to 6.10.3.3).
    private List<PreprocessorToken> Substitute(Macro macro, List<Argument> arguments)
    {
        var body = macro.Body;
        var result = new List<PreprocessorToken>(body.Length + 8);
        var optionalEnd = -1;
        for (var i = 0; i < body.Length; i++)
        {
            var token = body[i];
            if (i == optionalEnd)
                continue;
            if (token.Kind == TokenKind.Identifier && token.Text == "__VA_OPT__" && macro.IsVariadic && i + 1 < body.Length && body[i + 1].Is("("))
            {
                var close = MatchingParenthesis(body, i + 1);
                if (close > 0)
                {
                    var given = Expanded(arguments[arguments.Count - 1]).Exists(t => t.Kind != TokenKind.Border);
                    result.Add(PreprocessorToken.Border(true, token.Space));
                    optionalEnd = given ? close : -1;
                    i = given ? i + 1 : close;
                    continue;
                }
            }
            if (token.Kind != TokenKind.Parameter)
            {
                result.Add(token);
                continue;
            }
            PlaceArgument(macro, arguments[token.Parameter], i, result);
        }
        Charge(result.Count);
        return result;
    }

    private void PlaceArgument(Macro macro, Argument argument, int index, List<PreprocessorToken> result)
    {
        var body = macro.Body;
        var parameter = body[index];
        if (parameter.Stringify)
        {
            var text = Stringified(argument);
            Charge(text.Length);
            result.Add(new PreprocessorToken { Kind = TokenKind.String, Text = text, Space = parameter.Space, PasteNext = parameter.PasteNext });
            return;
        }
        var pasted = index > 0 && body[index - 1].PasteNext;
        var tokens = parameter.PasteNext || pasted ? argument.Tokens : Expanded(argument);
        if (pasted && result.Count > 0)
        {
            var last = result[result.Count - 1];
            if (last.Is(",") && macro.IsVariadic && parameter.Parameter == macro.Parameters!.Count - 1)
            {
                // GNU: the comma in front of ## __VA_ARGS__ goes with the arguments.
                if (tokens.Count == 0)
                {
                    result.RemoveAt(result.Count - 1);
                }
                else
                {
                    last.PasteNext = false;
                    result[result.Count - 1] = last;
                }
            }
            else if (tokens.Count == 0)
            {
                // Nothing to paste; what follows a second ## is pasted instead.
                last.PasteNext = parameter.PasteNext;
                result[result.Count - 1] = last;
            }
        }
        if (index > 0 && !pasted)
            result.Add(PreprocessorToken.Border(true, parameter.Space));
        if (Charge(tokens.Count))
            result.AddRange(tokens);
        if (parameter.PasteNext && tokens.Count > 0)
        {
            var last = result[result.Count - 1];
            last.PasteNext = true;
            result[result.Count - 1] = last;
        }
        if (!parameter.PasteNext)
            result.Add(PreprocessorToken.Border(false, false));
    }

    private List<PreprocessorToken> Expanded(Argument argument)
    {
        if (argument.Expanded is { } known)
            return known;
        var result = new List<PreprocessorToken>(argument.Tokens.Count);
        argument.Expanded = result;
        if (argument.Tokens.Count == 0)
            return result;
        var prevent = _prevent;
        _prevent = 0;
        Push(null, argument.Tokens, isolated: true);
        var level = _contexts.Count;
        while (true)
        {
            var token = Read();
            if (token.Kind == TokenKind.End)
                break;
            result.Add(token);
        }
        while (_contexts.Count >= level)
            Pop();
        _prevent = prevent;
        return result;
    }

    private static string Stringified(Argument argument)
    {
        var text = new StringBuilder("\"");
        var first = true;
        var (border, borderSpace) = (false, false);
        foreach (var token in argument.Tokens)
        {
            if (token.Kind == TokenKind.Border)
            {
                (border, borderSpace) = (true, borderSpace | token.Space);
                continue;
            }
            if (!first && (token.Space || (border && borderSpace)))
                text.Append(' ');
            (first, border, borderSpace) = (false, false, false);
            if (token.Kind is TokenKind.String or TokenKind.Character)
                text.Append(token.Text.Replace("\\", "\\\\").Replace("\"", "\\\""));
            else
                text.Append(token.Text);
        }
        return text.Append('"').ToString();
    }

    // ## : what two spellings give together is one token, or they stay two, as cpp leaves them in assembler sources.
    private PreprocessorToken PasteAll(PreprocessorToken left)
    {
        while (left.PasteNext)
        {
            left.PasteNext = false;
            var top = _contexts[_contexts.Count - 1];
            if (top.Position >= top.End)
                break;
            var right = Take();
            if (right.Kind == TokenKind.Border)
            {
                left.PasteNext = !right.Stringify;
                continue;
            }
            var text = left.Text + right.Text;
            if (!Charge(text.Length))
                break;
            var reader = new TokenReader(text, 0, text.Length);
            var joined = reader.Next();
            if (reader.Position != text.Length || joined.Kind is TokenKind.Other or TokenKind.End)
            {
                top = _contexts[_contexts.Count - 1];
                top.Position--;
                _contexts[_contexts.Count - 1] = top;
                break;
            }
            joined.Space = left.Space;
            joined.PasteNext = right.PasteNext;
            left = joined;
        }
        return left;
    }

    private static int MatchingParenthesis(PreprocessorToken[] body, int open)
    {
        var depth = 0;
        for (var i = open; i < body.Length; i++)
        {
            if (body[i].Is("("))
                depth++;
            else if (body[i].Is(")") && --depth == 0)
                return i;
        }
        return -1;
    }
}
