using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Vmsav8;

namespace KmemKit.Runtime.Smmu.Stages;

/// <summary>One tree of one stage, as an SMMU's configuration describes it: the CPU's formats, walked for a device.</summary>
internal abstract class StageWalk(in WalkSettings settings)
{
    /// <summary>Whether descriptors are big-endian.</summary>
    public bool IsBigEndian { get; } = settings.IsBigEndian;

    /// <summary>The fault of every walk; none where it walks.</summary>
    public TranslationFault Refusal { get; } = settings.Refusal;

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

    /// <summary>VMSAv8-64 tables of stage 1.</summary>
    /// <param name="granuleShift">12, 14 or 16.</param>
    /// <param name="inputBits">25 to 48.</param>
    /// <param name="outputBits">A size of the architecture.</param>
    /// <param name="isUpper">The range at the top.</param>
    /// <param name="mair">Memory types.</param>
    /// <param name="controls">Wxn or none.</param>
    /// <param name="table">Root; bits below its alignment are ignored, as those of a TTBR.</param>
    /// <param name="settings">The rest.</param>
    public static StageWalk Stage1(
        int granuleShift, int inputBits, int outputBits, bool isUpper, ulong mair, TranslationControls controls, ulong table, in WalkSettings settings) => granuleShift switch
    {
        12 => Of(new Vmsav8Format<Granule4K>(inputBits, outputBits, isUpper, mair, controls), table, settings),
        14 => Of(new Vmsav8Format<Granule16K>(inputBits, outputBits, isUpper, mair, controls), table, settings),
        _ => Of(new Vmsav8Format<Granule64K>(inputBits, outputBits, isUpper, mair, controls), table, settings),
    };

    /// <summary>VMSAv8-64 tables of stage 2, which start at a level that their input has; parameters as of stage 1.</summary>
    public static StageWalk Stage2(int granuleShift, int inputBits, int startLevel, int outputBits, ulong table, in WalkSettings settings) => granuleShift switch
    {
        12 => Of(new Vmsav8Stage2Format<Granule4K>(inputBits, outputBits, rootLevel: startLevel), table, settings),
        14 => Of(new Vmsav8Stage2Format<Granule16K>(inputBits, outputBits, rootLevel: startLevel), table, settings),
        _ => Of(new Vmsav8Stage2Format<Granule64K>(inputBits, outputBits, rootLevel: startLevel), table, settings),
    };

    /// <summary>Tables of any format.</summary>
    /// <param name="format">The format.</param>
    /// <param name="table">Root; bits below its alignment are ignored, as those of a TTBR.</param>
    /// <param name="settings">The rest.</param>
    public static StageWalk Of<TFormat>(TFormat format, ulong table, in WalkSettings settings)
        where TFormat : struct, ITranslationFormat => new StageWalk<TFormat>(format, table & ~((ulong)format.RootAlignment - 1), settings);
}

/// <inheritdoc cref="StageWalk"/>
internal sealed class StageWalk<TFormat>(TFormat format, ulong root, in WalkSettings settings) : StageWalk(settings)
    where TFormat : struct, ITranslationFormat
{
    private readonly WalkSettings _settings = settings;

    public override bool Translates(ulong address) => format.Translates(address);

    public override Translation Walk(ref SmmuTables tables, ulong address) => Walker.Walk(format, ref tables, root, address);

    public override PageAttributes Decode(in Translation found)
    {
        var attributes = format.DecodeLeaf(found.Descriptor, found.Level, found.Limits);
        return _settings.IgnoresAccessFlag ? attributes with { IsAccessed = true } : attributes;
    }

    public override int LeafShift(in Translation found) => format.LeafShift(found.Descriptor, found.Level);

    public override FaultCause Check(in PageAttributes attributes, AccessRights access, Privilege privilege) =>
        format.Check(attributes, access, privilege, _settings.Access);
}
