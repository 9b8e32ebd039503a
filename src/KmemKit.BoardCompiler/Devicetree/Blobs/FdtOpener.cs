using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rule = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Blob;

namespace KmemKit.BoardCompiler.Devicetree.Blobs;

// Checks a blob from the outside in: magic, total size, version, then each block's place, then that no two share a byte.
// All sums are 64 bits wide: two 32-bit fields cannot wrap them. An error ends the check, since what follows would be read
// at places that mean nothing.
internal sealed class FdtOpener
{
    private const int ReservationSize = 16;

    private readonly SourceFile _file;
    private readonly DiagnosticBag _diagnostics;

    internal FdtOpener(SourceFile file, DiagnosticBag diagnostics)
    {
        _file = file;
        _diagnostics = diagnostics;
    }

    internal Fdt? Open()
    {
        if (ReadHeader() is not { } header)
            return null;
        var fdt = new Fdt(_file, header);
        long total = header.TotalSize;
        long reservations = header.ReservationsOffset, structure = header.StructOffset, strings = header.StringsOffset;

        // Where a size is not said, the block can reach to whatever starts next.
        var structureEnd = header.Version >= 17 ? structure + header.StructSize : NextStart(structure, total, reservations, strings);
        var stringsEnd = header.Version >= 3 ? strings + header.StringsSize : NextStart(strings, total, reservations, structure);
        if (!CheckPlace("memory reservation block", reservations, reservations + ReservationSize, total, 8, 16)
            || !CheckPlace("structure block", structure, structureEnd, total, 4, 8)
            || !CheckPlace("strings block", strings, stringsEnd, total, 1, 12))
            return null;

        if (ReadReservations(fdt, (int)reservations, (int)NextStart(reservations, total, structure, strings)) is not { } reservationsEnd)
            return null;
        if (!CheckOverlap(
            ("header", 0, header.Size), ("memory reservation block", reservations, reservationsEnd),
            ("structure block", structure, structureEnd), ("strings block", strings, stringsEnd)))
            return null;

        fdt.StructOffset = (int)structure;
        fdt.StructSize = (int)(structureEnd - structure);
        fdt.StringsOffset = (int)strings;
        fdt.StringsSize = (int)(stringsEnd - strings);
        return fdt;
    }

    private FdtHeader? ReadHeader()
    {
        var bytes = _file.Bytes.Span;
        if (bytes.Length >= 4 && BinaryPrimitives.ReadUInt32BigEndian(bytes) is var magic && magic != FdtToken.Magic)
        {
            Error(Rule.Magic, 0, 4, Hex(magic), MagicHint(magic));
            return null;
        }
        if (bytes.Length < FdtHeader.CommonSize)
        {
            Error(Rule.HeaderTruncated, 0, bytes.Length, bytes.Length, FdtHeader.CommonSize);
            return null;
        }
        var header = FdtHeader.Read(bytes);
        if (header.Version == 0 || header.LastCompatibleVersion > FdtHeader.NewestVersion || header.LastCompatibleVersion > header.Version)
        {
            Error(Rule.Version, 20, 8, header.Version, header.LastCompatibleVersion);
            return null;
        }
        if (bytes.Length < header.Size)
        {
            Error(Rule.HeaderTruncated, 0, bytes.Length, bytes.Length, header.Size);
            return null;
        }
        if (header.TotalSize < header.Size)
        {
            Error(Rule.TotalSize, 4, 4, Hex(header.TotalSize), "less than its header of " + Hex(header.Size));
            return null;
        }
        if (header.TotalSize > (uint)bytes.Length)
        {
            Error(Rule.TotalSize, 4, 4, Hex(header.TotalSize), "more than the file of " + Hex(bytes.Length));
            return null;
        }
        if (header.TotalSize < (uint)bytes.Length)
        {
            var end = (int)header.TotalSize;
            Error(Rule.TrailingBytes, end, bytes.Length - end, Hex(bytes.Length - end), Hex(end));
        }
        return header;
    }

    private static string MagicHint(uint magic) => magic switch
    {
        0xedfe0dd0 => " (its bytes are swapped)",
        0x2f647473 => " (it is a source: \"/dts-v1/\")",
        _ when magic >> 16 == 0x1f8b => " (it is compressed with gzip)",
        _ => "",
    };

    private static long NextStart(long start, long total, long first, long second)
    {
        var next = total;
        if (first > start && first < next)
            next = first;
        if (second > start && second < next)
            next = second;
        return next;
    }

    private bool CheckPlace(string block, long start, long end, long total, int alignment, int field)
    {
        if (start > total || end > total)
        {
            Error(Rule.BlockOutside, field, 4, block, Hex(start), Hex(end), Hex(total));
            return false;
        }
        if (start % alignment != 0)
        {
            Error(Rule.BlockAlignment, field, 4, block, Hex(start), alignment);
            return false;
        }
        return true;
    }

    // Returns the end of the block, which only its last entry tells.
    private long? ReadReservations(Fdt fdt, int start, int limit)
    {
        var bytes = fdt.Bytes.Span;
        ImmutableArray<FdtReservation>.Builder? entries = null;
        for (var offset = start; limit - offset >= ReservationSize; offset += ReservationSize)
        {
            var address = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice(offset));
            var size = BinaryPrimitives.ReadUInt64BigEndian(bytes.Slice(offset + 8));
            if (size == 0)
            {
                if (address != 0)
                    Error(Rule.ReservationEmpty, offset, ReservationSize, Hex(address));
                if (entries is not null)
                    fdt.Reservations = entries.ToImmutable();
                return offset + ReservationSize;
            }
            // The last byte must exist; the end may be 2^64 itself.
            if (address > ulong.MaxValue - (size - 1))
            {
                Error(Rule.ReservationRange, offset, ReservationSize, Hex(address), Hex(size));
                return null;
            }
            entries ??= ImmutableArray.CreateBuilder<FdtReservation>();
            entries.Add(new FdtReservation(address, size, offset));
        }
        Error(Rule.ReservationsOpen, start, Math.Max(0, limit - start), Hex(start), Hex(limit));
        return null;
    }

    private bool CheckOverlap(params (string Name, long Start, long End)[] blocks)
    {
        var ordered = new List<(string Name, long Start, long End)>();
        foreach (var block in blocks)
        {
            if (block.End > block.Start)
                ordered.Add(block);
        }
        ordered.Sort(static (left, right) => left.Start != right.Start ? left.Start.CompareTo(right.Start) : left.End.CompareTo(right.End));
        for (var i = 1; i < ordered.Count; i++)
        {
            var (first, second) = (ordered[i - 1], ordered[i]);
            if (second.Start >= first.End)
                continue;
            Error(Rule.BlocksOverlap, (int)second.Start, (int)(second.End - second.Start),
                second.Name, Hex(second.Start), Hex(second.End), first.Name, Hex(first.Start), Hex(first.End));
            return false;
        }
        return true;
    }

    private void Error(DiagnosticDescriptor rule, int offset, int length, params object?[] arguments) =>
        _diagnostics.Add(rule, new SourceSpan(_file, offset, length), arguments);

    private static string Hex(long value) => "0x" + value.ToString("x");

    private static string Hex(ulong value) => "0x" + value.ToString("x");
}
