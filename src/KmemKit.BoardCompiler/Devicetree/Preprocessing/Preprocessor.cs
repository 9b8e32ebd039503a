using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

/// <summary>The preprocessor: what <c>cpp -nostdinc -undef -x assembler-with-cpp</c> does to a source, and dtc's own <c>/include/</c>.</summary>
/// <remarks>
/// Method: text is not cut into tokens but copied in long stretches; only names are looked up, and only a macro's use is expanded token by token.
/// Comments and strings stay as they are (the parser skips the one and wants the other). A file that <c>/include/</c> names is spliced in as it
/// is: dtc reads it, cpp has never seen it.
/// Cost: about 2 ns a character to scan; nothing at all for a source that has no preprocessor lines, such as a decompiled blob, which a
/// vectorised search for <c>#</c>, <c>\</c>, <c>__</c> and <c>/include/</c> finds out.
/// Bounds: depth and number of includes, size of the text; the expander has its own.
/// </remarks>
internal sealed partial class Preprocessor
{
    private const int MaxIncludeDepth = 200;
    private const int MaxIncludes = 20_000;
    private const int MaxText = 1 << 26;

    private readonly SourceSet _files;
    private readonly DiagnosticBag _diagnostics;
    private readonly MacroTable _macros = new();
    private readonly MacroExpander _expander;
    private readonly TextBuffer _output;
    private readonly ExpandedSource _result;
    private readonly List<Frame> _frames = [];
    private readonly Dictionary<SourceFile, SplicedText> _spliced = [];
    private readonly HashSet<SourceFile> _once = [];
    private int _includes;
    private int _counter;
    private bool _stopped;

    /// <summary>A file being read.</summary>
    private sealed class Frame(SplicedText source)
    {
        public readonly SplicedText Source = source;
        public readonly string Text = source.Text;

        /// <summary>The file, or what a line marker last called it.</summary>
        public SourceFile View = source.File;
        public readonly List<Conditional> Conditionals = [];
        public int Position;

        /// <summary>Start of what is read but not yet copied.</summary>
        public int CopyStart;

        /// <summary>The macro whose <c>#ifndef</c> the file starts with: once defined, the file may include itself.</summary>
        public string? Guard;

        public bool SawDirective;

        public SourceSpan SpanOf(int start, int length)
        {
            var original = Source.OriginalOf(start);
            return new SourceSpan(View, original, length == 0 ? 0 : Source.OriginalOf(start + length - 1) + 1 - original);
        }
    }

    private Preprocessor(SourceFile main, SourceSet files, DiagnosticBag diagnostics)
    {
        _files = files;
        _diagnostics = diagnostics;
        _expander = new MacroExpander(_macros, diagnostics) { DynamicText = TextOf };
        _output = new TextBuffer(main.Text.Length + main.Text.Length / 2);
        _result = ExpandedSource.Empty(main);
    }

    /// <summary>Preprocesses a source.</summary>
    public static ExpandedSource Run(SourceFile main, SourceSet files, ImmutableArray<MacroOption> macros, DiagnosticBag diagnostics)
    {
        if (macros.IsDefaultOrEmpty && !NeedsPreprocessing(main.Text))
            return ExpandedSource.Unchanged(main);
        var preprocessor = new Preprocessor(main, files, diagnostics);
        preprocessor.DefineBuiltIns(macros);
        preprocessor.ReadFile(main);
        preprocessor._result.Complete(preprocessor._output.ToString());
        return preprocessor._result;
    }

    // Whether anything in the text could come out changed. May say yes for nothing, as for a lone backslash, never no.
    private static bool NeedsPreprocessing(string text)
    {
        var span = text.AsSpan();
        // Every built-in macro starts with two underscores.
        if (span.IndexOf("__".AsSpan(), StringComparison.Ordinal) >= 0 || span.IndexOf("/include/".AsSpan(), StringComparison.Ordinal) >= 0)
            return true;
        for (var i = text.IndexOf('\\'); i >= 0; i = text.IndexOf('\\', i + 1))
        {
            if (i + 1 < text.Length && (text[i + 1] == '\n' || Scanning.IsHorizontalSpace(text[i + 1])))
                return true;
        }
        for (var i = text.IndexOf('#'); i >= 0; i = text.IndexOf('#', i + 1))
        {
            if (Directive.At(text, i, text.Length).Kind != DirectiveKind.None)
                return true;
        }
        return false;
    }

    private void DefineBuiltIns(ImmutableArray<MacroOption> macros)
    {
        foreach (var name in (string[])["__STDC__", "__STDC_HOSTED__", "__ASSEMBLER__"])
            _macros.Set(new Macro(name) { Body = [new PreprocessorToken { Kind = TokenKind.Number, Text = "1" }] });
        foreach (var (name, dynamic) in ((string, DynamicMacro)[])
            [("__LINE__", DynamicMacro.Line), ("__FILE__", DynamicMacro.File), ("__COUNTER__", DynamicMacro.Counter),
             ("__INCLUDE_LEVEL__", DynamicMacro.IncludeLevel), ("__BASE_FILE__", DynamicMacro.BaseFile)])
            _macros.Set(new Macro(name) { Dynamic = dynamic });
        if (macros.IsDefaultOrEmpty)
            return;
        foreach (var option in macros)
        {
            var line = new SplicedText(new SourceFile("<macros>", option.Name + " " + option.Body));
            Define(new Frame(line), 0, line.Text.Length);
        }
    }

    private string TextOf(DynamicMacro kind)
    {
        var frame = _frames[_frames.Count - 1];
        return kind switch
        {
            DynamicMacro.Line => (frame.SpanOf(frame.Position, 0).StartPosition.Line + 1).ToString(CultureInfo.InvariantCulture),
            DynamicMacro.File => Quoted(frame.View.Path),
            DynamicMacro.BaseFile => Quoted(_result.Main.Path),
            DynamicMacro.IncludeLevel => (_frames.Count - 1).ToString(CultureInfo.InvariantCulture),
            _ => _counter++.ToString(CultureInfo.InvariantCulture),
        };

        static string Quoted(string path) => "\"" + path.Replace("\\", "\\\\").Replace("\"", "\\\"") + "\"";
    }

    private SplicedText Splice(SourceFile file)
    {
        if (!_spliced.TryGetValue(file, out var text))
            _spliced.Add(file, text = new SplicedText(file));
        return text;
    }

    private void ReadFile(SourceFile file)
    {
        var frame = new Frame(Splice(file));
        _frames.Add(frame);
        Scan(frame);
        Copy(frame, frame.Text.Length);
        if (_stopped)
            frame.Conditionals.Clear();
        foreach (var open in frame.Conditionals)
            _diagnostics.Add(DiagnosticTable.UnterminatedConditional, open.Span, open.Name);
        _frames.RemoveAt(_frames.Count - 1);
    }

    private void Scan(Frame frame)
    {
        var text = frame.Text;
        var end = text.Length;
        var lineStart = true;
        while (frame.Position < end && !_stopped)
        {
            var c = text[frame.Position];
            if (c == '\n')
            {
                lineStart = true;
                frame.Position++;
            }
            else if (c <= ' ')
            {
                frame.Position++;
            }
            else if (c == '#' && lineStart)
            {
                lineStart = ReadDirective(frame);
            }
            else if (c == '/' && frame.Position + 1 < end && text[frame.Position + 1] is '*' or '/')
            {
                frame.Position = SkipComment(frame);
            }
            else
            {
                lineStart = false;
                if (Scanning.IsIdentifierStart(c))
                    ReadName(frame);
                else if (Scanning.IsDigit(c) || (c == '.' && frame.Position + 1 < end && Scanning.IsDigit(text[frame.Position + 1])))
                    frame.Position = Scanning.SkipNumber(text, frame.Position, end);
                else if (c is '"' or '\'')
                    frame.Position = Scanning.SkipQuoted(text, frame.Position, end, out _);
                else if (c != '/' || !TryInclude(frame))
                    frame.Position++;
            }
        }
    }

    private int SkipComment(Frame frame)
    {
        var behind = Scanning.SkipComment(frame.Text, frame.Position, frame.Text.Length, out var open);
        if (open)
        {
            _diagnostics.Add(DiagnosticTable.UnterminatedComment, frame.SpanOf(frame.Position, 2));
            _stopped = true;
        }
        return behind;
    }

    private void ReadName(Frame frame)
    {
        var start = frame.Position;
        var behind = Scanning.SkipIdentifier(frame.Text, start, frame.Text.Length);
        frame.Position = behind;
        var macro = _macros.Find(frame.Text, start, behind);
        if (macro is null)
            return;
        var reader = new TokenReader(frame.Text, start, frame.Text.Length);
        var use = frame.SpanOf(start, behind - start);
        Copy(frame, start);
        _result.AddExpansion(_output.Length, use.File!, use.Start, use.Length);
        if (_expander.Expand(ref reader, use, _output))
            frame.Position = reader.Position;
        else
            _output.Append(frame.Text, start, behind - start);
        frame.CopyStart = frame.Position;
        if (reader.OpenComment >= 0 && !_stopped)
        {
            _diagnostics.Add(DiagnosticTable.UnterminatedComment, frame.SpanOf(reader.OpenComment, 2));
            _stopped = true;
        }
        CheckSize(frame, start);
    }

    // Brings what has been read, up to the offset, into the output.
    private void Copy(Frame frame, int behind)
    {
        for (var start = frame.CopyStart; start < behind;)
        {
            var end = frame.Source.StretchEnd(start, behind);
            _result.AddCopy(_output.Length, frame.View, frame.Source.OriginalOf(start));
            _output.Append(frame.Text, start, end - start);
            start = end;
        }
        frame.CopyStart = Math.Max(frame.CopyStart, behind);
    }

    private void CheckSize(Frame frame, int place)
    {
        if (_expander.IsExhausted)
            _stopped = true;
        else if (_output.Length > MaxText)
            Stop(frame, place, $"the preprocessed text is longer than {MaxText} characters");
    }

    private void Stop(Frame frame, int place, string reason)
    {
        if (!_stopped)
            _diagnostics.Add(DiagnosticTable.ExpansionTooLarge, frame.SpanOf(place, 1), reason);
        _stopped = true;
    }
}
