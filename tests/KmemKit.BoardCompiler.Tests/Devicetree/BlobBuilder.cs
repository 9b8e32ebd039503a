using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Text;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Tests.Devicetree;

// Makes blobs by hand, right ones and wrong ones: every word of the structure block and every field of the header can be set. Knows nothing of the
// code under test.
internal sealed class BlobBuilder
{
    private readonly List<byte> _structure = [];
    private readonly List<byte> _strings = [];
    private readonly List<byte> _reservations = [];
    private bool _terminated = true;

    internal uint Version { get; set; } = 17;

    internal uint LastCompatibleVersion { get; set; } = 16;

    internal uint BootCpu { get; set; }

    internal int StructureLength => _structure.Count;

    internal static BlobBuilder Empty() => new BlobBuilder().Begin("").End();

    internal BlobBuilder Word(uint word)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, word);
        _structure.AddRange(bytes);
        return this;
    }

    internal BlobBuilder Raw(params byte[] bytes)
    {
        _structure.AddRange(bytes);
        return this;
    }

    internal BlobBuilder Begin(string name)
    {
        Word(1);
        _structure.AddRange(Encoding.Latin1.GetBytes(name));
        _structure.Add(0);
        return Pad(4);
    }

    internal BlobBuilder End() => Word(2);

    internal BlobBuilder Nop() => Word(4);

    internal BlobBuilder Finish() => Word(9);

    internal BlobBuilder Pad(int alignment)
    {
        while (_structure.Count % alignment != 0)
            _structure.Add(0);
        return this;
    }

    internal BlobBuilder Property(string name, params byte[] value) => PropertyAt(StringOffset(name), value);

    internal BlobBuilder Cell(string name, uint value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return Property(name, bytes);
    }

    internal BlobBuilder Text(string name, string value) => Property(name, Encoding.Latin1.GetBytes(value + "\0"));

    internal BlobBuilder PropertyAt(uint nameOffset, params byte[] value)
    {
        Word(3).Word((uint)value.Length).Word(nameOffset);
        if (Version < 16 && value.Length >= 8)
            Pad(8);
        _structure.AddRange(value);
        return Pad(4);
    }

    internal BlobBuilder Strings(string raw)
    {
        _strings.AddRange(Encoding.Latin1.GetBytes(raw));
        return this;
    }

    internal BlobBuilder Reserve(ulong address, ulong size)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, address);
        BinaryPrimitives.WriteUInt64BigEndian(bytes.Slice(8), size);
        _reservations.AddRange(bytes);
        return this;
    }

    internal BlobBuilder WithoutReservationEnd()
    {
        _terminated = false;
        return this;
    }

    internal uint StringOffset(string name)
    {
        var bytes = Encoding.Latin1.GetBytes(name + "\0");
        for (var i = 0; i + bytes.Length <= _strings.Count; i++)
        {
            if (_strings.GetRange(i, bytes.Length).ToArray().AsSpan().SequenceEqual(bytes))
                return (uint)i;
        }
        _strings.AddRange(bytes);
        return (uint)(_strings.Count - bytes.Length);
    }

    // The structure block as it is: a test that wants FDT_END says so with Finish().
    internal byte[] ToBytes()
    {
        var headerSize = Version >= 17 ? 40 : Version >= 3 ? 36 : Version == 2 ? 32 : 28;
        var reservations = (headerSize + 7) / 8 * 8;
        var structure = reservations + _reservations.Count + (_terminated ? 16 : 0);
        var strings = structure + _structure.Count;
        var blob = new byte[strings + _strings.Count];
        uint[] header =
        [
            0xd00dfeed, (uint)blob.Length, (uint)structure, (uint)strings, (uint)reservations, Version, LastCompatibleVersion, BootCpu,
            (uint)_strings.Count, (uint)_structure.Count,
        ];
        for (var i = 0; i < headerSize / 4; i++)
            SetWord(blob, i * 4, header[i]);
        _reservations.CopyTo(blob, reservations);
        _structure.CopyTo(blob, structure);
        _strings.CopyTo(blob, strings);
        return blob;
    }

    internal SourceFile ToFile() => new("test.dtb", ToBytes());

    internal static byte[] SetWord(byte[] blob, int offset, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(blob.AsSpan(offset), value);
        return blob;
    }

    internal static uint GetWord(byte[] blob, int offset) => BinaryPrimitives.ReadUInt32BigEndian(blob.AsSpan(offset));
}
