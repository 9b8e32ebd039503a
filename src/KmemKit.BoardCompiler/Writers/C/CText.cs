using System.Globalization;
using System.Text;

namespace KmemKit.BoardCompiler.Writers.C;

/// <summary>Texts and numbers of a board in C.</summary>
internal static class CText
{
    /// <summary>
    /// <paramref name="value"/> as a constant that the assembler reads too: <c>KMEM_U32(0x…)</c>, or <c>KMEM_U64(0x…)</c> where the board's addresses or the
    /// number itself have more than 32 bits.
    /// </summary>
    public static string Constant(ulong value, int bits) => (bits == 64 || value > uint.MaxValue ? "KMEM_U64(0x" : "KMEM_U32(0x") + value.ToString("x", CultureInfo.InvariantCulture) + ")";

    /// <summary><paramref name="text"/> as what may stand in a <c>/* comment */</c>.</summary>
    public static string Comment(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            // Neither the end of a comment nor the start of one, which -Wcomment complains about, nor a backslash at the end of a line.
            if (c == '/' && result.Length > 0 && result[result.Length - 1] == '*')
                result.Append(' ');
            if (c == '*' && result.Length > 0 && result[result.Length - 1] == '/')
                result.Append(' ');
            result.Append(c is < ' ' or '\x7f' or '\\' or '\u2028' or '\u2029' ? ' ' : c);
        }
        return result.ToString();
    }

    /// <summary><paramref name="text"/> as a string literal: UTF-8 bytes, those that are not printable ASCII in octal, which unlike hexadecimal ends by itself.</summary>
    public static string Literal(string text)
    {
        var result = new StringBuilder(text.Length + 2).Append('"');
        foreach (var b in Encoding.UTF8.GetBytes(text))
        {
            if (b is (byte)'"' or (byte)'\\' or (byte)'?') // ?? would start a trigraph
                result.Append('\\').Append((char)b);
            else if (b is < 0x20 or > 0x7e)
                result.Append('\\').Append((char)('0' + (b >> 6))).Append((char)('0' + ((b >> 3) & 7))).Append((char)('0' + (b & 7)));
            else
                result.Append((char)b);
        }
        return result.Append('"').ToString();
    }
}
