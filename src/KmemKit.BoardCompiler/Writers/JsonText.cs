using System.Globalization;
using System.Text;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>
/// Writes one JSON value on one line (RFC 8259). The caller opens and closes what it writes; commas and escapes are put here, so the text is valid whatever
/// the names in it are.
/// </summary>
internal sealed class JsonText(StringBuilder output)
{
    private bool _needsComma;

    public JsonText BeginObject() => Begin('{');

    public JsonText EndObject() => End('}');

    public JsonText BeginArray() => Begin('[');

    public JsonText EndArray() => End(']');

    public JsonText Name(string name)
    {
        Separate();
        AppendQuoted(name);
        output.Append(':');
        _needsComma = false;
        return this;
    }

    public JsonText String(string? value)
    {
        Separate();
        if (value is null)
            output.Append("null");
        else
            AppendQuoted(value);
        _needsComma = true;
        return this;
    }

    public JsonText Number(ulong value) => Bare(value.ToString(CultureInfo.InvariantCulture));

    public JsonText Number(long value) => Bare(value.ToString(CultureInfo.InvariantCulture));

    public JsonText Boolean(bool value) => Bare(value ? "true" : "false");

    public JsonText Null() => Bare("null");

    public JsonText Member(string name, string? value) => Name(name).String(value);

    public JsonText Member(string name, ulong value) => Name(name).Number(value);

    private JsonText Bare(string text)
    {
        Separate();
        output.Append(text);
        _needsComma = true;
        return this;
    }

    private JsonText Begin(char bracket)
    {
        Separate();
        output.Append(bracket);
        _needsComma = false;
        return this;
    }

    private JsonText End(char bracket)
    {
        output.Append(bracket);
        _needsComma = true;
        return this;
    }

    private void Separate()
    {
        if (_needsComma)
            output.Append(',');
    }

    private void AppendQuoted(string text)
    {
        output.Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            switch (c)
            {
                case '"':
                    output.Append("\\\"");
                    break;
                case '\\':
                    output.Append("\\\\");
                    break;
                case '\n':
                    output.Append("\\n");
                    break;
                case '\r':
                    output.Append("\\r");
                    break;
                case '\t':
                    output.Append("\\t");
                    break;
                // U+2028 and U+2029 end a line for some readers of line-delimited JSON.
                case < ' ' or '\x7f' or '\u2028' or '\u2029':
                    output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
                    break;
                default:
                    if (!char.IsSurrogate(c))
                    {
                        output.Append(c);
                    }
                    else if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                    {
                        output.Append(c).Append(text[++i]);
                    }
                    else
                    {
                        // Half a pair is no character, and no encoding of the line could hold it.
                        output.Append("\\ufffd");
                    }
                    break;
            }
        }
        output.Append('"');
    }
}
