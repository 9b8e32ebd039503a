namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Whether two tokens written without a blank between them would read as something else: where cpp prints one.</summary>
internal static class TokenBorders
{
    public static bool WouldMerge(PreprocessorToken left, PreprocessorToken right)
    {
        if (left.Text.Length == 0 || right.Text.Length == 0)
            return false;
        var first = right.Text[0];
        var isName = right.Kind == TokenKind.Identifier;
        var isNumber = right.Kind == TokenKind.Number;
        switch (left.Kind)
        {
            case TokenKind.Identifier:
                return isName || first is '"' or '\'';
            case TokenKind.Number:
                return isNumber || isName || first is '\'' or '.' or '+' or '-';
            case TokenKind.Punctuator:
                break;
            default:
                return false;
        }
        if (first == '=' && (left.Text is "=" or "!" or ">" or "<" or "+" or "-" or "*" or "/" or "%" or "&" or "|" or "^" or ">>" or "<<"))
            return true;
        return left.Text switch
        {
            ">" => first == '>',
            "<" => first is '<' or '%' or ':',
            "+" => first == '+',
            "-" => first is '-' or '>',
            "/" => first is '/' or '*',
            "%" => first is ':' or '%',
            "&" => first == '&',
            "|" => first == '|',
            ":" => first is ':' or '>',
            "->" => first == '*',
            "." => first is '.' or '%' || isNumber,
            "#" => first is '#' or '%',
            _ => false,
        };
    }

    /// <summary>The token that the text written so far ends with.</summary>
    public static PreprocessorToken LastOf(TextBuffer output)
    {
        var length = output.Length;
        if (length == 0)
            return PreprocessorToken.EndMark;
        var last = output[length - 1];
        if (!Scanning.IsIdentifierPart(last))
            return new PreprocessorToken { Kind = last <= ' ' || last is '"' or '\'' ? TokenKind.Other : TokenKind.Punctuator, Text = last.ToString() };
        var start = length - 1;
        // Long enough to tell a name from a number; names are not longer.
        while (start > 0 && length - start < 256 && Scanning.IsIdentifierPart(output[start - 1]))
            start--;
        return new PreprocessorToken { Kind = Scanning.IsDigit(output[start]) ? TokenKind.Number : TokenKind.Identifier, Text = last.ToString() };
    }

    /// <summary>The token that the text goes on with.</summary>
    public static PreprocessorToken FirstOf(string text, int position, int end)
    {
        var first = text[position];
        var kind = Scanning.IsIdentifierStart(first) ? TokenKind.Identifier
            : Scanning.IsDigit(first) || (first == '.' && position + 1 < end && Scanning.IsDigit(text[position + 1])) ? TokenKind.Number
            : TokenKind.Punctuator;
        return new PreprocessorToken { Kind = kind, Text = first.ToString() };
    }
}
