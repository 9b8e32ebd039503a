using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>
/// A piece of the kernel command line with the way back to where it is written: the word of <c>/chosen/bootargs</c> at byte N of the value is at a
/// column of the <c>.dts</c> that depends on the escapes in front of it.
/// </summary>
internal sealed class CommandLineSource
{
    // Per character of Text (and one behind the last) its offset in the file; null where the whole span is the best place there is.
    private readonly int[]? _offsets;
    private readonly SourceSpan _span;

    private CommandLineSource(string text, string display, SourceSpan span, int[]? offsets)
    {
        Text = text;
        Display = display;
        _span = span;
        _offsets = offsets;
    }

    /// <summary>What is cut into words: one character a byte where it comes from a tree, for the kernel knows no encoding.</summary>
    public string Text { get; }

    /// <summary>The same as a person reads it.</summary>
    public string Display { get; }

    public SourceSpan SpanOf(int start, int length) => _offsets is null
        ? _span
        : new SourceSpan(_span.File, _offsets[start], _offsets[start + length] - _offsets[start]);

    /// <summary>
    /// The pieces that make up the command line, in the order in which the kernel reads them: <c>/chosen/bootargs</c> (drivers/of/fdt.c,
    /// early_init_dt_scan_chosen) with the built-in parameters in front (x86, CONFIG_CMDLINE_BOOL), behind (CONFIG_CMDLINE_EXTEND), instead
    /// (CONFIG_CMDLINE_FORCE), or only where the tree has none. A line given by hand replaces all of it.
    /// </summary>
    public static ImmutableArray<CommandLineSource> Collect(
        string? byHand, DeviceTree? tree, (string Text, SourceSpan Span)? builtIn, bool builtInFirst, bool extend, bool force, DiagnosticBag diagnostics)
    {
        if (byHand is not null)
            return [new CommandLineSource(byHand, byHand, default, null)];
        var fromTree = FromTree(tree, diagnostics);
        if (builtIn is not { Text.Length: > 0 } own)
            return fromTree is null ? [] : [fromTree];
        var fixedPart = new CommandLineSource(own.Text, own.Text, own.Span, null);
        if (fromTree is null || fromTree.Text.Length == 0)
            return [fixedPart];
        if (force)
        {
            diagnostics.Add(KmemDiagnostic.Create(Rules.BootargsReplaced, fromTree._span, fromTree.Display)
                .WithRelated("the built-in parameters are here", own.Span));
            return [fixedPart];
        }
        if (builtInFirst)
            return [fixedPart, fromTree];
        return extend ? [fromTree, fixedPart] : [fromTree];
    }

    private static CommandLineSource? FromTree(DeviceTree? tree, DiagnosticBag diagnostics)
    {
        if (tree?.Root.Child("chosen")?.Property("bootargs") is not { } property || property.Value.Length == 0)
            return null;
        var bytes = property.Value.ToArray();
        var end = System.Array.IndexOf(bytes, (byte)0);
        // The kernel takes the first string; what a stringlist has behind it would be lost.
        if (end != bytes.Length - 1)
            diagnostics.Add(Rules.BootargsNotOneString, property.Span, end < 0 ? "has no final zero byte" : "is more than one string");
        var length = end < 0 ? bytes.Length : end;
        var characters = new StringBuilder(length);
        for (var i = 0; i < length; i++)
            characters.Append((char)bytes[i]);
        var span = property.SpanAt(0);
        return new CommandLineSource(characters.ToString(), Encoding.UTF8.GetString(bytes, 0, length), span, OffsetsInLiteral(span, bytes, length));
    }

    /// <summary>
    /// Follows the string literal at <paramref name="span"/> byte by byte next to the value that the front end made of it. Where they part (a
    /// macro made the string, or two literals did) there is no map.
    /// </summary>
    private static int[]? OffsetsInLiteral(SourceSpan span, byte[] value, int length)
    {
        if (span.File is not { IsBinary: false } file || span.Start >= file.Text.Length || file.Text[span.Start] != '"')
            return null;
        var text = file.Text;
        var offsets = new int[length + 1];
        var at = span.Start + 1;
        var character = new char[2];
        for (var i = 0; i < length;)
        {
            if (at >= text.Length || text[at] == '"')
                return null;
            if (text[at] == '\\')
            {
                var escape = EscapeLength(text, at);
                if (escape == 0)
                    return null;
                offsets[i++] = at;
                at += escape;
                continue;
            }
            var units = char.IsHighSurrogate(text[at]) && at + 1 < text.Length ? 2 : 1;
            text.CopyTo(at, character, 0, units);
            foreach (var unit in Encoding.UTF8.GetBytes(character, 0, units))
            {
                if (i >= length || value[i] != unit)
                    return null;
                offsets[i++] = at;
            }
            at += units;
        }
        offsets[length] = at;
        return offsets;
    }

    /// <summary>Characters of the escape sequence at <paramref name="at"/> (Devicetree Specification 0.4, section 6.3: those of C).</summary>
    private static int EscapeLength(string text, int at)
    {
        if (at + 1 >= text.Length)
            return 0;
        if (text[at + 1] == 'x')
            return 2 + Count(at + 2, 2, "0123456789abcdefABCDEF");
        var octal = Count(at + 1, 3, "01234567");
        return octal > 0 ? 1 + octal : 2;

        int Count(int from, int most, string digits)
        {
            var count = 0;
            while (count < most && from + count < text.Length && digits.Contains(text[from + count]))
                count++;
            return count;
        }
    }
}
