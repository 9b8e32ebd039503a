using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Conformance.Boards;
using NUnit.Framework;

namespace KmemKit.Conformance.Tests.Boards;

/// <summary>Faults in what a board's SMMUs are told: in the bytes of the tables of an SMMUv3, in the registers of an SMMUv2.</summary>
internal static class SmmuMutations
{
    // edu of virt-smmuv3 has stream 8: 2 MiB of ring at 2 MiB, and 64 KiB of image, which it only reads, at 1 MiB.
    private const string V3 = "qemu/virt-smmuv3";
    private const uint Edu = 8;
    private const ulong Ring = 0x20_0000, Picture = 0x10_0000;

    public static IEnumerable<Mutation> All =>
    [
        new("a device's stream is aborted", V3, "smmu-grants", b => Structure(b, Edu, "STE", (bytes, at) => bytes[at] &= 0xf1)),
        new("a device's stream passes through", V3, "smmu-apart", b => Structure(b, Edu, "STE", (bytes, at) => bytes[at] = (byte)((bytes[at] & 0xf1) | 8))),
        new("a stream beside the device's has its entry", V3, "smmu-nobody", b => Structure(b, Edu, "STE", (bytes, at) => bytes.AsSpan(at, 64).CopyTo(bytes.AsSpan(at + 64)))),
        new("another stream passes through", V3, "smmu-nobody", b => Structure(b, 3, "STE", (bytes, at) => bytes[at] = (byte)((bytes[at] & 0xf1) | 8))),
        new("a context descriptor is not valid", V3, "smmu-grants", b => Structure(b, Edu, "CD", (bytes, at) => bytes[at + 3] &= 0x7f)),
        new("a context descriptor leads to the table of the next level", V3, "smmu-grants", b => Structure(b, Edu, "CD", (bytes, at) => bytes[at + 9] ^= 0x10)),
        new("a device may write what it only reads", V3, "smmu-access", b => Leaf(b, Picture, leaf => leaf & ~(1UL << 7))),
        new("a device may not write its ring", V3, "smmu-access", b => Leaf(b, Ring, leaf => leaf | (1UL << 7))),
        new("a page leads to its neighbour", V3, "smmu-grants", b => Leaf(b, Picture, leaf => leaf ^ 0x1000)),
        new("a block leads to other memory", V3, "smmu-grants", b => Leaf(b, Ring, leaf => leaf + 0x20_0000)),
        new("the last page of a grant is missing", V3, "smmu-grants", b => Leaf(b, Picture + 0xf000, _ => 0)),
        new("a page behind a grant is mapped", V3, "smmu-nothing-more", b => Entry(b, Picture + 0xf000, (bytes, at) => Copy(bytes, at, at + 8, 0x1000))),
        new("a block behind a grant is mapped", V3, "smmu-nothing-more", b => Entry(b, Ring, (bytes, at) => Copy(bytes, at, at + 8, 0x20_0000))),
        new("the stream table is said to be half as long", V3, "smmu-grants", b => Register(b, "STRTAB_BASE_CFG", value => value - 1)),
        new("the stream table is said to start an entry late", V3, "smmu-nobody", b => Register(b, "STRTAB_BASE", value => value + 64)),
        new("the tables lie in the memory of a device", V3, "smmu-tables-safe", b => Plan(b, plan => plan with { Base = new PhysAddr(0x4800_0000) })),
        new("the tables are not aligned", V3, "smmu-tables-safe", b => Plan(b, plan => plan with { Base = plan.Base + 0x40 })),

        new("a group matches a stream more", SmmuV2, "smmu-nobody", b => Register(b, "SMR0", value => value | (1UL << 16))),
        new("a group is not valid", SmmuV2, "smmu-grants", b => Register(b, "SMR0", value => value & 0x7fff_ffff)),
        new("a group leads to the context of another master", SmmuV2, "smmu-apart", b => Register(b, "S2CR1", value => value ^ 1)),
        new("a group passes through", SmmuV2, "smmu-apart", b => Register(b, "S2CR0", value => (value & ~0x3_0000UL) | 0x1_0000)),
        new("a context bank has the tables of another one", SmmuV2, "smmu-grants", b => Register(b, "CB1_TTBR0", _ => b.Streams!.Smmus[0].Registers.First(r => r.Name == "CB0_TTBR0").Value)),

        new("the file of stream tables has another byte", V3, "artifact-tables", b => MutationTests.File(b, ".smmu.bin", bytes => { bytes[^1] ^= 1; return bytes; })),
        new("the assembly of stream tables lacks a word", V3, "artifact-assembly", b => MutationTests.Text(b, ".smmu.S", t => t.Replace("\t.zero 128\n", "\t.zero 120\n", StringComparison.Ordinal).Replace("\t.zero 896\n", "\t.zero 888\n", StringComparison.Ordinal))),
        new("the header has another StreamID", V3, "artifact-image-headers", b => MutationTests.Text(b, ".smmu.h", t => t.Replace("SID_EDU 0x8", "SID_EDU 0x9", StringComparison.Ordinal))),
    ];

    /// <summary>The name of the board with an SMMUv2 that is in this file.</summary>
    internal const string SmmuV2 = "smmu-v2";

    /// <summary>Two masters behind an SMMUv2, each with memory of its own.</summary>
    internal const string SmmuV2Source = """
        /dts-v1/;
        / {
        	#address-cells = <2>;
        	#size-cells = <2>;
        	cpus { #address-cells = <1>; #size-cells = <0>; cpu@0 { device_type = "cpu"; compatible = "arm,cortex-a53"; reg = <0>; }; };
        	memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x40000000>; };
        	reserved-memory {
        		#address-cells = <2>;
        		#size-cells = <2>;
        		ranges;
        		frames: frames@90000000 { reg = <0x0 0x90000000 0x0 0x100000>; no-map; };
        		screen: screen@91000000 { reg = <0x0 0x91000000 0x0 0x200000>; no-map; };
        	};
        	smmu: iommu@5000000 { compatible = "arm,mmu-500"; reg = <0x0 0x05000000 0x0 0x20000>; #iommu-cells = <1>; #global-interrupts = <1>; };
        	camera: camera@6000000 { compatible = "test,camera"; reg = <0x0 0x06000000 0x0 0x1000>; iommus = <&smmu 0x10>; memory-region = <&frames>; };
        	display: display@7000000 { compatible = "test,display"; reg = <0x0 0x07000000 0x0 0x1000>; iommus = <&smmu 0x20>; memory-region = <&screen>; };
        };
        """;

    private static BoardSubject Image(BoardSubject board, Action<byte[]> change)
    {
        byte[] bytes = [.. board.StreamImage];
        change(bytes);
        Assert.That(bytes, Is.Not.EqualTo(board.StreamImage.ToArray()), "the fault is in the image");
        return BoardSubject.Of(board.Input) with { OtherStreamImage = [.. bytes] };
    }

    private static BoardSubject Structure(BoardSubject board, uint stream, string what, Action<byte[], int> change) => Image(board, bytes =>
        change(bytes, Offset(board, StreamWalk.Of(board.Streams!, 0, stream, new BusAddr(Ring)).Steps.First(s => s.What == what).Address)));

    private static BoardSubject Entry(BoardSubject board, ulong address, Action<byte[], int> change) => Image(board, bytes =>
        change(bytes, Offset(board, StreamWalk.Of(board.Streams!, 0, Edu, new BusAddr(address)).Steps[^1].Address)));

    private static BoardSubject Leaf(BoardSubject board, ulong address, Func<ulong, ulong> change) => Entry(board, address, (bytes, at) =>
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(at), change(BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(at)))));

    private static void Copy(byte[] bytes, int from, int to, ulong further) =>
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(to), BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(from)) + further);

    private static int Offset(BoardSubject board, ulong address) => (int)(address - board.Streams!.Base.Value);

    private static BoardSubject Register(BoardSubject board, string name, Func<ulong, ulong> change) => Plan(board, plan =>
    {
        Assert.That(plan.Smmus[0].Registers.Select(r => r.Name), Does.Contain(name));
        var registers = plan.Smmus[0].Registers.Select(r => r.Name == name ? r with { Value = change(r.Value) } : r);
        return plan with { Smmus = plan.Smmus.SetItem(0, plan.Smmus[0] with { Registers = [.. registers] }) };
    });

    private static BoardSubject Plan(BoardSubject board, Func<StreamTablePlan, StreamTablePlan> change) => BoardSubject.Of(board.Input) with { OtherStreams = change(board.Streams!) };
}
