using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>How devicetree names become C# identifiers.</summary>
/// <remarks>
/// <para>PascalCase: what is no letter or digit ends a word, each word starts with a capital, all else stays: <c>msm8974-dont-map-hole</c> gives
/// <c>Msm8974DontMapHole</c>. Where two words meet digit to digit, an underscore keeps them apart, so that <c>a1-12</c> and <c>a11-2</c> differ.</para>
/// <para>Only ASCII letters and digits pass: devicetree names have no others, and a file name with others is not guessed at.</para>
/// </remarks>
public static class CSharpName
{
    private static readonly HashSet<string> Keywords = new(StringComparer.Ordinal)
    {
        "abstract", "as", "base", "bool", "break", "byte", "case", "catch", "char", "checked", "class", "const", "continue", "decimal", "default",
        "delegate", "do", "double", "else", "enum", "event", "explicit", "extern", "false", "finally", "fixed", "float", "for", "foreach", "goto",
        "if", "implicit", "in", "int", "interface", "internal", "is", "lock", "long", "namespace", "new", "null", "object", "operator", "out",
        "override", "params", "private", "protected", "public", "readonly", "ref", "return", "sbyte", "sealed", "short", "sizeof", "stackalloc",
        "static", "string", "struct", "switch", "this", "throw", "true", "try", "typeof", "uint", "ulong", "unchecked", "unsafe", "ushort", "using",
        "virtual", "void", "volatile", "while",
    };

    /// <summary>Whether <paramref name="text"/> is an identifier of ASCII letters, digits and underscores that is no keyword.</summary>
    public static bool IsIdentifier(string text)
    {
        if (text.Length == 0 || IsDigit(text[0]) || Keywords.Contains(text))
            return false;
        return text.All(c => IsLetter(c) || IsDigit(c) || c == '_');
    }

    /// <summary>Whether <paramref name="text"/> is one or more identifiers with dots between them.</summary>
    public static bool IsNamespace(string text) => text.Split('.').All(IsIdentifier);

    /// <summary>The PascalCase form of <paramref name="name"/>; with <paramref name="prefix"/> in front where it would start with a digit.</summary>
    /// <returns>Null where <paramref name="name"/> has no ASCII letter or digit, or holds a character beyond ASCII.</returns>
    public static string? ToPascalCase(string name, string prefix)
    {
        var result = new StringBuilder(name.Length);
        var startsWord = true;
        foreach (var c in name)
        {
            if (c > '\x7f')
                return null;
            if (!IsLetter(c) && !IsDigit(c))
            {
                startsWord = true;
                continue;
            }
            if (startsWord && IsDigit(c) && result.Length > 0 && IsDigit(result[result.Length - 1]))
                result.Append('_');
            result.Append(startsWord ? char.ToUpperInvariant(c) : c);
            startsWord = false;
        }
        if (result.Length == 0)
            return null;
        return IsDigit(result[0]) ? prefix + result : result.ToString();
    }

    /// <summary>
    /// Gives every name of a class its identifier. A PascalCase form that two names share goes to neither: both keep their own spelling, so that
    /// neither depends on which was first. Names that are equal as written, or taken, get <c>_2</c>, <c>_3</c>… in order.
    /// </summary>
    /// <param name="names">The names, in order.</param>
    /// <param name="taken">Identifiers that the class has already.</param>
    public static ImmutableArray<string> Assign(IReadOnlyList<string> names, IEnumerable<string> taken)
    {
        var spelled = names.Select(Spell).ToArray();
        var forms = names.Select(n => ToPascalCase(n, "_") ?? "_").ToArray();
        return [.. IdentifierNames.Settle(forms, spelled, taken).Select(c => Keywords.Contains(c) ? "@" + c : c)];
    }

    // The name itself, with an underscore for each character an identifier cannot have.
    private static string Spell(string name)
    {
        var spelled = IdentifierNames.Spell(name);
        return IsDigit(spelled[0]) ? "_" + spelled : spelled;
    }

    private static bool IsLetter(char c) => c is (>= 'a' and <= 'z') or (>= 'A' and <= 'Z');

    private static bool IsDigit(char c) => c is >= '0' and <= '9';
}
