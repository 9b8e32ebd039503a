using System;
using System.Collections.Generic;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>One <c>CONFIG_X=value</c> of a fragment or an override.</summary>
/// <param name="Key">With its <c>CONFIG_</c>.</param>
/// <param name="Value">What is behind the <c>=</c>, without quotes; null for <c># CONFIG_X is not set</c>.</param>
/// <param name="IsQuoted">Whether the value stood in double quotes.</param>
/// <param name="Span">The whole assignment; unknown for an override.</param>
/// <param name="ValueSpan">The value; the whole assignment where it has none.</param>
internal readonly record struct KconfigAssignment(string Key, string? Value, bool IsQuoted, SourceSpan Span, SourceSpan ValueSpan);

/// <summary>
/// Reads the line format that Kconfig writes and reads (Documentation/kbuild/kconfig-language.rst; scripts/kconfig/confdata.c): one assignment a
/// line, <c># CONFIG_X is not set</c> for an n, every other line that starts with <c>#</c> a comment. Lines end in LF or CRLF.
/// </summary>
internal static class KconfigReader
{
    public const string Prefix = "CONFIG_";
    private const string NotSet = " is not set";

    public static List<KconfigAssignment> Read(SourceFile file, DiagnosticBag diagnostics)
    {
        var assignments = new List<KconfigAssignment>();
        var text = file.Text;
        for (var lineStart = 0; lineStart < text.Length;)
        {
            var lineEnd = text.IndexOf('\n', lineStart);
            if (lineEnd < 0)
                lineEnd = text.Length;
            var (start, end) = Trim(text, lineStart, lineEnd);
            lineStart = lineEnd + 1;
            if (start == end)
                continue;
            var line = text.Substring(start, end - start);
            var span = new SourceSpan(file, start, end - start);
            if (line[0] == '#')
            {
                if (TryReadNotSet(line, out var key))
                    assignments.Add(new KconfigAssignment(key, null, false, span, span));
            }
            else if (TryReadAssignment(line, span, diagnostics) is { } assignment)
            {
                assignments.Add(assignment);
            }
        }
        return assignments;
    }

    /// <summary>Reads <c>KEY=VALUE</c> of a command line; null after a finding. The shell has taken the quotes away, so they may be missing.</summary>
    public static KconfigAssignment? ReadOverride(string text, DiagnosticBag diagnostics)
    {
        var line = text.Trim();
        if (TryReadNotSet(line, out var unset))
            return new KconfigAssignment(unset, null, false, default, default);
        var equals = line.IndexOf('=');
        if (equals <= 0 || !IsKey(line, equals))
        {
            diagnostics.Add(Rules.MalformedOverride, default, text);
            return null;
        }
        return ReadValue(line, equals, default, diagnostics);
    }

    private static bool TryReadNotSet(string line, out string key)
    {
        key = "";
        if (!line.StartsWith("# " + Prefix, StringComparison.Ordinal) || !line.EndsWith(NotSet, StringComparison.Ordinal))
            return false;
        var name = line.Substring(2, line.Length - 2 - NotSet.Length);
        if (!IsKey(name, name.Length))
            return false;
        key = name;
        return true;
    }

    private static KconfigAssignment? TryReadAssignment(string line, SourceSpan span, DiagnosticBag diagnostics)
    {
        var equals = line.IndexOf('=');
        if (equals > 0 && IsKey(line, equals))
            return ReadValue(line, equals, span, diagnostics);
        var remedy = equals > 0 && char.IsWhiteSpace(line[equals - 1]) ? "there may be no blank in front of the '='"
            : equals > 0 && !line.StartsWith(Prefix, StringComparison.Ordinal) ? "a key starts with CONFIG_"
            : "an assignment is CONFIG_KEY=value";
        diagnostics.Add(Rules.MalformedLine, span, Shorten(line), remedy);
        return null;
    }

    private static KconfigAssignment? ReadValue(string line, int equals, SourceSpan span, DiagnosticBag diagnostics)
    {
        var key = line.Substring(0, equals);
        var raw = line.Substring(equals + 1);
        var valueSpan = span.IsKnown ? new SourceSpan(span.File, span.Start + equals + 1, raw.Length) : default;
        if (raw.Length == 0 || raw[0] != '"')
            return new KconfigAssignment(key, raw, false, span, valueSpan.Length > 0 ? valueSpan : span);
        if (TryUnquote(raw) is { } unquoted)
            return new KconfigAssignment(key, unquoted, true, span, valueSpan);
        diagnostics.Add(Rules.MalformedLine, valueSpan, Shorten(line), "a string starts and ends with a double quote, and nothing follows it");
        return null;
    }

    private static string? TryUnquote(string raw)
    {
        var text = new StringBuilder(raw.Length);
        for (var i = 1; i < raw.Length; i++)
        {
            if (raw[i] == '"')
                return i == raw.Length - 1 ? text.ToString() : null;
            if (raw[i] == '\\' && i + 1 < raw.Length)
                i++;
            text.Append(raw[i]);
        }
        return null;
    }

    private static bool IsKey(string text, int length)
    {
        if (length <= Prefix.Length || !text.StartsWith(Prefix, StringComparison.Ordinal))
            return false;
        for (var i = Prefix.Length; i < length; i++)
        {
            if (!(text[i] is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9') or '_'))
                return false;
        }
        return true;
    }

    private static (int Start, int End) Trim(string text, int start, int end)
    {
        // A file saved with a byte order mark is text all the same.
        while (start < end && (char.IsWhiteSpace(text[start]) || text[start] == '\uFEFF'))
            start++;
        while (end > start && char.IsWhiteSpace(text[end - 1]))
            end--;
        return (start, end);
    }

    private static string Shorten(string line) => line.Length <= 60 ? line : line.Substring(0, 57) + "...";
}
