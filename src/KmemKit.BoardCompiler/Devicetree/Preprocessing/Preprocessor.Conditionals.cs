using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

// #if and its kin. What a false condition leaves out is skipped line by line without being read, comments and quotes apart.
internal sealed partial class Preprocessor
{
    private sealed class Conditional(string name, SourceSpan span)
    {
        public readonly string Name = name;
        public readonly SourceSpan Span = span;

        /// <summary>Whether a group has been taken: no further one is.</summary>
        public bool Taken;

        public bool SawElse;
    }

    private void Open(Frame frame, Directive directive, int hash, int end)
    {
        var conditional = new Conditional(directive.Name, Whole(frame, hash, end));
        bool condition;
        if (directive.Kind == DirectiveKind.If)
        {
            condition = Evaluate(frame, directive, hash, end);
        }
        else
        {
            var name = MacroName(frame, directive, hash, end);
            var defined = name is not null && _macros.Find(name) is not null;
            condition = name is not null && defined == (directive.Kind == DirectiveKind.Ifdef);
            // Only what the file starts with guards it.
            if (directive.Kind == DirectiveKind.Ifndef && !frame.SawDirective && frame.Conditionals.Count == 0)
                frame.Guard ??= name;
        }
        frame.SawDirective = true;
        conditional.Taken = condition;
        frame.Conditionals.Add(conditional);
        if (!condition)
            SkipGroup(frame);
    }

    // At a line that ends a group that was read: the others are skipped.
    private void Continue(Frame frame, Directive directive, int hash, int end)
    {
        var index = frame.Conditionals.Count - 1;
        if (index < 0)
        {
            _diagnostics.Add(DiagnosticTable.StrayConditional, Whole(frame, hash, end), directive.Name, "has no #if in this file");
            return;
        }
        if (!CheckOrder(frame, frame.Conditionals[index], directive, hash, end))
            return;
        if (directive.Kind == DirectiveKind.Endif)
            frame.Conditionals.RemoveAt(index);
        else
            SkipGroup(frame);
    }

    private bool CheckOrder(Frame frame, Conditional conditional, Directive directive, int hash, int end)
    {
        if (directive.Kind is DirectiveKind.Endif or DirectiveKind.Else)
        {
            var reader = new TokenReader(frame.Text, directive.Operands, end);
            NoMore(frame, directive, ref reader);
        }
        if (directive.Kind == DirectiveKind.Endif)
            return true;
        if (conditional.SawElse)
        {
            _diagnostics.Add(KmemDiagnostic.Create(DiagnosticTable.StrayConditional, Whole(frame, hash, end), directive.Name, "stands behind #else")
                .WithRelated("the conditional begins here", conditional.Span));
            return false;
        }
        conditional.SawElse = directive.Kind == DirectiveKind.Else;
        return true;
    }

    // From behind a line whose group is left out to the group that is taken, or behind #endif.
    private void SkipGroup(Frame frame)
    {
        var conditional = frame.Conditionals[frame.Conditionals.Count - 1];
        var nested = 0;
        while (!_stopped && NextDirective(frame, out var hash, out var directive))
        {
            var end = LineEnd(frame, directive.Operands);
            frame.Position = end;
            switch (directive.Kind)
            {
                case DirectiveKind.If or DirectiveKind.Ifdef or DirectiveKind.Ifndef:
                    nested++;
                    break;
                case DirectiveKind.Endif when nested > 0:
                    nested--;
                    break;
                case DirectiveKind.Elif or DirectiveKind.Elifdef or DirectiveKind.Elifndef or DirectiveKind.Else or DirectiveKind.Endif when nested == 0:
                    if (CheckOrder(frame, conditional, directive, hash, end) && Takes(frame, conditional, directive, hash, end))
                    {
                        frame.CopyStart = frame.Position;
                        return;
                    }
                    break;
                default:
                    break;
            }
        }
        frame.CopyStart = frame.Position;
    }

    private bool Takes(Frame frame, Conditional conditional, Directive directive, int hash, int end)
    {
        if (directive.Kind == DirectiveKind.Endif)
        {
            frame.Conditionals.RemoveAt(frame.Conditionals.Count - 1);
            return true;
        }
        if (conditional.Taken)
            return false;
        conditional.Taken = directive.Kind switch
        {
            DirectiveKind.Else => true,
            DirectiveKind.Elif => Evaluate(frame, directive, hash, end),
            _ => MacroName(frame, directive, hash, end) is { } name
                && _macros.Find(name) is not null == (directive.Kind == DirectiveKind.Elifdef),
        };
        return conditional.Taken;
    }

    // Skips to the next line that is a directive; the reader is at the end of a line.
    private bool NextDirective(Frame frame, out int hash, out Directive directive)
    {
        var text = frame.Text;
        var lineStart = false;
        while (frame.Position < text.Length && !_stopped)
        {
            var c = text[frame.Position];
            if (c == '\n')
            {
                lineStart = true;
                frame.Position++;
            }
            else if (c <= ' ')
            {
                frame.Position++;
            }
            else if (c == '#' && lineStart)
            {
                hash = frame.Position;
                directive = Directive.At(text, hash, text.Length);
                if (directive.Kind != DirectiveKind.None)
                    return true;
                lineStart = false;
                frame.Position++;
            }
            else if (c == '/' && frame.Position + 1 < text.Length && text[frame.Position + 1] is '*' or '/')
            {
                frame.Position = SkipComment(frame);
            }
            else
            {
                lineStart = false;
                frame.Position = c is '"' or '\'' ? Scanning.SkipQuoted(text, frame.Position, text.Length, out _) : frame.Position + 1;
            }
        }
        hash = frame.Position;
        directive = default;
        return false;
    }

    private bool Evaluate(Frame frame, Directive directive, int hash, int end)
    {
        var span = Whole(frame, hash, end);
        _expander.BeginDirective(new TokenReader(frame.Text, directive.Operands, end), span);
        var fault = new ConditionEvaluator(_expander, _macros).Evaluate(out var value);
        _expander.EndDirective();
        if (fault is not null && !_expander.IsExhausted)
            _diagnostics.Add(DiagnosticTable.BadCondition, span, fault);
        CheckSize(frame, hash);
        return value;
    }
}
