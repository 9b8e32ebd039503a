using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Smmu.V3;

namespace KmemKit.Runtime.Smmu.V3;

/// <summary>One tree of one stage, as a context descriptor or stream table entry describes it: the CPU's formats, walked for a device.</summary>
internal abstract class StageWalk
{
    /// <summary>Whether the tree has the address at all.</summary>
    public abstract bool Translates(ulong address);

    /// <summary>Walks to the leaf.</summary>
    public abstract Translation Walk(ref SmmuTables tables, ulong address);

    /// <summary>What the leaf says.</summary>
    public abstract PageAttributes Decode(in Translation found);

    /// <summary>Log2 of the bytes that the leaf maps in a row.</summary>
    public abstract int LeafShift(in Translation found);

    /// <summary>Whether an access is allowed.</summary>
    public abstract FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege);

    /// <summary>The lower range of a context descriptor; null where it is closed.</summary>
    public static StageWalk? Lower(in ContextDescriptor cd, int outputBits) => cd.HasLower
        ? Stage1(cd, cd.LowerGranuleShift, cd.LowerInputBits, isUpper: false, cd.LowerTable, outputBits)
        : null;

    /// <summary>The upper range of a context descriptor; null where it is closed.</summary>
    public static StageWalk? Upper(in ContextDescriptor cd, int outputBits) => cd.HasUpper
        ? Stage1(cd, cd.UpperGranuleShift, cd.UpperInputBits, isUpper: true, cd.UpperTable, outputBits)
        : null;

    /// <summary>Stage 2 of a stream table entry.</summary>
    public static StageWalk Stage2(SteStage2 stage2, int outputBits) => stage2.GranuleShift switch
    {
        12 => Make(new Vmsav8Stage2Format<Granule4K>(stage2.InputBits, outputBits), stage2.Table, stage2.IgnoresAccessFlag, TranslationControls.None),
        14 => Make(new Vmsav8Stage2Format<Granule16K>(stage2.InputBits, outputBits), stage2.Table, stage2.IgnoresAccessFlag, TranslationControls.None),
        _ => Make(new Vmsav8Stage2Format<Granule64K>(stage2.InputBits, outputBits), stage2.Table, stage2.IgnoresAccessFlag, TranslationControls.None),
    };

    private static StageWalk Stage1(in ContextDescriptor cd, int granuleShift, int inputBits, bool isUpper, PhysAddr table, int outputBits)
    {
        var controls = cd.WriteExecuteNever ? TranslationControls.Wxn : TranslationControls.None;
        var access = cd.PrivilegedAccessNever ? TranslationControls.Pan : TranslationControls.None;
        return granuleShift switch
        {
            12 => Make(new Vmsav8Format<Granule4K>(inputBits, outputBits, isUpper, cd.Mair, controls), table, cd.IgnoresAccessFlag, access),
            14 => Make(new Vmsav8Format<Granule16K>(inputBits, outputBits, isUpper, cd.Mair, controls), table, cd.IgnoresAccessFlag, access),
            _ => Make(new Vmsav8Format<Granule64K>(inputBits, outputBits, isUpper, cd.Mair, controls), table, cd.IgnoresAccessFlag, access),
        };
    }

    private static StageWalk<TFormat> Make<TFormat>(TFormat format, PhysAddr table, bool ignoresAccessFlag, TranslationControls access)
        where TFormat : struct, ITranslationFormat =>
        // Low bits of the address below the table's alignment are ignored, as those of a TTBR (5.4, TTB0).
        new(format, table.Value & ~((ulong)format.RootAlignment - 1), ignoresAccessFlag, access);
}

/// <inheritdoc cref="StageWalk"/>
internal sealed class StageWalk<TFormat>(TFormat format, ulong root, bool ignoresAccessFlag, TranslationControls access) : StageWalk
    where TFormat : struct, ITranslationFormat
{
    public override bool Translates(ulong address) => format.Translates(address);

    public override Translation Walk(ref SmmuTables tables, ulong address) => Walker.Walk(format, ref tables, root, address);

    public override PageAttributes Decode(in Translation found)
    {
        var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        return ignoresAccessFlag ? attributes with { IsAccessed = true } : attributes;
    }

    public override int LeafShift(in Translation found) => format.LeafShift(found.Descriptor, found.Level);

    public override FaultCause Check(in PageAttributes attributes, AccessRights access1, Privilege privilege) =>
        format.Check(attributes, access1, privilege, access);
}
