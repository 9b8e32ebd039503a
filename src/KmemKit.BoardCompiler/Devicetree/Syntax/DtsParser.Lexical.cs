using System;
using KmemKit.BoardCompiler.Devicetree.Preprocessing;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// Blanks, names, keywords, references; and what is done about an error.
internal sealed partial class DtsParser
{
    private bool AtEnd => _position >= _text.Length;

    private char Peek() => _position < _text.Length ? _text[_position] : '\0';

    private SourceSpan SpanOf(int start, int length) => _source.SpanOf(start, length);

    private SourceSpan SpanHere() => AtEnd && _position > 0
        ? _source.SpanOf(_position - 1, 1) is var last ? new SourceSpan(last.File, last.End, 0) : default
        : _source.SpanOf(_position, AtEnd ? 0 : 1);

    private void SkipBlanks()
    {
        var text = _text;
        var position = _position;
        while ((uint)position < (uint)text.Length)
        {
            var c = text[position];
            if (CharacterClass.IsSpace(c))
            {
                position++;
            }
            else if (c == '/' && position + 1 < text.Length && text[position + 1] is '*' or '/')
            {
                var behind = Scanning.SkipComment(text, position, text.Length, out var open);
                if (open)
                {
                    // Only where the preprocessor had no reason to read the text.
                    _diagnostics.Add(DiagnosticTable.UnterminatedComment, SpanOf(position, 2));
                    _errors = MaxErrors;
                }
                position = behind;
            }
            else
            {
                break;
            }
        }
        _position = position;
    }

    private int NameEnd(int start)
    {
        var text = _text;
        var end = start;
        while ((uint)end < (uint)text.Length && CharacterClass.IsName(text[end]))
            end++;
        return end;
    }

    private bool AtKeyword(string keyword) => string.CompareOrdinal(_text, _position, keyword, 0, keyword.Length) == 0;

    // "/word/": no root, whatever it is.
    private bool AtAnyKeyword()
    {
        var end = _position + 1;
        while (end < _text.Length && (_text[end] is >= 'a' and <= 'z' or '-' or >= '0' and <= '9'))
            end++;
        return end > _position + 1;
    }

    private bool TakeKeyword(string keyword)
    {
        if (!AtKeyword(keyword))
            return false;
        _position += keyword.Length;
        return true;
    }

    // "label:" in one piece, as often as it comes, and the blanks behind.
    private void TakeLabels()
    {
        while (TakeLabel(out var label))
            _labels.Add(label);
    }

    private bool TakeLabel(out PendingLabel label)
    {
        label = default;
        var end = _position;
        while (end < _text.Length && CharacterClass.IsLabel(_text[end]))
            end++;
        if (end == _position || end >= _text.Length || _text[end] != ':' || !CharacterClass.IsLabelStart(_text[_position]))
            return false;
        label = new PendingLabel(_names.Add(_text.AsSpan(_position, end - _position)), SpanOf(_position, end - _position), _labelCount++);
        _position = end + 1;
        SkipBlanks();
        return true;
    }

    // At a '&': "&label", "&{/path}" or "&{label/path}".
    private bool TakeReference(out string reference)
    {
        var start = _position + 1;
        reference = "";
        if (start < _text.Length && _text[start] == '{')
        {
            var end = start + 1;
            while (end < _text.Length && (CharacterClass.IsName(_text[end]) || _text[end] == '/'))
                end++;
            var path = _text.AsSpan(start + 1, end - start - 1);
            var slash = path.IndexOf('/');
            if (end >= _text.Length || _text[end] != '}' || slash < 0 || (slash > 0 && !CharacterClass.IsLabelText(path.Slice(0, slash))))
            {
                _position = Math.Min(end, _text.Length);
                Unexpected("a path in braces such as &{/cpus/cpu@0}");
                return false;
            }
            reference = path.ToString();
            _position = end + 1;
            return true;
        }
        var behind = start;
        while (behind < _text.Length && CharacterClass.IsLabel(_text[behind]))
            behind++;
        if (behind == start || !CharacterClass.IsLabelStart(_text[start]))
        {
            _position = start;
            Unexpected("a label");
            return false;
        }
        // Through the table: a label is referred to more often than once.
        reference = _names[_names.Add(_text.AsSpan(start, behind - start))];
        _position = behind;
        return true;
    }

    private bool Expect(char c)
    {
        SkipBlanks();
        if (Peek() == c && !AtEnd)
        {
            _position++;
            return true;
        }
        Unexpected($"'{c}'");
        return false;
    }

    private void Unexpected(string expected)
    {
        if (GaveUp)
            return;
        var found = AtEnd ? "the end of the source"
            : _text[_position] < ' ' ? $"the character 0x{(int)_text[_position]:x2}"
            : $"'{_text[_position]}'";
        Error(KmemDiagnostic.Create(DiagnosticTable.SyntaxError, SpanHere(), expected, found));
    }

    private void Error(KmemDiagnostic diagnostic)
    {
        if (GaveUp)
            return;
        _errors++;
        _derailed = true;
        _diagnostics.Add(diagnostic);
    }

    // Goes behind the next ';' of the body (or the file, at depth 0), over bodies that start on the way, or to the '}' that ends it.
    private void Resynchronize(int depth)
    {
        _derailed = false;
        var nested = 0;
        while (!AtEnd)
        {
            var c = _text[_position];
            if (c is '"')
            {
                _position = SkipString(_position);
                continue;
            }
            if (c == '/' && _position + 1 < _text.Length && _text[_position + 1] is '*' or '/')
            {
                SkipBlanks();
                continue;
            }
            if (c == '{')
                nested++;
            else if (c == '}' && nested == 0 && depth > 0)
                return;
            else if (c == '}' && nested > 0)
                nested--;
            _position++;
            if (c == ';' && nested == 0)
                return;
        }
    }

    private int SkipString(int position)
    {
        for (position++; position < _text.Length; position++)
        {
            if (_text[position] == '"')
                return position + 1;
            if (_text[position] == '\\')
                position++;
        }
        return _text.Length;
    }
}
