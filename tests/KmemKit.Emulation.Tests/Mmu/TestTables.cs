using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Emulation.Tests.Mmu;

/// <summary>Bytes at a physical address, as a walk reads them.</summary>
public readonly struct ImageMemory(byte[] bytes, ulong start) : IDescriptorMemory
{
    public bool TryRead(ulong address, int size, out ulong descriptor)
    {
        descriptor = 0;
        if (address < start || address - start + (uint)size > (ulong)bytes.Length)
            return false;
        descriptor = Read(bytes, (int)(address - start), size);
        return true;
    }

    public static ulong Read(byte[] bytes, int at, int size) => size == 4
        ? BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(at))
        : BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at));

    public static void Write(byte[] bytes, int at, int size, ulong value)
    {
        if (size == 4)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), checked((uint)value));
        else
            BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), value);
    }
}

/// <summary>Tables that a test puts together leaf by leaf, with nothing between it and the format.</summary>
public sealed class TestTables
{
    private readonly List<(ulong Address, int Level, ulong Input)> _tables = [];
    private int _used;

    /// <summary>An empty root, and room for tables behind it.</summary>
    public TestTables(ITranslationFormat format, ulong address, int size)
    {
        (Format, Address, Bytes) = (format, address, new byte[size]);
        Root = Allocate(format.RootLevel, InputStart(format));
    }

    /// <summary>Tables that are there already, and room behind them.</summary>
    public TestTables(ITranslationFormat format, ulong address, byte[] image, ulong root, int room)
    {
        _used = (image.Length + 0xffff) & ~0xffff;
        (Format, Address, Bytes, Root) = (format, address, new byte[_used + room], root);
        image.CopyTo(Bytes, 0);
    }

    public ITranslationFormat Format { get; }

    public ulong Address { get; }

    public byte[] Bytes { get; }

    public ulong Root { get; }

    public ImageMemory Memory => new(Bytes, Address);

    /// <summary>All tables: physical address, level, first input address.</summary>
    public IReadOnlyList<(ulong Address, int Level, ulong Input)> Tables => _tables;

    // An upper tree's input addresses have all bits above its input size set; a split one is indexed from 0 all the same.
    private static ulong InputStart(ITranslationFormat format)
    {
        var start = format.InputRanges[0].Start.Value;
        return start & ~((1UL << format.InputBits) - 1);
    }

    public ulong Get(ulong address) => ImageMemory.Read(Bytes, (int)(address - Address), Format.DescriptorSize);

    public void Set(ulong address, ulong descriptor) => ImageMemory.Write(Bytes, (int)(address - Address), Format.DescriptorSize, descriptor);

    /// <summary>Maps one leaf; false where something is in the way, or the table there is for other pages.</summary>
    /// <param name="input">Input address.</param>
    /// <param name="output">Output address.</param>
    /// <param name="attributes">Attributes.</param>
    /// <param name="shape">Leaf.</param>
    /// <param name="limits">Chooses what a new table takes away.</param>
    public bool TryMap(ulong input, ulong output, in PageAttributes attributes, in LeafShape shape, Func<int, TableAttributes>? limits = null)
    {
        if (Format.TryEncodeLeaf(output, attributes, shape, out var first) != EncodingRefusal.None)
            return false;
        var table = Root;
        var needed = Format.TableFor(attributes, shape);
        for (var level = Format.RootLevel; level != shape.Level; level = Format.NextLevel(level))
        {
            var at = table + (ulong)(Format.Index(input, level) * Format.DescriptorSize);
            var descriptor = Get(at);
            if (descriptor == 0)
            {
                var below = Format.NextLevel(level);
                var start = input & ~(Format.LevelBytes(level) - 1);
                if (_used + Format.TableBytes(below) * 2 > Bytes.Length)
                    return false;
                table = Allocate(below, start);
                var wanted = limits?.Invoke(level) ?? default;
                if (needed != default || Format.TryEncodeTable(table, level, wanted, out descriptor) != EncodingRefusal.None)
                    Require(Format.TryEncodeTable(table, level, needed, out descriptor));
                Set(at, descriptor);
                continue;
            }
            if (Format.KindOf(descriptor, level) != DescriptorKind.Table)
                return false;
            var has = Format.DecodeTable(descriptor, level);
            if (Format.Name == "arm-short" && has != needed)
                return false;
            table = Format.TableAddress(descriptor, level);
        }
        var slot = table + (ulong)(Format.Index(input, shape.Level) * Format.DescriptorSize);
        for (var i = 0; i < shape.Count; i++)
        {
            if (Get(slot + (ulong)(i * Format.DescriptorSize)) != 0)
                return false;
        }
        for (var i = 0; i < shape.Count; i++)
            Set(slot + (ulong)(i * Format.DescriptorSize), first + (ulong)i * shape.Step);
        return true;
    }

    private ulong Allocate(int level, ulong input)
    {
        var alignment = Format.TableAlignment(level);
        _used = (_used + alignment - 1) & -alignment;
        var address = Address + (ulong)_used;
        _used += Format.TableBytes(level);
        if (_used > Bytes.Length)
            throw new InvalidOperationException("No room for another table.");
        _tables.Add((address, level, input));
        return address;
    }

    private static void Require(EncodingRefusal refusal)
    {
        if (refusal != EncodingRefusal.None)
            throw new InvalidOperationException(refusal.ToString());
    }
}
