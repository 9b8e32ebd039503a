namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>What a preprocessing token is (C17 6.4), as far as the preprocessor has to tell.</summary>
internal enum TokenKind : byte
{
    /// <summary>End of the line of a directive, of an argument, or of the file.</summary>
    End,
    Identifier,
    Number,
    String,
    Character,
    Punctuator,

    /// <summary>A character that belongs to nothing, such as a quote without its partner.</summary>
    Other,

    /// <summary>In a macro body: the place of an argument.</summary>
    Parameter,

    /// <summary>No token: the border of an expansion, where two characters that meet must not become one token.</summary>
    Border,
}

/// <summary>A preprocessing token; its text is all there is to it besides what stands in front.</summary>
internal struct PreprocessorToken
{
    public TokenKind Kind;

    /// <summary>Whether white space stands in front. Of a border: of the token that the expansion stands for.</summary>
    public bool Space;

    /// <summary>An identifier that was seen inside its own expansion and will never be expanded (C17 6.10.3.4).</summary>
    public bool NoExpand;

    /// <summary>In a macro body: <c>##</c> follows.</summary>
    public bool PasteNext;

    /// <summary>In a macro body: <c>#</c> stands in front of the parameter. Of a border: whether it stands for a token at all.</summary>
    public bool Stringify;

    /// <summary>Index of the parameter in a macro body.</summary>
    public short Parameter;

    /// <summary>The spelling.</summary>
    public string Text;

    public readonly bool Is(string punctuator) => Kind == TokenKind.Punctuator && Text == punctuator;

    public static PreprocessorToken Border(bool hasSource, bool space) =>
        new() { Kind = TokenKind.Border, Text = "", Stringify = hasSource, Space = space };

    public static PreprocessorToken EndMark => new() { Kind = TokenKind.End, Text = "" };
}
