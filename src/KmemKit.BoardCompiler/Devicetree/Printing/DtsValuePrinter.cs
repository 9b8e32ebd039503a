using System;
using System.Buffers.Binary;
using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Devicetree.Printing;

// Prints a value so that it compiles back to the same bytes, whatever it holds.
//
// With markers the value is cut at each marker that says what starts there; without, it is one piece of the guessed kind. A piece whose bytes do not fit its
// kind (cells of a broken length, a string without its 0, a label inside a cell) is printed as bytes: markers are hints about form, the bytes
// are what counts. Labels go in front of the element at their offset, or behind the last one at the end of the value.
internal static class DtsValuePrinter
{
    /// <summary>Puts <c> = value</c>, or nothing for an empty value. Without <paramref name="references"/> no labels and references.</summary>
    internal static void Put(ref DtsText text, DeviceTreeProperty property, DtsReferences? references)
    {
        var value = property.Value.Span;
        var markers = property.Markers;
        if (markers.IsDefaultOrEmpty)
        {
            if (value.Length > 0)
            {
                text.Put(" = ");
                PutPiece(ref text, value, new ValuePiece(0, value.Length, DtsValueGuess.Of(value), default, 0, 0), null);
            }
            return;
        }
        if (value.Length > 0)
        {
            text.Put(" = ");
            PutMarked(ref text, value, markers, references);
        }
        if (references is not null)
            PutFinalLabels(ref text, value.Length, markers);
    }

    private static void PutMarked(ref DtsText text, ReadOnlySpan<byte> value, ImmutableArray<ValueMarker> markers, DtsReferences? references)
    {
        var kind = DtsValueGuess.Of(value);
        var marker = 0;
        for (var start = 0; start < value.Length;)
        {
            // Of several markers at one place the last says the kind: "<>, "x"" starts two pieces at 0.
            var from = marker;
            while (marker < markers.Length && (markers[marker].Offset <= start || !StartsPiece(markers[marker].Kind)))
            {
                if (markers[marker].Offset <= start && StartsPiece(markers[marker].Kind))
                    kind = FormOf(markers[marker].Kind);
                marker++;
            }
            var end = marker < markers.Length ? Math.Min(markers[marker].Offset, value.Length) : value.Length;
            // A label in front of the marker that ends this piece is the next one's.
            while (marker > from && markers[marker - 1].Offset >= end)
                marker--;
            if (start > 0)
                text.Put(", ");
            PutPiece(ref text, value, new ValuePiece(start, end, kind, markers, from, marker), references);
            start = end;
        }
    }

    private static void PutFinalLabels(ref DtsText text, int length, ImmutableArray<ValueMarker> markers)
    {
        var none = true;
        foreach (var marker in markers)
        {
            if (marker.Kind != ValueMarkerKind.Label || marker.Offset < length)
                continue;
            // Only an empty list of bytes lets a label stand in an empty value.
            if (length == 0 && none)
                text.Put(" = [");
            else
                text.Put(' ');
            none = false;
            text.Put(marker.Text);
            text.Put(':');
        }
        if (length == 0 && !none)
            text.Put(']');
    }

    private static bool StartsPiece(ValueMarkerKind kind) => kind is not (ValueMarkerKind.Label or ValueMarkerKind.PhandleReference);

    private static ValueMarkerKind FormOf(ValueMarkerKind kind) => kind == ValueMarkerKind.PathReference ? ValueMarkerKind.String : kind;

    private static int Width(ValueMarkerKind kind) => kind switch
    {
        ValueMarkerKind.Cells16 => 2,
        ValueMarkerKind.Cells32 => 4,
        ValueMarkerKind.Cells64 => 8,
        _ => 1,
    };

    private static void PutPiece(ref DtsText text, ReadOnlySpan<byte> value, ValuePiece piece, DtsReferences? references)
    {
        var bytes = value.Slice(piece.Start, piece.End - piece.Start);
        var width = Width(piece.Kind);
        var isString = piece.Kind == ValueMarkerKind.String;
        var cursor = 0;
        if (references is not null)
            piece.PutLabels(ref text, piece.Start, ref cursor);
        if (isString && references is not null
            && piece.ReferenceAt(piece.Start, ValueMarkerKind.PathReference, cursor) is { } path && references.IsPathOf(path, bytes))
            DtsReferences.Put(ref text, path);
        else if (isString && bytes[bytes.Length - 1] == 0 && (references is null || piece.LabelsFit(bytes.Length)))
            PutStrings(ref text, bytes);
        else if (width > 1 && bytes.Length % width == 0 && (references is null || piece.LabelsFit(width)))
            PutCells(ref text, bytes, width, piece, references, cursor);
        else
            PutBytes(ref text, bytes, piece, references, cursor);
    }

    private static void PutCells(
        ref DtsText text, ReadOnlySpan<byte> bytes, int width, ValuePiece piece, DtsReferences? references, int cursor)
    {
        if (width != 4)
        {
            text.Put("/bits/ ");
            text.PutDecimal(width * 8);
            text.Put(' ');
        }
        text.Put('<');
        for (var i = 0; i < bytes.Length; i += width)
        {
            if (i > 0)
            {
                text.Put(' ');
                if (references is not null)
                    piece.PutLabels(ref text, piece.Start + i, ref cursor);
            }
            var cell = bytes.Slice(i);
            var number = width switch
            {
                2 => BinaryPrimitives.ReadUInt16BigEndian(cell),
                4 => BinaryPrimitives.ReadUInt32BigEndian(cell),
                _ => BinaryPrimitives.ReadUInt64BigEndian(cell),
            };
            if (references is not null && width == 4
                && piece.ReferenceAt(piece.Start + i, ValueMarkerKind.PhandleReference, cursor) is { } label
                && references.IsPhandleOf(label, (uint)number))
                DtsReferences.Put(ref text, label);
            else
                text.PutHex(number);
        }
        text.Put('>');
    }

    private static void PutBytes(ref DtsText text, ReadOnlySpan<byte> bytes, ValuePiece piece, DtsReferences? references, int cursor)
    {
        text.Put('[');
        for (var i = 0; i < bytes.Length; i++)
        {
            if (i > 0)
            {
                text.Put(' ');
                if (references is not null)
                    piece.PutLabels(ref text, piece.Start + i, ref cursor);
            }
            text.PutByte(bytes[i]);
        }
        text.Put(']');
    }

    // One or more strings, each with its final 0: an empty one between two zeros is a string too.
    private static void PutStrings(ref DtsText text, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var end = bytes.IndexOf((byte)0);
            text.Put('"');
            foreach (var character in bytes.Slice(0, end))
                PutCharacter(ref text, character);
            text.Put('"');
            bytes = bytes.Slice(end + 1);
            if (bytes.Length == 0)
                return;
            text.Put(", ");
        }
    }

    // A hex escape has two digits and no more, so that what follows cannot be taken for a third.
    private static void PutCharacter(ref DtsText text, byte character)
    {
        if (character is >= 32 and <= 126 and not (byte)'"' and not (byte)'\\')
        {
            text.Put((char)character);
            return;
        }
        text.Put('\\');
        switch (character)
        {
            case (byte)'"':
            case (byte)'\\':
                text.Put((char)character);
                break;
            case >= 7 and <= 13:
                text.Put("abtnvfr"[character - 7]);
                break;
            default:
                text.Put('x');
                text.PutByte(character);
                break;
        }
    }
}
