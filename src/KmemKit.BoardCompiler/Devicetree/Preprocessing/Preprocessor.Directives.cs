using System.Collections.Generic;
using System.Globalization;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

// Preprocessor lines, one by one (C17 6.10).
internal sealed partial class Preprocessor
{
    // At a '#' that starts a line. Whether the reader is at the start of a line afterwards.
    private bool ReadDirective(Frame frame)
    {
        var hash = frame.Position;
        var directive = Directive.At(frame.Text, hash, frame.Text.Length);
        if (directive.Kind == DirectiveKind.None)
        {
            frame.Position++;
            return false;
        }
        Copy(frame, hash);
        var end = LineEnd(frame, directive.Operands);
        frame.Position = end;
        frame.CopyStart = end;
        Obey(frame, directive, hash, end);
        if (directive.Kind is not (DirectiveKind.Ifndef or DirectiveKind.Null))
            frame.SawDirective = true;
        return true;
    }

    private void Obey(Frame frame, Directive directive, int hash, int end)
    {
        switch (directive.Kind)
        {
            case DirectiveKind.Define:
                Define(frame, directive.Operands, end);
                break;
            case DirectiveKind.Undef:
                if (MacroName(frame, directive, hash, end) is { } undefined)
                    _macros.Remove(undefined);
                break;
            case DirectiveKind.Include:
                ReadInclude(frame, directive, hash, end);
                break;
            case DirectiveKind.If or DirectiveKind.Ifdef or DirectiveKind.Ifndef:
                Open(frame, directive, hash, end);
                break;
            case DirectiveKind.Elif or DirectiveKind.Elifdef or DirectiveKind.Elifndef or DirectiveKind.Else or DirectiveKind.Endif:
                Continue(frame, directive, hash, end);
                break;
            case DirectiveKind.Line or DirectiveKind.LineMarker:
                MarkLine(frame, directive, hash, end);
                break;
            case DirectiveKind.Error:
                _diagnostics.Add(DiagnosticTable.ErrorDirective, Whole(frame, hash, end), Rest(frame, directive.Operands, end));
                break;
            case DirectiveKind.Warning:
                _diagnostics.Add(DiagnosticTable.WarningDirective, Whole(frame, hash, end), Rest(frame, directive.Operands, end));
                break;
            case DirectiveKind.Pragma:
                if (Rest(frame, directive.Operands, end) == "once")
                    _once.Add(frame.Source.File);
                else
                    Malformed(frame, directive, hash, end, "only '#pragma once' has a meaning in a devicetree");
                break;
            default:
                // A # alone, and #ident, say nothing.
                break;
        }
    }

    private static SourceSpan Whole(Frame frame, int hash, int end)
    {
        while (end > hash + 1 && frame.Text[end - 1] <= ' ')
            end--;
        return frame.SpanOf(hash, end - hash);
    }

    private static string Rest(Frame frame, int start, int end) => frame.Text.Substring(start, end - start).Trim();

    private void Malformed(Frame frame, Directive directive, int hash, int end, string reason) =>
        _diagnostics.Add(DiagnosticTable.MalformedDirective, Whole(frame, hash, end), directive.Name, reason);

    // The end of a directive's line: its line break, unless that is in a comment.
    private int LineEnd(Frame frame, int position)
    {
        var text = frame.Text;
        while (position < text.Length && text[position] != '\n')
        {
            var c = text[position];
            if (c is '"' or '\'')
            {
                position = Scanning.SkipQuoted(text, position, text.Length, out _);
            }
            else if (c == '/' && position + 1 < text.Length && text[position + 1] is '*' or '/')
            {
                frame.Position = position;
                position = SkipComment(frame);
            }
            else
            {
                position++;
            }
        }
        return position;
    }

    private string? MacroName(Frame frame, Directive directive, int hash, int end)
    {
        var reader = new TokenReader(frame.Text, directive.Operands, end);
        var name = reader.Next();
        if (name.Kind != TokenKind.Identifier)
        {
            Malformed(frame, directive, hash, end, name.Kind == TokenKind.End ? "the name of a macro is missing" : $"'{name.Text}' is not a macro's name");
            return null;
        }
        if (name.Text == "defined")
        {
            Malformed(frame, directive, hash, end, "'defined' cannot be a macro's name");
            return null;
        }
        NoMore(frame, directive, ref reader);
        return name.Text;
    }

    private void NoMore(Frame frame, Directive directive, ref TokenReader reader)
    {
        if (reader.Next().Kind != TokenKind.End)
            _diagnostics.Add(DiagnosticTable.ExtraTokens, frame.SpanOf(reader.TokenStart, reader.Position - reader.TokenStart), directive.Name);
    }

    private void ReadInclude(Frame frame, Directive directive, int hash, int end)
    {
        var operand = Rest(frame, directive.Operands, end);
        if (operand.Length > 0 && Scanning.IsIdentifierStart(operand[0]))
            operand = ExpandedOperand(frame, directive, hash, end);
        var close = operand.Length < 2 ? -1 : operand[0] == '"' ? operand.IndexOf('"', 1) : operand[0] == '<' ? operand.IndexOf('>') : -1;
        if (close < 1)
        {
            Malformed(frame, directive, hash, end, "\"file\" or <file> expected");
            return;
        }
        if (close == 1)
        {
            Malformed(frame, directive, hash, end, "the file's name is empty");
            return;
        }
        var behind = new TokenReader(operand, close + 1, operand.Length);
        if (behind.Next().Kind != TokenKind.End)
            _diagnostics.Add(DiagnosticTable.ExtraTokens, Whole(frame, hash, end), directive.Name);
        Include(frame, operand.Substring(1, close - 1), operand[0] == '"', hash, directive.Operands - hash + (end - directive.Operands));
    }

    private string ExpandedOperand(Frame frame, Directive directive, int hash, int end)
    {
        var text = new System.Text.StringBuilder();
        _expander.BeginDirective(new TokenReader(frame.Text, directive.Operands, end), Whole(frame, hash, end));
        for (var token = _expander.ReadDirectiveToken(true); token.Kind != TokenKind.End; token = _expander.ReadDirectiveToken(true))
        {
            if (token.Space && text.Length > 0)
                text.Append(' ');
            text.Append(token.Text);
        }
        _expander.EndDirective();
        CheckSize(frame, hash);
        return text.ToString();
    }

    // What follows goes by another name and number: positions are told as the marker says.
    private void MarkLine(Frame frame, Directive directive, int hash, int end)
    {
        var operand = directive.Kind == DirectiveKind.Line ? ExpandedOperand(frame, directive, hash, end) : Rest(frame, directive.Operands, end);
        var reader = new TokenReader(operand, 0, operand.Length);
        var number = reader.Next();
        if (number.Kind != TokenKind.Number || !int.TryParse(number.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var line) || line == 0)
        {
            Malformed(frame, directive, hash, end, "a positive line number expected");
            return;
        }
        var path = frame.View.Path;
        var name = reader.Next();
        if (name.Kind == TokenKind.String)
        {
            path = Unquoted(name.Text);
        }
        else if (name.Kind != TokenKind.End)
        {
            Malformed(frame, directive, hash, end, $"'{name.Text}' is not a file's name in quotes");
            return;
        }
        // The number is that of the next line.
        var here = frame.Source.File.PositionOf(frame.Source.OriginalOf(end)).Line + 1;
        frame.View = frame.Source.File.WithLineMarker(path, line - 1 - here);
    }

    private static string Unquoted(string text)
    {
        var result = new System.Text.StringBuilder(text.Length);
        for (var i = 1; i < text.Length - 1; i++)
        {
            if (text[i] == '\\' && i + 1 < text.Length - 1)
                i++;
            result.Append(text[i]);
        }
        return result.ToString();
    }

    private void Define(Frame frame, int start, int end)
    {
        var reader = new TokenReader(frame.Text, start, end);
        var name = reader.Next();
        var span = frame.SpanOf(reader.TokenStart, reader.Position - reader.TokenStart);
        if (name.Kind != TokenKind.Identifier || name.Text is "defined" or "__VA_ARGS__" or "__VA_OPT__")
        {
            var reason = name.Kind == TokenKind.End ? "the name of the macro is missing" : $"'{name.Text}' cannot be a macro's name";
            _diagnostics.Add(DiagnosticTable.BadMacroDefinition, name.Kind == TokenKind.End ? frame.SpanOf(start, 0) : span, reason);
            return;
        }
        var macro = new Macro(name.Text) { Span = span };
        string? fault = null;
        if (reader.Position < end && frame.Text[reader.Position] == '(')
        {
            reader.Next();
            fault = MacroReader.ReadParameters(macro, ref reader);
        }
        fault ??= MacroReader.ReadBody(macro, ref reader);
        if (fault is not null)
        {
            _diagnostics.Add(DiagnosticTable.BadMacroDefinition, frame.SpanOf(reader.TokenStart, System.Math.Max(1, reader.Position - reader.TokenStart)), fault);
            return;
        }
        if (_macros.Find(macro.Name) is { } old && !old.IsSameAs(macro))
        {
            var diagnostic = KmemDiagnostic.Create(DiagnosticTable.MacroRedefined, span, macro.Name);
            _diagnostics.Add(old.Span.IsKnown ? diagnostic.WithRelated("first defined here", old.Span) : diagnostic);
        }
        _macros.Set(macro);
    }
}
