using System;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>Cuts text into preprocessing tokens as <c>cpp -x assembler-with-cpp</c> does (C17 6.4, without digraphs and literal prefixes).</summary>
internal struct TokenReader(string text, int start, int end)
{
    private static readonly string[] LongPunctuators =
    [
        "...", "<<=", ">>=", "##", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "++", "--", "->",
        "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=",
    ];

    public readonly string Text => text;

    /// <summary>Where the next token (with what stands in front) starts.</summary>
    public int Position = start;

    /// <summary>Where the token just read starts.</summary>
    public int TokenStart = start;

    /// <summary>Where the text ends.</summary>
    public readonly int End => end;

    /// <summary>Whether a line break stood in front of the token just read.</summary>
    public bool NewLine;

    /// <summary>Start of a comment that has no end; -1 where there is none.</summary>
    public int OpenComment = -1;

    /// <summary>The next token; <see cref="TokenKind.End"/> at the end.</summary>
    public PreprocessorToken Next()
    {
        var space = SkipSpace();
        TokenStart = Position;
        if (Position >= end)
            return new PreprocessorToken { Kind = TokenKind.End, Text = "", Space = space };
        var from = Position;
        var kind = Scan();
        return new PreprocessorToken { Kind = kind, Text = text.Substring(from, Position - from), Space = space };
    }

    private bool SkipSpace()
    {
        NewLine = false;
        var from = Position;
        while (Position < end)
        {
            var c = text[Position];
            if (c is ' ' or '\t' or '\r' or '\f' or '\v')
            {
                Position++;
            }
            else if (c == '\n')
            {
                NewLine = true;
                Position++;
            }
            else if (c == '/' && Position + 1 < end && text[Position + 1] is '/' or '*')
            {
                var start = Position;
                Position = Scanning.SkipComment(text, Position, end, out var open);
                if (open)
                    OpenComment = start;
            }
            else
            {
                break;
            }
        }
        return Position != from;
    }

    private TokenKind Scan()
    {
        var c = text[Position];
        if (Scanning.IsIdentifierStart(c))
        {
            Position = Scanning.SkipIdentifier(text, Position, end);
            return TokenKind.Identifier;
        }
        if (Scanning.IsDigit(c) || (c == '.' && Position + 1 < end && Scanning.IsDigit(text[Position + 1])))
        {
            Position = Scanning.SkipNumber(text, Position, end);
            return TokenKind.Number;
        }
        if (c is '"' or '\'')
        {
            Position = Scanning.SkipQuoted(text, Position, end, out var closed);
            return !closed ? TokenKind.Other : c == '"' ? TokenKind.String : TokenKind.Character;
        }
        foreach (var punctuator in LongPunctuators)
        {
            if (punctuator[0] == c && string.CompareOrdinal(text, Position, punctuator, 0, punctuator.Length) == 0
                && Position + punctuator.Length <= end)
            {
                Position += punctuator.Length;
                return TokenKind.Punctuator;
            }
        }
        Position++;
        // A pair of surrogates is one character.
        if (char.IsHighSurrogate(c) && Position < end)
            Position++;
        return "[](){}.&*+-~!/%<>^|?:;=,#".AsSpan().IndexOf(c) >= 0 ? TokenKind.Punctuator : TokenKind.Other;
    }
}
