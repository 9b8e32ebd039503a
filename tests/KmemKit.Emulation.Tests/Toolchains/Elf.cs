using System;
using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Text;

namespace KmemKit.Emulation.Tests.Toolchains;

/// <summary>The symbol table of a little-endian ELF file, of 32 or 64 bits (System V ABI, "Object Files").</summary>
public static class Elf
{
    private const uint SymbolTable = 2;
    private const byte Elf64 = 2;

    /// <summary>Addresses of all named symbols; of two of one name the later.</summary>
    public static ImmutableDictionary<string, ulong> Symbols(ReadOnlySpan<byte> file)
    {
        var wide = file[4] == Elf64;
        var sections = (int)Address(file, wide ? 0x28 : 0x20, wide);
        var (entrySize, count) = (Half(file, wide ? 0x3a : 0x2e), Half(file, wide ? 0x3c : 0x30));
        var found = ImmutableDictionary.CreateBuilder<string, ulong>(StringComparer.Ordinal);
        for (var i = 0; i < count; i++)
        {
            var header = file.Slice(sections + i * entrySize, entrySize);
            if (Word(header, 4) != SymbolTable)
                continue;
            var names = file.Slice(sections + (int)Word(header, wide ? 0x28 : 0x18) * entrySize, entrySize);
            var strings = file[(int)Address(names, wide ? 0x18 : 0x10, wide)..];
            var table = file.Slice((int)Address(header, wide ? 0x18 : 0x10, wide), (int)Address(header, wide ? 0x20 : 0x14, wide));
            for (var symbolSize = wide ? 24 : 16; table.Length >= symbolSize; table = table[symbolSize..])
            {
                var name = strings[(int)Word(table, 0)..];
                name = name[..name.IndexOf((byte)0)];
                if (!name.IsEmpty)
                    found[Encoding.ASCII.GetString(name)] = Address(table, wide ? 8 : 4, wide);
            }
        }
        return found.ToImmutable();
    }

    private static ulong Address(ReadOnlySpan<byte> bytes, int at, bool wide) =>
        wide ? BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]) : Word(bytes, at);

    private static uint Word(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    private static ushort Half(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
}
