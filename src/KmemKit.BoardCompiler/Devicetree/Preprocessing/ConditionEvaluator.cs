namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>The value of an <c>#if</c> expression (C17 6.10.1): 64-bit integers, signed or unsigned as the operands are.</summary>
/// <remarks>
/// Precedence climbing; an operand that does not count (<c>0 &amp;&amp; 1/0</c>) is read but not judged. The first fault ends the reading.
/// Invariant: <c>_token</c> is the next token not yet taken. Nesting is bounded by <see cref="DepthLimit"/>.
/// </remarks>
internal sealed class ConditionEvaluator(MacroExpander expander, MacroTable macros)
{
    private const int DepthLimit = 200;

    private readonly record struct Number(ulong Bits, bool IsUnsigned)
    {
        public bool IsTrue => Bits != 0;

        public long Signed => unchecked((long)Bits);

        public static Number Of(bool value) => new(value ? 1u : 0u, false);
    }

    private PreprocessorToken _token;
    private string? _fault;
    private int _unjudged;
    private int _depth;

    /// <summary>Reads the line's expression. Returns what is wrong with it, null where nothing is.</summary>
    public string? Evaluate(out bool value)
    {
        Advance();
        if (_token.Kind == TokenKind.End)
            Fail("there is no expression");
        var result = Conditional();
        if (_fault is null && _token.Kind != TokenKind.End)
            Fail($"'{_token.Text}' does not continue the expression");
        value = _fault is null && result.IsTrue;
        return _fault;
    }

    private void Advance() => _token = _fault is null ? expander.ReadDirectiveToken(true) : PreprocessorToken.EndMark;

    private Number Fail(string reason)
    {
        _fault ??= reason;
        _token = PreprocessorToken.EndMark;
        return default;
    }

    private bool Take(string punctuator)
    {
        if (!_token.Is(punctuator))
            return false;
        Advance();
        return true;
    }

    private Number Conditional()
    {
        if (++_depth > DepthLimit)
            return Fail($"the expression is nested deeper than {DepthLimit}");
        var condition = Binary(0);
        if (Take("?"))
        {
            _unjudged += condition.IsTrue ? 0 : 1;
            var yes = Conditional();
            _unjudged -= condition.IsTrue ? 0 : 1;
            if (!Take(":"))
                return Fail("'?' without ':'");
            _unjudged += condition.IsTrue ? 1 : 0;
            var no = Conditional();
            _unjudged -= condition.IsTrue ? 1 : 0;
            condition = new Number((condition.IsTrue ? yes : no).Bits, yes.IsUnsigned || no.IsUnsigned);
        }
        _depth--;
        return condition;
    }

    private static int Precedence(in PreprocessorToken token) => token.Kind != TokenKind.Punctuator ? -1 : token.Text switch
    {
        "||" => 0,
        "&&" => 1,
        "|" => 2,
        "^" => 3,
        "&" => 4,
        "==" or "!=" => 5,
        "<" or ">" or "<=" or ">=" => 6,
        "<<" or ">>" => 7,
        "+" or "-" => 8,
        "*" or "/" or "%" => 9,
        _ => -1,
    };

    private Number Binary(int lowest)
    {
        var left = Unary();
        while (Precedence(_token) is var level && level >= lowest)
        {
            var symbol = _token.Text;
            Advance();
            if (_token.Kind == TokenKind.End)
                return Fail($"the operator '{symbol}' has no right operand");
            var decided = (symbol == "||" && left.IsTrue) || (symbol == "&&" && !left.IsTrue);
            _unjudged += decided ? 1 : 0;
            var right = Binary(level + 1);
            _unjudged -= decided ? 1 : 0;
            left = Apply(symbol, left, right);
        }
        return left;
    }

    private Number Apply(string symbol, Number left, Number right)
    {
        var isUnsigned = left.IsUnsigned || right.IsUnsigned;
        unchecked
        {
            switch (symbol)
            {
                case "||": return Number.Of(left.IsTrue || right.IsTrue);
                case "&&": return Number.Of(left.IsTrue && right.IsTrue);
                case "==": return Number.Of(left.Bits == right.Bits);
                case "!=": return Number.Of(left.Bits != right.Bits);
                case "<": return Number.Of(isUnsigned ? left.Bits < right.Bits : left.Signed < right.Signed);
                case ">": return Number.Of(isUnsigned ? left.Bits > right.Bits : left.Signed > right.Signed);
                case "<=": return Number.Of(isUnsigned ? left.Bits <= right.Bits : left.Signed <= right.Signed);
                case ">=": return Number.Of(isUnsigned ? left.Bits >= right.Bits : left.Signed >= right.Signed);
                case "<<": return Shift(left, right, toLeft: true);
                case ">>": return Shift(left, right, toLeft: false);
                case "|": return new Number(left.Bits | right.Bits, isUnsigned);
                case "^": return new Number(left.Bits ^ right.Bits, isUnsigned);
                case "&": return new Number(left.Bits & right.Bits, isUnsigned);
                case "+": return new Number(left.Bits + right.Bits, isUnsigned);
                case "-": return new Number(left.Bits - right.Bits, isUnsigned);
                case "*": return new Number(left.Bits * right.Bits, isUnsigned);
                default: return Divide(symbol, left, right, isUnsigned);
            }
        }
    }

    private static Number Shift(Number left, Number right, bool toLeft)
    {
        // A negative count shifts the other way, as GNU has it.
        var count = right.Bits;
        if (!right.IsUnsigned && right.Signed < 0)
        {
            toLeft = !toLeft;
            count = unchecked(0 - count);
        }
        var fill = !left.IsUnsigned && left.Signed < 0 && !toLeft ? ulong.MaxValue : 0;
        if (count >= 64)
            return left with { Bits = fill };
        var bits = toLeft ? left.Bits << (int)count : left.IsUnsigned ? left.Bits >> (int)count : unchecked((ulong)(left.Signed >> (int)count));
        return left with { Bits = bits };
    }

    private Number Divide(string symbol, Number left, Number right, bool isUnsigned)
    {
        if (right.Bits == 0)
            return _unjudged > 0 ? default : Fail("division by zero");
        unchecked
        {
            if (isUnsigned)
                return new Number(symbol == "/" ? left.Bits / right.Bits : left.Bits % right.Bits, true);
            // The one quotient that does not fit would trap.
            if (right.Signed == -1)
                return new Number(symbol == "/" ? 0 - left.Bits : 0, false);
            return new Number((ulong)(symbol == "/" ? left.Signed / right.Signed : left.Signed % right.Signed), false);
        }
    }

    private Number Unary()
    {
        if (++_depth > DepthLimit)
            return Fail($"the expression is nested deeper than {DepthLimit}");
        Number result;
        if (Take("-"))
            result = Unary() is var n ? n with { Bits = unchecked(0 - n.Bits) } : default;
        else if (Take("+"))
            result = Unary();
        else if (Take("~"))
            result = Unary() is var n ? n with { Bits = ~n.Bits } : default;
        else if (Take("!"))
            result = Number.Of(!Unary().IsTrue);
        else
            result = Primary();
        _depth--;
        return result;
    }

    private Number Primary()
    {
        var token = _token;
        if (Take("("))
        {
            var inner = Conditional();
            return Take(")") ? inner : Fail("')' is missing");
        }
        switch (token.Kind)
        {
            case TokenKind.Identifier when token.Text == "defined":
                return Defined();
            case TokenKind.Identifier:
                // What is no macro is 0.
                Advance();
                return default;
            case TokenKind.Number:
                Advance();
                return NumberOf(token.Text);
            case TokenKind.Character:
                Advance();
                return CharacterOf(token.Text);
            case TokenKind.End:
                return Fail("the expression ends too early");
            default:
                return Fail($"'{token.Text}' is not valid in a preprocessor expression");
        }
    }

    private Number Defined()
    {
        var name = expander.ReadDirectiveToken(false);
        var parenthesis = name.Is("(");
        if (parenthesis)
            name = expander.ReadDirectiveToken(false);
        if (name.Kind != TokenKind.Identifier)
            return Fail("'defined' without a name");
        if (parenthesis && !expander.ReadDirectiveToken(false).Is(")"))
            return Fail("')' is missing behind 'defined'");
        Advance();
        return Number.Of(macros.Find(name.Text) is not null);
    }

    private Number NumberOf(string text)
    {
        var digits = text.Length;
        var isUnsigned = false;
        while (digits > 0 && text[digits - 1] is 'u' or 'U' or 'l' or 'L')
            isUnsigned |= text[--digits] is 'u' or 'U';
        var suffix = text.Substring(digits).ToUpperInvariant();
        if (suffix is not ("" or "U" or "L" or "UL" or "LU" or "LL" or "ULL" or "LLU"))
            return Fail($"bad suffix of the integer '{text}'");
        var radix = 10u;
        var start = 0;
        if (digits > 1 && text[0] == '0')
        {
            radix = text[1] is 'x' or 'X' ? 16u : text[1] is 'b' or 'B' ? 2u : 8u;
            start = radix == 8 ? 1 : 2;
        }
        if (start >= digits)
            return Fail($"'{text}' is not an integer");
        ulong value = 0;
        for (var i = start; i < digits; i++)
        {
            var digit = HexDigit(text[i]);
            if (digit >= radix)
                return Fail($"'{text}' is not an integer");
            if (value > (ulong.MaxValue - digit) / radix)
                return Fail($"the integer '{text}' is larger than 64 bits");
            value = value * radix + digit;
        }
        return new Number(value, isUnsigned || value > long.MaxValue);
    }

    private static uint HexDigit(char c) =>
        Scanning.IsDigit(c) ? (uint)(c - '0') : (char)(c | 0x20) is >= 'a' and <= 'f' ? (uint)((c | 0x20) - 'a' + 10) : 99;

    private Number CharacterOf(string text)
    {
        var inner = text.Substring(1, text.Length - 2);
        if (inner.Length == 1 && inner[0] != '\\')
            return new Number(inner[0], false);
        if (inner.Length == 2 && inner[0] == '\\')
        {
            var simple = "abefnrtv\\'\"?".IndexOf(inner[1]);
            if (simple >= 0)
                return new Number("\a\b\u001b\f\n\r\t\v\\'\"?"[simple], false);
        }
        if (inner.Length > 1 && inner[0] == '\\')
        {
            var isHex = inner[1] is 'x';
            var digits = inner.Substring(isHex ? 2 : 1);
            ulong value = 0;
            foreach (var c in digits.Length <= 3 ? digits : "?")
            {
                var digit = HexDigit(c);
                if (digit >= (isHex ? 16u : 8u))
                    return Fail($"bad character constant {text}");
                value = value * (isHex ? 16u : 8u) + digit;
            }
            if (digits.Length is > 0 and <= 3 && value <= 0xff)
                return new Number(unchecked((ulong)(sbyte)value), false);
        }
        return Fail($"bad character constant {text}");
    }
}
