using System;
using System.Buffers.Binary;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu;
using KmemKit.Architecture.Smmu.V3;
using CD = KmemKit.Architecture.Smmu.V3.ContextDescriptorFields;
using STE = KmemKit.Architecture.Smmu.V3.StreamTableEntryFields;

namespace KmemKit.BoardCompiler.Streams;

/// <summary>Stream table entries and context descriptors of a plan, and the registers that point to them.</summary>
internal static class SmmuV3Image
{
    // RA, bit 62 of STRTAB_BASE (6.3.24): reads may allocate.
    private const ulong ReadAllocate = 1UL << 62;

    // CR1: shareability and cacheability of tables in bits 11:6, of queues in 5:0 (6.3.11). Inner shareable write-back, or outer shareable and not cached.
    private const uint Coherent = 0xD75, NotCoherent = 0x820;

    public static ImmutableArray<SmmuRegister> Registers(SmmuPlan smmu) =>
    [
        new("CR1", SmmuV3Register.Cr1, 4, smmu.Smmu.IsCoherent ? Coherent : NotCoherent),
        new("STRTAB_BASE", SmmuV3Register.StrtabBase, 8, smmu.StreamTable.Value | ReadAllocate),
        new("STRTAB_BASE_CFG", SmmuV3Register.StrtabBaseCfg, 4, smmu.Shape!.BaseConfig),
    ];

    public static StructureWords Entry(SmmuPlan smmu, StreamBinding? binding)
    {
        if (binding is null)
            return StreamTableEntry.Abort.Words;
        if (binding.Translation == StreamTranslation.Bypass)
            return StreamTableEntry.Bypass.Words;
        var context = smmu.Contexts[binding.Context];
        if (binding.Translation == StreamTranslation.Stage1)
        {
            var entry = StreamTableEntry.Stage1(context.Descriptor!.Value).Words;
            return smmu.Smmu.IsCoherent ? entry : entry.With(STE.S1CIR, 0).With(STE.S1COR, 0).With(STE.S1CSH, 2);
        }
        var format = context.Format;
        var stage2 = StreamTableEntry.Bypass.WithStage2(new SteStage2
        {
            Vmid = context.Tag,
            Table = context.Root,
            InputBits = format.InputBits,
            GranuleShift = format.PageShift,
            StartLevel = format.RootLevel,
            OutputBits = format.OutputBits,
            Stalls = smmu.Smmu.V3.StallModel == StallModel.StallForced,
        }).Words;
        return smmu.Smmu.IsCoherent ? stage2 : stage2.With(STE.S2IR0, 0).With(STE.S2OR0, 0).With(STE.S2SH0, 2);
    }

    public static StructureWords Descriptor(SmmuPlan smmu, StreamContext context)
    {
        var format = (IVmsav8Stage1)context.Format;
        var cd = ContextDescriptor.Lower(context.Root, format.InputBits, format.PageShift, format.OutputBits, format.Mair, context.Tag);
        if (smmu.Smmu.V3.StallModel == StallModel.StallForced)
            cd = cd.WithStalls();
        return smmu.Smmu.IsCoherent ? cd.Words : cd.Words.With(CD.IR0, 0).With(CD.OR0, 0).With(CD.SH0, 2);
    }

    /// <summary>Writes the part at its offset.</summary>
    public static void Write(byte[] image, SmmuPlan smmu, PlannedStreamPart part)
    {
        var at = checked((int)part.Offset);
        switch (part.Kind)
        {
            case StreamImagePart.ContextDescriptor:
                Put(image, at, Descriptor(smmu, smmu.Contexts[part.Index]));
                break;
            case StreamImagePart.FirstLevel:
                for (var i = 0; i < smmu.SecondLevels.Length; i++)
                {
                    var table = smmu.Shape!.Tables[i];
                    BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at + (8 * (int)table.Index)), StreamTableDescriptor.Table(smmu.SecondLevels[i], table.EntryBits).Value);
                }
                break;
            case StreamImagePart.StreamTable:
                WriteEntries(image, at, smmu, 0, smmu.Shape!.Log2Size);
                break;
            case StreamImagePart.SecondLevel:
                WriteEntries(image, at, smmu, smmu.Shape!.Tables[part.Index].Index << smmu.Shape.Split, smmu.Shape.Tables[part.Index].EntryBits);
                break;
        }
    }

    private static void WriteEntries(byte[] image, int at, SmmuPlan smmu, uint first, int bits)
    {
        var last = first + (uint)((1UL << bits) - 1);
        var closed = Entry(smmu, null);
        for (var i = 0L; i < 1L << bits; i++)
            Put(image, at + (int)(i * StructureWords.Bytes), closed);
        foreach (var binding in smmu.Bindings)
        {
            if (binding.Stream.First > last || binding.Stream.Last < first)
                continue;
            var entry = Entry(smmu, binding);
            for (ulong id = Math.Max(first, binding.Stream.First); id <= Math.Min(last, binding.Stream.Last); id++)
                Put(image, at + (int)((id - first) * StructureWords.Bytes), entry);
        }
    }

    private static void Put(byte[] image, int at, in StructureWords words)
    {
        for (var i = 0; i < StructureWords.Count; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(image.AsSpan(at + (8 * i)), words[i]);
    }
}
