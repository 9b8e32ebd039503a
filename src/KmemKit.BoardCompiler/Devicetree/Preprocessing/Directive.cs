using System;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>What a preprocessor line asks for.</summary>
internal enum DirectiveKind : byte
{
    /// <summary>It is none: <c>#address-cells = &lt;1&gt;;</c> is text, as is any <c>#</c> that no directive's name follows.</summary>
    None,

    /// <summary>A <c>#</c> alone.</summary>
    Null,
    Define,
    Undef,
    Include,
    If,
    Ifdef,
    Ifndef,
    Elif,
    Elifdef,
    Elifndef,
    Else,
    Endif,
    Line,

    /// <summary><c># 12 "file" 1</c>, as cpp's output has it.</summary>
    LineMarker,
    Error,
    Warning,
    Pragma,
    Ident,
}

/// <summary>Recognises preprocessor lines.</summary>
/// <param name="Kind">What it asks for.</param>
/// <param name="Name">Its name as written.</param>
/// <param name="Operands">Offset behind the name.</param>
internal readonly record struct Directive(DirectiveKind Kind, string Name, int Operands)
{
    /// <summary>The directive whose <c>#</c> is at <paramref name="hash"/>.</summary>
    public static Directive At(string text, int hash, int end)
    {
        var start = hash + 1;
        while (start < end && Scanning.IsHorizontalSpace(text[start]))
            start++;
        if (start >= end || text[start] == '\n')
            return new Directive(DirectiveKind.Null, "", start);
        if (Scanning.IsDigit(text[start]))
            return new Directive(IsLineMarker(text, start, end) ? DirectiveKind.LineMarker : DirectiveKind.None, "line", start);
        if (!Scanning.IsIdentifierStart(text[start]))
            return default;
        var behind = Scanning.SkipIdentifier(text, start, end);
        var kind = KindOf(text.AsSpan(start, behind - start));
        if (kind == DirectiveKind.None)
            return default;
        // A property may be named #line-width: what can go on in a property's name is not the end of a directive's. "#if -1" needs its blank.
        if (behind < end && text[behind] is '-' or ',' or '.' or '+' or '*' or '?' or '@' or '#' or '=' or ';')
            return default;
        return new Directive(kind, text.Substring(start, behind - start), behind);
    }

    private static DirectiveKind KindOf(ReadOnlySpan<char> name)
    {
        if (name.Length is < 2 or > 8)
            return DirectiveKind.None;
        return name.ToString() switch
        {
            "define" => DirectiveKind.Define,
            "undef" => DirectiveKind.Undef,
            "include" => DirectiveKind.Include,
            "if" => DirectiveKind.If,
            "ifdef" => DirectiveKind.Ifdef,
            "ifndef" => DirectiveKind.Ifndef,
            "elif" => DirectiveKind.Elif,
            "elifdef" => DirectiveKind.Elifdef,
            "elifndef" => DirectiveKind.Elifndef,
            "else" => DirectiveKind.Else,
            "endif" => DirectiveKind.Endif,
            "line" => DirectiveKind.Line,
            "error" => DirectiveKind.Error,
            "warning" => DirectiveKind.Warning,
            "pragma" => DirectiveKind.Pragma,
            "ident" => DirectiveKind.Ident,
            _ => DirectiveKind.None,
        };
    }

    private static bool IsLineMarker(string text, int digits, int end)
    {
        var position = digits;
        while (position < end && Scanning.IsDigit(text[position]))
            position++;
        var blank = position;
        while (position < end && text[position] is ' ' or '\t')
            position++;
        return position > blank && position < end && text[position] == '"';
    }
}
