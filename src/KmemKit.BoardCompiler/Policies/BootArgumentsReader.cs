using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Policy;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>
/// Reads the kernel parameters that shape memory. All others are the kernel's business and pass, except one that looks like a misspelling of ours.
/// The last of several counts, as in the kernel, and <c>mem=</c> adds up; a malformed value, on which kernels differ, is an error.
/// </summary>
internal sealed class BootArgumentsReader
{
    private static readonly string[] s_names =
        ["mem", "vmalloc", "highmem", "nohighmem", "cma", "kernelcore", "movablecore", "slub_debug", "slab_debug", "no4lvl", "no5lvl"];

    private readonly DiagnosticBag _diagnostics;
    private readonly Dictionary<string, SourceSpan> _seen = new(StringComparer.Ordinal);
    private BootArguments _result = new();

    private BootArgumentsReader(DiagnosticBag diagnostics) => _diagnostics = diagnostics;

    /// <summary>The parameters that this reads, for help.</summary>
    public static IReadOnlyList<string> Names => s_names;

    public static BootArguments Read(ImmutableArray<CommandLineSource> sources, DiagnosticBag diagnostics)
    {
        var reader = new BootArgumentsReader(diagnostics)
        {
            _result = new BootArguments { Text = string.Join(" ", sources.Select(s => s.Display)) },
        };
        foreach (var source in sources)
        {
            var words = KernelCommandLine.Split(source.Text, out var unclosed);
            if (unclosed is { } quote)
                diagnostics.Add(Rules.UnclosedQuote, source.SpanOf(quote, 1), source.Text.Substring(quote));
            foreach (var word in words)
                reader.Take(word, source.SpanOf(word.Start, word.Length));
        }
        return reader._result;
    }

    private void Take(CommandLineWord word, SourceSpan span)
    {
        if (!s_names.Contains(word.Name))
        {
            if (Spelling.Nearest(word.Name, s_names) is { } meant)
                _diagnostics.Add(Rules.ParameterProbablyMisspelled, span, word.Name, meant);
            return;
        }
        // mem=nopentium is x86's switch for large pages and says nothing about how much memory there is.
        if (word is { Name: "mem", Value: "nopentium" })
            return;
        if (word.Value is null && word.Name is not ("nohighmem" or "slub_debug" or "slab_debug" or "no4lvl" or "no5lvl"))
        {
            _diagnostics.Add(Rules.ParameterWithoutValue, span, word.Name);
            return;
        }
        if (word.Name != "mem")
        {
            // slab_debug is what kernel 6.9 calls slub_debug, and takes both.
            var name = word.Name == "slab_debug" ? "slub_debug" : word.Name;
            if (_seen.TryGetValue(name, out var earlier))
            {
                var place = earlier.IsKnown ? earlier.ToString() : "the same line";
                _diagnostics.Add(KmemDiagnostic.Create(Rules.ParameterTwice, span, word.Name, place)
                    .WithRelated($"{word.Name} was given here first", earlier));
            }
            _seen[name] = span;
        }
        if (!TrySet(word.Name, word.Value ?? "", span, out var wanted))
            _diagnostics.Add(Rules.MalformedParameter, span, word.Name, word.Value ?? "", wanted);
    }

    private bool TrySet(string name, string value, SourceSpan span, out string wanted)
    {
        wanted = "a size such as 400M or 0x19000000, of up to 64 bits";
        switch (name)
        {
            case "nohighmem":
                _result = _result with { NoHighmem = new(true, span) };
                return true;
            case "no4lvl":
                _result = _result with { NoFourLevel = new(true, span) };
                return true;
            case "no5lvl":
                _result = _result with { NoFiveLevel = new(true, span) };
                return true;
            case "slub_debug" or "slab_debug":
                var options = SlubDebugOptions.Parse(value, out var issues);
                foreach (var issue in issues)
                    Report(name, issue, span);
                _result = _result with { SlubDebug = new(options, span) };
                return true;
            case "mem":
                wanted = "SIZE or SIZE@START such as 244M@68M, the size above 0 and the end within 64 bits";
                if (!TryReadMem(value, out var mem))
                    return false;
                _result = _result with { Mem = _result.Mem.Add(new(mem, span)) };
                return true;
            case "cma":
                wanted = "SIZE, SIZE@START or SIZE@START-END such as 64M@0-1G";
                if (!TryReadCma(value, out var cma))
                    return false;
                _result = _result with { Cma = new(cma, span) };
                return true;
            case "kernelcore" or "movablecore":
                wanted = name == "kernelcore" ? "a size, a percentage up to 100% or mirror" : "a size or a percentage up to 100%";
                if (!TryReadAmount(value, name == "kernelcore", out var amount))
                    return false;
                _result = name == "kernelcore"
                    ? _result with { Kernelcore = new(amount, span) }
                    : _result with { Movablecore = new(amount, span) };
                return true;
        }
        if (!MemParse.TryReadAll(value, out var bytes))
            return false;
        _result = name == "vmalloc" ? _result with { Vmalloc = new(bytes, span) } : _result with { Highmem = new(bytes, span) };
        return true;
    }

    private void Report(string name, SlubDebugIssue issue, SourceSpan span)
    {
        switch (issue.Kind)
        {
            case SlubDebugIssueKind.UnknownLetter:
                _diagnostics.Add(Rules.UnknownSlubDebugLetter, span, name, issue.Text);
                break;
            case SlubDebugIssueKind.TextBehindStar:
                _diagnostics.Add(Rules.SlubDebugNameNotCompared, span, name, $"of '{issue.Text}' only what stands in front of the * is compared");
                break;
            default:
                _diagnostics.Add(Rules.SlubDebugNameNotCompared, span, name, "a name of its list is empty and matches no cache");
                break;
        }
    }

    private static bool TryReadMem(string value, out MemoryArgument result)
    {
        result = default;
        var at = 0;
        if (!MemParse.TryRead(value, ref at, out var size) || size == 0)
            return false;
        ulong? start = null;
        if (at < value.Length && value[at] == '@')
        {
            at++;
            if (!MemParse.TryRead(value, ref at, out var address) || size - 1 > ulong.MaxValue - address)
                return false;
            start = address;
        }
        result = new MemoryArgument(size, start);
        return at == value.Length;
    }

    private static bool TryReadCma(string value, out CmaArgument result)
    {
        result = default;
        var at = 0;
        if (!MemParse.TryRead(value, ref at, out var size))
            return false;
        ulong? start = null;
        ulong? end = null;
        if (at < value.Length && value[at] == '@')
        {
            at++;
            if (!MemParse.TryRead(value, ref at, out var first))
                return false;
            start = first;
            if (at < value.Length && value[at] == '-')
            {
                at++;
                if (!MemParse.TryRead(value, ref at, out var limit) || limit < first)
                    return false;
                end = limit;
            }
        }
        result = new CmaArgument(size, start, end);
        return at == value.Length;
    }

    private static bool TryReadAmount(string value, bool mayMirror, out MemoryAmount result)
    {
        result = default;
        if (mayMirror && value == "mirror")
        {
            result = new MemoryAmount(null, null, true);
            return true;
        }
        if (value.EndsWith("%", StringComparison.Ordinal))
        {
            if (!PolicyValue.TryReadNumber(value.Substring(0, value.Length - 1), out var percent) || percent > 100)
                return false;
            result = new MemoryAmount(null, (int)percent);
            return true;
        }
        if (!MemParse.TryReadAll(value, out var bytes))
            return false;
        result = new MemoryAmount(bytes, null);
        return true;
    }
}
