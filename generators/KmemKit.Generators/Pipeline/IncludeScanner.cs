using System;
using System.Collections.Generic;

namespace KmemKit.Generators.Pipeline;

/// <summary>Finds the include lines of a text without preprocessing it.</summary>
/// <remarks>
/// This decides only which texts a board is cached by, so it may find too many (in a comment, behind an <c>#if</c>, in a word) but not too few:
/// <c>include</c> or <c>incbin</c> in front of a quoted name counts wherever it stands, and where a directive names its file in any other way, the text
/// is said to have a computed include.
/// </remarks>
internal static class IncludeScanner
{
    private static readonly string[] Words = ["include", "incbin"];

    public static List<string> Scan(string text, out bool hasComputedInclude)
    {
        var names = new List<string>();
        hasComputedInclude = false;
        foreach (var word in Words)
        {
            for (var at = text.IndexOf(word, StringComparison.Ordinal); at >= 0; at = text.IndexOf(word, at + 1, StringComparison.Ordinal))
            {
                if (!TryReadName(text, at + word.Length, names))
                    hasComputedInclude |= IsDirective(text, at, at + word.Length);
            }
        }
        return names;
    }

    // "x" or <x>, behind the / that ends the devicetree form, blanks, comments, and the parenthesis of /incbin/.
    private static bool TryReadName(string text, int at, List<string> names)
    {
        if (at < text.Length && text[at] == '/' && string.CompareOrdinal(text, at, "/*", 0, 2) != 0)
            at++;
        while (at < text.Length)
        {
            if (char.IsWhiteSpace(text[at]) || text[at] == '(')
            {
                at++;
            }
            else if (string.CompareOrdinal(text, at, "/*", 0, 2) == 0 && text.IndexOf("*/", at + 2, StringComparison.Ordinal) is >= 0 and var end)
            {
                at = end + 2;
            }
            else
            {
                break;
            }
        }
        if (at >= text.Length || text[at] is not ('"' or '<'))
            return false;
        var close = text.IndexOfAny([text[at] == '<' ? '>' : '"', '\n'], at + 1);
        if (close < 0 || text[close] == '\n')
            return false;
        names.Add(text.Substring(at + 1, close - at - 1));
        return true;
    }

    // Whether the word is a directive at all: #include, or a word between slashes. Any other is prose.
    private static bool IsDirective(string text, int start, int end)
    {
        if (end < text.Length && (char.IsLetterOrDigit(text[end]) || text[end] == '_'))
            return false;
        start--;
        while (start >= 0 && text[start] is ' ' or '\t')
            start--;
        return start >= 0 && (text[start] == '#' || (text[start] == '/' && end < text.Length && text[end] == '/'));
    }
}
