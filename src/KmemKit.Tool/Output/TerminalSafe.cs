using System.Globalization;
using System.Text;

namespace KmemKit.Tool.Output;

/// <summary>Keeps what a board says from steering the terminal: names and strings of a blob may hold any byte.</summary>
internal static class TerminalSafe
{
    /// <summary>The text with every control character except newline and tab, and every half surrogate pair, written as <c>\xNN</c> or <c>\uNNNN</c>.</summary>
    public static string Of(string text)
    {
        var first = 0;
        while (first < text.Length && !IsUnsafe(text, first))
            first += char.IsSurrogate(text[first]) ? 2 : 1;
        if (first >= text.Length)
            return text;
        var safe = new StringBuilder(text.Length + 16).Append(text, 0, first);
        for (var i = first; i < text.Length; i++)
        {
            var c = text[i];
            if (!IsUnsafe(text, i))
            {
                safe.Append(c);
                if (char.IsSurrogate(c))
                    safe.Append(text[++i]);
            }
            // A byte that was no UTF-8 (SourceText) is shown as that byte.
            else if (c is >= '\udc80' and <= '\udcff')
                safe.Append("\\x").Append((c - 0xdc00).ToString("x2", CultureInfo.InvariantCulture));
            else if (c <= '\xff')
                safe.Append("\\x").Append(((int)c).ToString("x2", CultureInfo.InvariantCulture));
            else
                safe.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
        }
        return safe.ToString();
    }

    private static bool IsUnsafe(string text, int index)
    {
        var c = text[index];
        if (char.IsControl(c))
            return c is not ('\n' or '\t');
        if (char.IsHighSurrogate(c))
            return index + 1 >= text.Length || !char.IsLowSurrogate(text[index + 1]);
        return char.IsLowSurrogate(c);
    }
}
