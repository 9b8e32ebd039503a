using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using KmemKit.Emulation.Tests.Machines;
using KmemKit.Emulation.Tests.Mmu;
using STE = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.Emulation.Tests.Smmu;

/// <summary>A stream table and context descriptors that a test puts together word by word, in memory of their own.</summary>
public sealed class SmmuTables
{
    /// <summary>What each of them has: the stream table, descriptors behind it, and page tables.</summary>
    public const ulong Bytes = 0x60_0000;

    private readonly byte[] _bytes = new byte[0x4_0000];

    /// <param name="number">Which memory.</param>
    public SmmuTables(int number) => Address = 0x4200_0000 + ((ulong)number * Bytes);

    /// <summary>Where the linear stream table is: room for StreamIDs of 11 bits.</summary>
    public ulong Address { get; }

    /// <summary>Where context descriptors are.</summary>
    public ulong Descriptors => Address + 0x2_0000;

    /// <summary>Where page tables are: 2 MiB for each of two trees.</summary>
    public ulong PageTables(int tree) => Address + 0x20_0000 + ((ulong)tree * 0x20_0000);

    public MemoryImage Image => new(Address, _bytes);

    public void Put(ulong address, StructureWords words)
    {
        for (var i = 0; i < StructureWords.Count; i++)
            Put(address + (ulong)(8 * i), words[i]);
    }

    public void Put(ulong address, ulong word) => BinaryPrimitives.WriteUInt64LittleEndian(_bytes.AsSpan((int)(address - Address)), word);

    /// <summary>An entry of the linear table.</summary>
    public void Entry(uint stream, StreamTableEntry entry) => Put(Address + (64UL * stream), entry.Words);

    /// <summary>
    /// Stage 1 with transactions made privileged (PRIVCFG): QEMU 7.2 does not know privileges here and lets an unprivileged access through where the format does not, so it is a witness
    /// for privileged ones only.
    /// </summary>
    public StreamTableEntry Stage1(int descriptor) => new(StreamTableEntry.Stage1(new PhysAddr(Descriptors + (64UL * (ulong)descriptor))).Words.With(STE.PRIVCFG, 3));

    public void Descriptor(int number, StructureWords words) => Put(Descriptors + (64UL * (ulong)number), words);

    /// <summary>A descriptor for a tree of the lower range.</summary>
    public static ContextDescriptor Context(TestTables tree, ushort asid)
    {
        var format = (IVmsav8Stage1)tree.Format;
        return ContextDescriptor.Lower(new PhysAddr(tree.Root), format.InputBits, format.PageShift, format.OutputBits, format.Mair, asid);
    }
}
