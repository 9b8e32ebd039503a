using System;
using System.Globalization;
using System.Text;

namespace KmemKit.BoardCompiler.Writers.CSharp;

/// <summary>Builds C# (or C) source text line by line, with the indentation kept by the writer and not by each line.</summary>
/// <remarks>
/// <para>Newlines are <c>\n</c> whatever the host, an empty line carries no blanks, and numbers are written by <see cref="Hex"/>: the same calls give the same
/// bytes on every machine.</para>
/// <para>Invariant: <see cref="Indentation"/> is never negative; <see cref="CloseBlock"/> below the first level throws, since it is a fault of the writer that calls it.</para>
/// </remarks>
public sealed class SourceWriter
{
    private const int SpacesPerLevel = 4;
    private static readonly char[] LineBreaks = ['\n', '\r'];
    private readonly StringBuilder _text = new();

    /// <summary>Levels of indentation of the next line.</summary>
    public int Indentation { get; private set; }

    /// <summary>Writes one line at the current indentation; an empty text makes an empty line.</summary>
    /// <exception cref="ArgumentException">The text holds a line break: use <see cref="Lines"/>.</exception>
    public void Line(string text = "")
    {
        if (text.IndexOfAny(LineBreaks) >= 0)
            throw new ArgumentException("One line has no line break in it.", nameof(text));
        if (text.Length > 0)
            _text.Append(' ', Indentation * SpacesPerLevel).Append(text);
        _text.Append('\n');
    }

    /// <summary>Writes each line of <paramref name="text"/> at the current indentation, on top of the indentation it has itself.</summary>
    /// <param name="text">Lines parted by <c>\n</c> or <c>\r\n</c>; a break at the very end adds no empty line.</param>
    public void Lines(string text)
    {
        var lines = text.Replace("\r\n", "\n").Split('\n');
        var count = lines[lines.Length - 1].Length == 0 ? lines.Length - 1 : lines.Length;
        for (var i = 0; i < count; i++)
            Line(lines[i]);
    }

    /// <summary>Writes <paramref name="header"/>, an opening brace, and indents.</summary>
    public void OpenBlock(string header)
    {
        Line(header);
        Line("{");
        Indentation++;
    }

    /// <summary>Ends the innermost block: a closing brace, and <paramref name="tail"/> behind it.</summary>
    /// <exception cref="InvalidOperationException">No block is open.</exception>
    public void CloseBlock(string tail = "")
    {
        Outdent();
        Line("}" + tail);
    }

    /// <summary>One level deeper, without a brace.</summary>
    public void Indent() => Indentation++;

    /// <summary>One level back, without a brace.</summary>
    /// <exception cref="InvalidOperationException">It is at the left margin already.</exception>
    public void Outdent() => Indentation = Indentation > 0 ? Indentation - 1 : throw new InvalidOperationException("No block is open.");

    /// <summary>A documentation comment <c>&lt;element&gt;text&lt;/element&gt;</c> on one line; <paramref name="text"/> may hold markup and is taken as it is.</summary>
    public void Doc(string element, string text) => Line($"/// <{element}>{text}</{element.Split(' ')[0]}>");

    /// <summary><paramref name="text"/> as the content of an XML documentation comment: markup escaped, line breaks made blanks.</summary>
    public static string Escape(string text)
    {
        var escaped = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            _ = c switch
            {
                '&' => escaped.Append("&amp;"),
                '<' => escaped.Append("&lt;"),
                '>' => escaped.Append("&gt;"),
                '\n' or '\r' or '\t' => escaped.Append(' '),
                < ' ' => escaped.Append('\uFFFD'), // XML 1.0 has no character for the other controls
                _ => escaped.Append(c),
            };
        }
        return escaped.ToString();
    }

    /// <summary><paramref name="text"/> as a C# string literal with its quotes.</summary>
    public static string Literal(string text)
    {
        var literal = new StringBuilder(text.Length + 2).Append('"');
        foreach (var c in text)
        {
            if (c is '"' or '\\')
                literal.Append('\\').Append(c);
            else if (c is < ' ' or > '~')
                literal.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                literal.Append(c);
        }
        return literal.Append('"').ToString();
    }

    /// <summary><paramref name="value"/> as <c>0x...</c> without padding.</summary>
    public static string Hex(ulong value) => "0x" + value.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>All that was written.</summary>
    public override string ToString() => _text.ToString();
}
