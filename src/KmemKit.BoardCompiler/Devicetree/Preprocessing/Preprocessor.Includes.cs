using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Preprocessing;

// #include, read and expanded; /include/, spliced in as it is.
internal sealed partial class Preprocessor
{
    private const string IncludeKeyword = "/include/";

    private void Include(Frame frame, string name, bool quoted, int start, int length)
    {
        var span = frame.SpanOf(start, length);
        var file = _files.FindText(frame.Source.File, name, quoted);
        if (file is null)
        {
            _diagnostics.Add(DiagnosticTable.IncludeNotFound, span, name, frame.View.Path);
            // What it would have defined is missing from here on: the rest would be told of nothing else.
            _stopped = true;
            return;
        }
        if (!_once.Contains(file) && MayEnter(frame, file, span, start))
            ReadFile(file);
    }

    private bool MayEnter(Frame frame, SourceFile file, SourceSpan span, int place)
    {
        var open = _frames.FindLastIndex(f => f.Source.File.Path == file.Path);
        if (open >= 0 && (_frames[open].Guard is not { } guard || _macros.Find(guard) is null))
        {
            var way = string.Join(", ", _frames.Skip(open).Select(f => "'" + f.Source.File.Path + "'"));
            _diagnostics.Add(DiagnosticTable.IncludeCycle, span, file.Path, way);
            _stopped = true;
            return false;
        }
        if (_frames.Count > MaxIncludeDepth)
            Stop(frame, place, $"files include one another deeper than {MaxIncludeDepth}");
        else if (++_includes > MaxIncludes)
            Stop(frame, place, $"more than {MaxIncludes} includes");
        return !_stopped;
    }

    // At a '/': whether it is /include/ "file", and then its text is in the output.
    private bool TryInclude(Frame frame)
    {
        var text = frame.Text;
        var start = frame.Position;
        if (string.CompareOrdinal(text, start, IncludeKeyword, 0, IncludeKeyword.Length) != 0)
            return false;
        var quote = start + IncludeKeyword.Length;
        while (quote < text.Length && (Scanning.IsHorizontalSpace(text[quote]) || text[quote] == '\n'))
            quote++;
        if (quote >= text.Length || text[quote] != '"')
            return false;
        var behind = Scanning.SkipQuoted(text, quote, text.Length, out var closed);
        if (!closed)
            return false;
        Copy(frame, start);
        var span = frame.SpanOf(start, behind - start);
        var name = text.Substring(quote + 1, behind - quote - 2);
        frame.Position = frame.CopyStart = behind;
        var file = _files.FindText(frame.Source.File, name, quoted: true);
        if (file is null)
        {
            _diagnostics.Add(DiagnosticTable.IncludeNotFound, span, name, frame.View.Path);
            _stopped = true;
        }
        else if (MayEnter(frame, file, span, start))
        {
            ReadRaw(file);
        }
        return true;
    }

    // A file that cpp has not seen: nothing in it is a directive or a macro, only /include/ means something.
    private void ReadRaw(SourceFile file)
    {
        var frame = new Frame(Splice(file));
        _frames.Add(frame);
        var text = frame.Text;
        while (frame.Position < text.Length && !_stopped)
        {
            var c = text[frame.Position];
            if (c == '/' && frame.Position + 1 < text.Length && text[frame.Position + 1] is '*' or '/')
                frame.Position = SkipComment(frame);
            else if (c is '"')
                frame.Position = SkipString(text, frame.Position);
            else if (c != '/' || !TryInclude(frame))
                frame.Position++;
        }
        Copy(frame, text.Length);
        CheckSize(frame, 0);
        _frames.RemoveAt(_frames.Count - 1);
    }

    // A devicetree string goes over line ends.
    private static int SkipString(string text, int position)
    {
        for (position++; position < text.Length; position++)
        {
            if (text[position] == '"')
                return position + 1;
            if (text[position] == '\\')
                position++;
        }
        return text.Length;
    }
}
