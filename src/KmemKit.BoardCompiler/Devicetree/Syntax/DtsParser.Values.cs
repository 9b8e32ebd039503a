using System;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Devicetree.Syntax;

// Values of properties: strings, cells, bytes, references, files.
internal sealed partial class DtsParser
{
    // Behind the '='; behind the ';' afterwards.
    private void ParseValue(int index)
    {
        _values.Begin();
        ref var property = ref _draft.PropertyAt(index);
        while (true)
        {
            SkipBlanks();
            MarkLabels(ref property);
            if (!ParseValuePart(ref property))
                break;
            SkipBlanks();
            MarkLabels(ref property);
            var c = Peek();
            if (c == ',')
            {
                _position++;
                continue;
            }
            if (c == ';')
                _position++;
            else
                Unexpected("',' or ';'");
            break;
        }
        property.Value = _values.Finish();
    }

    private bool ParseValuePart(ref TreeDraft.Property property)
    {
        switch (Peek())
        {
            case '<':
                return ParseCells(ref property, 32, _position);
            case '"':
                return ParseString(ref property);
            case '[':
                return ParseBytes(ref property);
            case '&':
                return ParsePathReference(ref property);
            case '/' when TakeKeyword("/bits/"):
                return ParseBits(ref property);
            case '/' when TakeKeyword("/incbin/"):
                return ParseFile();
            default:
                Unexpected("a value");
                return false;
        }
    }

    private void MarkLabels(ref TreeDraft.Property property)
    {
        while (CharacterClass.IsLabelStart(Peek()) && TakeLabel(out var label))
        {
            property.HasLabelMarker = true;
            _draft.AddMarker(ref property, new ValueMarker(_values.Length, ValueMarkerKind.Label, _names[label.Name], label.Span));
        }
    }

    private bool ParseBits(ref TreeDraft.Property property)
    {
        SkipBlanks();
        var start = _position;
        if (Peek() is not (>= '0' and <= '9'))
        {
            Unexpected("8, 16, 32 or 64");
            return false;
        }
        var bits = ParseInteger();
        if (bits is not (8 or 16 or 32 or 64))
        {
            _diagnostics.Add(DiagnosticTable.Dts.BadBits, SpanOf(start, _position - start), bits);
            bits = 32;
        }
        SkipBlanks();
        if (Peek() != '<')
        {
            Unexpected("'<'");
            return false;
        }
        return ParseCells(ref property, (int)bits, start);
    }

    // At the '<'. The marker's place is the whole of it.
    private bool ParseCells(ref TreeDraft.Property property, int bits, int start)
    {
        var kind = bits switch { 8 => ValueMarkerKind.Bytes, 16 => ValueMarkerKind.Cells16, 64 => ValueMarkerKind.Cells64, _ => ValueMarkerKind.Cells32 };
        var slot = property.MarkerCount;
        _draft.AddMarker(ref property, new ValueMarker(_values.Length, kind, "", default));
        _position++;
        var text = _text;
        while (true)
        {
            // One blank between numbers is the rule.
            if ((uint)_position < (uint)text.Length && text[_position] == ' ')
                _position++;
            var c = Peek();
            if (c is >= '0' and <= '9')
            {
                AppendCell(bits, _position, ParseInteger());
                continue;
            }
            SkipBlanks();
            c = Peek();
            if (c == '>')
                break;
            if (c is >= '0' and <= '9' && !AtEnd)
                continue;
            if (c is '(' or '\'')
            {
                var at = _position;
                var errors = _errors;
                var value = ParsePrimary();
                if (errors != _errors)
                    return false;
                AppendCell(bits, at, value);
            }
            else if (c == '&')
            {
                if (!ParsePhandleReference(ref property, bits))
                    return false;
            }
            else if (CharacterClass.IsLabelStart(c) && TakeLabel(out var label))
            {
                property.HasLabelMarker = true;
                _draft.AddMarker(ref property, new ValueMarker(_values.Length, ValueMarkerKind.Label, _names[label.Name], label.Span));
            }
            else
            {
                Unexpected("a cell or '>'");
                return false;
            }
        }
        _position++;
        var marker = _draft.MarkersOf(property)[slot];
        _draft.MarkersOf(property)[slot] = marker with { Span = SpanOf(start, _position - start) };
        return true;
    }

    private void AppendCell(int bits, int start, ulong value)
    {
        if (bits < 64)
        {
            var mask = (1ul << bits) - 1;
            // What does not fit unsigned must be the sign extension of a negative number.
            if (value > mask && (value | mask) != ulong.MaxValue)
                _diagnostics.Add(DiagnosticTable.Dts.ValueOutOfRange, SpanOf(start, _position - start), value, bits);
            value &= mask;
        }
        switch (bits)
        {
            case 8:
                _values.Append8((byte)value);
                break;
            case 16:
                _values.Append16((ushort)value);
                break;
            case 32:
                _values.Append32((uint)value);
                break;
            default:
                _values.Append64(value);
                break;
        }
    }

    private bool ParsePhandleReference(ref TreeDraft.Property property, int bits)
    {
        var start = _position;
        if (!TakeReference(out var reference))
            return false;
        var span = SpanOf(start, _position - start);
        if (bits != 32)
        {
            _diagnostics.Add(DiagnosticTable.Dts.ReferenceInNarrowCells, span, reference, bits);
            return true;
        }
        property.HasPhandleReference = true;
        _draft.AddMarker(ref property, new ValueMarker(_values.Length, ValueMarkerKind.PhandleReference, reference, span));
        // Until the node's phandle is known.
        _values.Append32(uint.MaxValue);
        return true;
    }

    private bool ParsePathReference(ref TreeDraft.Property property)
    {
        var start = _position;
        if (!TakeReference(out var reference))
            return false;
        property.HasPathReference = true;
        _draft.AddMarker(
            ref property, new ValueMarker(_values.Length, ValueMarkerKind.PathReference, reference, SpanOf(start, _position - start)));
        return true;
    }

    private bool ParseBytes(ref TreeDraft.Property property)
    {
        var start = _position++;
        var slot = property.MarkerCount;
        _draft.AddMarker(ref property, new ValueMarker(_values.Length, ValueMarkerKind.Bytes, "", default));
        while (true)
        {
            SkipBlanks();
            var c = Peek();
            if (c == ']')
                break;
            // "ab:" is a label, though "ab" would be a byte.
            if (CharacterClass.IsLabelStart(c) && TakeLabel(out var label))
            {
                property.HasLabelMarker = true;
                _draft.AddMarker(ref property, new ValueMarker(_values.Length, ValueMarkerKind.Label, _names[label.Name], label.Span));
                continue;
            }
            if (!CharacterClass.IsHex(c) || _position + 1 >= _text.Length || !CharacterClass.IsHex(_text[_position + 1]))
            {
                Unexpected("a byte of two hexadecimal digits or ']'");
                return false;
            }
            _values.Append8((byte)((CharacterClass.HexValue(c) << 4) | CharacterClass.HexValue(_text[_position + 1])));
            _position += 2;
        }
        _position++;
        var marker = _draft.MarkersOf(property)[slot];
        _draft.MarkersOf(property)[slot] = marker with { Span = SpanOf(start, _position - start) };
        return true;
    }

    private bool ParseString(ref TreeDraft.Property property)
    {
        var start = _position;
        var offset = _values.Length;
        if (!TakeString(start))
            return false;
        _draft.AddMarker(ref property, new ValueMarker(offset, ValueMarkerKind.String, "", SpanOf(start, _position - start)));
        return true;
    }

    // Appends the string at the opening quote, with its final 0.
    private bool TakeString(int start)
    {
        var position = start + 1;
        while (true)
        {
            var rest = _text.AsSpan(position);
            var length = rest.IndexOfAny('"', '\\');
            if (length < 0)
            {
                _position = start;
                Error(KmemDiagnostic.Create(DiagnosticTable.Dts.UnterminatedString, SpanOf(start, 1), "string"));
                // Every quote behind it would be taken for the wrong one.
                _errors = MaxErrors;
                return false;
            }
            AppendText(rest.Slice(0, length));
            position += length + 1;
            if (rest[length] == '"')
                break;
            if (position >= _text.Length || _text[position] == '\n')
            {
                // A backslash takes no line break with it.
                _position = position;
                Error(KmemDiagnostic.Create(DiagnosticTable.Dts.UnterminatedString, SpanOf(start, 1), "string"));
                _errors = MaxErrors;
                return false;
            }
            TakeEscape(ref position);
        }
        _values.Append8(0);
        _position = position;
        return true;
    }

    private void TakeEscape(ref int position)
    {
        var value = EscapeSequence.Read(_text, ref position, out var code);
        if (code == EscapeSequence.Kind.Bad)
            _diagnostics.Add(DiagnosticTable.Dts.BadEscape, SpanOf(position - 2, 2));
        if (code != EscapeSequence.Kind.Character)
            _values.Append8((byte)value);
        else
            AppendText(_text.AsSpan(position - value, value));
    }

    private void AppendText(ReadOnlySpan<char> text)
    {
        var bytes = _values.Take(text.Length);
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c >= 128)
            {
                _values.Untake(text.Length - i);
                _values.Append(StrayBytes.Encode(text.Slice(i)));
                return;
            }
            bytes[i] = (byte)c;
        }
    }

    // Behind "/incbin/".
    private bool ParseFile()
    {
        var start = _position - "/incbin/".Length;
        if (!Expect('('))
            return false;
        SkipBlanks();
        var quote = _position;
        if (Peek() != '"')
        {
            Unexpected("the name of a file in quotes");
            return false;
        }
        var mark = _values.Length;
        if (!TakeString(quote))
            return false;
        _values.Untake(_values.Length - mark);
        var name = _text.Substring(quote + 1, _position - quote - 2);
        ulong offset = 0;
        ulong? length = null;
        SkipBlanks();
        if (Peek() == ',')
        {
            var errors = _errors;
            _position++;
            SkipBlanks();
            offset = ParsePrimary();
            if (errors != _errors || !Expect(','))
                return false;
            SkipBlanks();
            length = ParsePrimary();
            if (errors != _errors)
                return false;
        }
        if (!Expect(')'))
            return false;
        AppendFile(name, offset, length, SpanOf(start, _position - start));
        return true;
    }

    private void AppendFile(string name, ulong offset, ulong? length, SourceSpan span)
    {
        var file = span.File is null ? null : _files.FindBinary(span.File, name);
        if (file is null)
        {
            _diagnostics.Add(DiagnosticTable.Dts.BinaryNotFound, span, name);
            return;
        }
        var size = (ulong)file.Bytes.Length;
        var end = length is null ? size : offset > ulong.MaxValue - length.Value ? ulong.MaxValue : offset + length.Value;
        if (end > size || offset > size)
            _diagnostics.Add(DiagnosticTable.Dts.BinaryTooShort, span, offset, end, name, size);
        var from = (int)Math.Min(offset, size);
        var to = (int)Math.Min(Math.Max(end, (ulong)from), size);
        _values.Append(file.Bytes.Span.Slice(from, to - from));
    }
}
