using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// Integers and C expressions in cells: unsigned 64-bit arithmetic throughout, as dtc's.
internal sealed partial class DtsParser
{
    private const int MaxExpressionDepth = 256;

    private int _expressionDepth;

    // An operand by itself: a number, a character, or an expression in parentheses.
    private ulong ParsePrimary()
    {
        switch (Peek())
        {
            case >= '0' and <= '9':
                return ParseInteger();
            case '\'':
                return ParseCharacter();
            case '(':
                break;
            default:
                Unexpected("a number, a character or '('");
                return 0;
        }
        _position++;
        var value = ParseConditional();
        if (!_derailed)
            Expect(')');
        return value;
    }

    private bool EnterExpression()
    {
        if (++_expressionDepth <= MaxExpressionDepth)
            return true;
        Error(KmemDiagnostic.Create(DiagnosticTable.NestingTooDeep, SpanHere(), "expressions", MaxExpressionDepth));
        return false;
    }

    private ulong ParseConditional()
    {
        ulong value = 0;
        if (EnterExpression())
        {
            value = ParseBinary(0);
            SkipBlanks();
            if (!_derailed && Peek() == '?')
            {
                _position++;
                var yes = ParseConditional();
                var no = !_derailed && Expect(':') ? ParseConditional() : 0;
                value = value != 0 ? yes : no;
            }
        }
        _expressionDepth--;
        return value;
    }

    // The operator at the reader: its precedence (C17 6.5, low to high) and length; -1 where there is none.
    private int Operator(out int length)
    {
        length = 1;
        var c = Peek();
        var next = _position + 1 < _text.Length ? _text[_position + 1] : '\0';
        switch (c)
        {
            case '|' when next == '|':
                length = 2;
                return 0;
            case '&' when next == '&':
                length = 2;
                return 1;
            case '|':
                return 2;
            case '^':
                return 3;
            case '&':
                return 4;
            case '=' or '!' when next == '=':
                length = 2;
                return 5;
            case '<' or '>' when next == c:
                length = 2;
                return 7;
            case '<' or '>':
                length = next == '=' ? 2 : 1;
                return 6;
            case '+' or '-':
                return 8;
            case '*' or '/' or '%':
                return 9;
            default:
                return -1;
        }
    }

    private ulong ParseBinary(int lowest)
    {
        SkipBlanks();
        var start = _position;
        var left = ParseUnary();
        while (!_derailed)
        {
            SkipBlanks();
            var level = Operator(out var length);
            if (level < lowest)
                break;
            var (first, second) = (_text[_position], length == 2 ? _text[_position + 1] : '\0');
            _position += length;
            var right = ParseBinary(level + 1);
            if (!_derailed)
                left = Apply(first, second, left, right, start);
        }
        return left;
    }

    private ulong Apply(char first, char second, ulong left, ulong right, int start)
    {
        unchecked
        {
            switch (first, second)
            {
                case ('|', '|'): return left != 0 || right != 0 ? 1u : 0u;
                case ('&', '&'): return left != 0 && right != 0 ? 1u : 0u;
                case ('|', _): return left | right;
                case ('^', _): return left ^ right;
                case ('&', _): return left & right;
                case ('=', _): return left == right ? 1u : 0u;
                case ('!', _): return left != right ? 1u : 0u;
                case ('<', '<'): return right < 64 ? left << (int)right : 0;
                case ('>', '>'): return right < 64 ? left >> (int)right : 0;
                case ('<', '='): return left <= right ? 1u : 0u;
                case ('>', '='): return left >= right ? 1u : 0u;
                case ('<', _): return left < right ? 1u : 0u;
                case ('>', _): return left > right ? 1u : 0u;
                case ('+', _): return left + right;
                case ('-', _): return left - right;
                case ('*', _): return left * right;
                default:
                    if (right != 0)
                        return first == '/' ? left / right : left % right;
                    _diagnostics.Add(DiagnosticTable.DivisionByZero, SpanOf(start, _position - start));
                    return 0;
            }
        }
    }

    private ulong ParseUnary()
    {
        SkipBlanks();
        var c = Peek();
        if (c is not ('-' or '~' or '!'))
            return ParsePrimary();
        ulong value = 0;
        if (EnterExpression())
        {
            _position++;
            value = ParseUnary();
            value = unchecked(c == '-' ? 0 - value : c == '~' ? ~value : value == 0 ? 1u : 0u);
        }
        _expressionDepth--;
        return value;
    }

    // At a digit. dtc cuts: "12x" is 12 with an x behind.
    private ulong ParseInteger()
    {
        var text = _text;
        var start = _position;
        var position = start;
        ulong value = 0;
        var isFaulty = false;
        string? fault = null;
        if (text[position] == '0' && position + 2 < text.Length && text[position + 1] is 'x' or 'X' && CharacterClass.IsHex(text[position + 2]))
        {
            position += 2;
            while ((uint)position < (uint)text.Length && CharacterClass.IsHex(text[position]))
            {
                isFaulty |= value >> 60 != 0;
                value = (value << 4) | CharacterClass.HexValue(text[position++]);
            }
            if (isFaulty)
                fault = "is larger than 64 bits";
        }
        else
        {
            while (position < text.Length && text[position] is >= '0' and <= '9')
                position++;
            fault = DecimalOrOctal(start, position, out value);
        }
        if (position < text.Length && (text[position] | 0x20) is 'u' or 'l')
            TakeSuffix(ref position);
        _position = position;
        if (fault is not null)
            _diagnostics.Add(DiagnosticTable.BadIntegerLiteral, SpanOf(start, position - start), text.Substring(start, position - start), fault);
        return value;
    }

    private string? DecimalOrOctal(int start, int end, out ulong value)
    {
        var radix = _text[start] == '0' ? 8u : 10u;
        value = 0;
        for (var i = start; i < end; i++)
        {
            var digit = (uint)(_text[i] - '0');
            if (digit >= radix)
                return "starts with 0 and so is octal, which has no digit 8 or 9";
            if (value > (ulong.MaxValue - digit) / radix)
                return "is larger than 64 bits";
            value = value * radix + digit;
        }
        return null;
    }

    private void TakeSuffix(ref int position)
    {
        var start = position;
        if (position < _text.Length && _text[position] is 'u' or 'U')
            position++;
        for (var i = 0; i < 2 && position < _text.Length && _text[position] is 'l' or 'L'; i++)
            position++;
        var suffix = _text.Substring(start, position - start);
        if (suffix is not ("U" or "L" or "UL" or "LL" or "ULL"))
            _diagnostics.Add(DiagnosticTable.NonstandardSuffix, SpanOf(start, position - start), suffix);
    }

    private ulong ParseCharacter()
    {
        var start = _position++;
        var units = 0;
        ulong value = 0;
        while (_position < _text.Length && _text[_position] != '\'' && _text[_position] != '\n')
        {
            units++;
            if (_text[_position] != '\\')
            {
                value = _text[_position++];
                if (value >= 128)
                    units = 2;
                continue;
            }
            _position++;
            if (AtEnd)
                break;
            var position = _position;
            value = (ulong)EscapeSequence.Read(_text, ref position, out var kind);
            if (kind == EscapeSequence.Kind.Bad)
                _diagnostics.Add(DiagnosticTable.BadEscape, SpanOf(_position - 1, 2));
            if (kind == EscapeSequence.Kind.Character)
                value = _text[_position];
            _position = position;
        }
        if (Peek() != '\'')
        {
            _position = start;
            Error(KmemDiagnostic.Create(DiagnosticTable.UnterminatedString, SpanOf(start, 1), "character"));
            _errors = MaxErrors;
            return 0;
        }
        _position++;
        if (units != 1)
        {
            var text = _text.Substring(start, _position - start);
            _diagnostics.Add(DiagnosticTable.BadCharacterLiteral, SpanOf(start, _position - start), units == 0 ? $"{text} is empty" : $"{text} is more than one byte");
        }
        return value & 0xff;
    }
}
