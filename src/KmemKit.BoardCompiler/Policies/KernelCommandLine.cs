using System.Collections.Generic;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>A word of the kernel command line.</summary>
/// <param name="Name">In front of the <c>=</c>; a <c>-</c> is the same as a <c>_</c>.</param>
/// <param name="Value">Behind it, without quotes; null where there is no <c>=</c>.</param>
/// <param name="Start">Offset of the word.</param>
/// <param name="Length">Characters of the word, quotes included.</param>
internal readonly record struct CommandLineWord(string Name, string? Value, int Start, int Length);

/// <summary>
/// Cuts a kernel command line into words as the kernel does (lib/cmdline.c, next_arg; kernel/params.c, parse_args): blanks separate, a double quote
/// protects them up to the next one and may enclose the value or the whole word, <c>--</c> ends the kernel's part and hands the rest to init.
/// </summary>
internal static class KernelCommandLine
{
    public static List<CommandLineWord> Split(string text, out int? unclosedQuote)
    {
        unclosedQuote = null;
        var words = new List<CommandLineWord>();
        var at = 0;
        while (true)
        {
            while (at < text.Length && char.IsWhiteSpace(text[at]))
                at++;
            if (at == text.Length)
                return words;
            var start = at;
            int? open = null;
            var equals = -1;
            for (; at < text.Length && (open is not null || !char.IsWhiteSpace(text[at])); at++)
            {
                if (text[at] == '"')
                    open = open is null ? at : null;
                else if (text[at] == '=' && equals < 0)
                    equals = at;
            }
            unclosedQuote ??= open;
            var word = text.Substring(start, at - start);
            if (word == "--")
                return words;
            words.Add(Cut(word, start, equals < 0 ? -1 : equals - start));
        }
    }

    private static CommandLineWord Cut(string word, int start, int equals)
    {
        // Quotes count where next_arg takes them away: around the whole word, or around the value.
        var wholeIsQuoted = word[0] == '"';
        var name = equals < 0 ? word : word.Substring(0, equals);
        if (wholeIsQuoted)
            name = name.Substring(1);
        var value = equals < 0 ? null : word.Substring(equals + 1);
        if (value is null)
            name = WithoutQuoteAtEnd(name, wholeIsQuoted);
        else if (value.Length > 0 && value[0] == '"')
            value = WithoutQuoteAtEnd(value.Substring(1), true);
        else
            value = WithoutQuoteAtEnd(value, wholeIsQuoted);
        return new CommandLineWord(name.Replace('-', '_'), value, start, word.Length);
    }

    private static string WithoutQuoteAtEnd(string text, bool quoted) =>
        quoted && text.Length > 0 && text[text.Length - 1] == '"' ? text.Substring(0, text.Length - 1) : text;
}
