using System.Collections.Generic;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mpu.Pmsav5;

/// <summary>How a PMSAv5 part tells loads and stores from fetches.</summary>
public enum Pmsav5Split
{
    /// <summary>One set of regions with one set of attributes: what can be read can be executed (ARM740T).</summary>
    None,

    /// <summary>Eight data and eight instruction regions (ARM940T).</summary>
    Regions,

    /// <summary>One set of regions with attributes for data and attributes for instructions (ARM946E-S, ARM1026EJ-S).</summary>
    Attributes,
}

/// <summary>The protection units of ARM740T, ARM940T, ARM946E-S and ARM1026EJ-S: CP15 registers 2, 3, 5 and 6.</summary>
/// <remarks>
/// Region counts, and which parts have separate regions or attributes: Sloss, Symes, Wright, ARM System Developer's Guide, chapter 13. Fields: ARM DDI
/// 0008E (ARM740T) chapter 4; ARM DDI 0092B (ARM940T) 2.2.3-2.2.7; ARM DDI 0201D (ARM946E-S) 2.3.5-2.3.10; ARM DDI 0244C (ARM1026EJ-S) 3.3.
/// <list type="bullet">
/// <item><c>C6</c> of a region: base [31:12], size [5:1], enable [0].</item>
/// <item><c>C2</c>: cacheable, <c>C3</c>: bufferable, a bit per region; c2 has one register for data and one for instructions where those are apart.</item>
/// <item><c>C5</c>: two bits of permission per region on ARM740T and ARM940T; four, the extended form, on the two later parts, which alone have
/// read-only for privileged code.</item>
/// </list>
/// There is no default map: with the unit on, an address in no region aborts for everyone.
/// </remarks>
public sealed class Pmsav5Format : PowerOfTwoFormat
{
    /// <summary>Eight of each kind in all four parts.</summary>
    private const int RegionCount = 8;
    private const ulong BaseMask = 0xffff_f000;

    private readonly Pmsav5Split _split;
    private readonly bool _hasWriteBack;

    private Pmsav5Format(string name, Pmsav5Split split, bool hasWriteBack) : base(name, 4096)
    {
        _split = split;
        _hasWriteBack = hasWriteBack;
        Spaces = split == Pmsav5Split.Regions ? [MpuSpace.Data, MpuSpace.Instruction] : [MpuSpace.Unified];
    }

    /// <summary>ARM740T: 8 regions, one write-through cache for both, and a write buffer.</summary>
    public static Pmsav5Format Arm740T { get; } = new("arm740t", Pmsav5Split.None, hasWriteBack: false);

    /// <summary>ARM940T: 8 data and 8 instruction regions.</summary>
    public static Pmsav5Format Arm940T { get; } = new("arm940t", Pmsav5Split.Regions, hasWriteBack: true);

    /// <summary>ARM946E-S: 8 regions.</summary>
    public static Pmsav5Format Arm946ES { get; } = new("arm946e-s", Pmsav5Split.Attributes, hasWriteBack: true);

    /// <summary>ARM1026EJ-S: 8 regions.</summary>
    public static Pmsav5Format Arm1026EJS { get; } = new("arm1026ej-s", Pmsav5Split.Attributes, hasWriteBack: true);

    /// <inheritdoc/>
    public override ImmutableArray<MpuSpace> Spaces { get; }

    /// <inheritdoc/>
    public override int? FixedRegionCount => RegionCount;

    /// <inheritdoc/>
    public override int MaximumRegionCount => RegionCount;

    /// <inheritdoc/>
    public override bool HasPrivilegedBackground => false;

    /// <inheritdoc/>
    public override ImmutableArray<string> RegionRegisters(int number) => ["C6"];

    /// <inheritdoc/>
    public override ImmutableArray<string> SharedRegisters(int regionCount) => _split == Pmsav5Split.None
        ? ["C2", "C3", "C5"]
        : ["C2_DATA", "C2_INSTRUCTION", "C3", "C5_DATA", "C5_INSTRUCTION"];

    private bool IsExtended => _split == Pmsav5Split.Attributes;

    /// <inheritdoc/>
    public override MpuAttributes DefaultMap(ulong address) => MpuAttributes.Deny;

    /// <inheritdoc/>
    public override MpuFault CheckAttributes(MpuAttributes attributes, MpuSpace space)
    {
        if (attributes.Memory == MpuMemoryType.NormalWriteBackWriteAllocate || (attributes.Memory == MpuMemoryType.NormalWriteBack && !_hasWriteBack))
            return MpuFault.MemoryTypeNotAvailable;
        if (attributes.Shareable && attributes.IsNormal)
            return MpuFault.ShareableNotAvailable;
        if (space != MpuSpace.Instruction && Pmsav5Permissions.OfData(attributes, IsExtended) is null)
            return MpuFault.RightsNotAvailable;
        if (_split == Pmsav5Split.None)
        {
            return Follows(attributes.Privileged) && Follows(attributes.User) ? MpuFault.None : MpuFault.ExecuteFollowsRead;
        }
        return space != MpuSpace.Data && Pmsav5Permissions.OfInstructions(attributes, IsExtended) is null
            ? MpuFault.RightsNotAvailable
            : MpuFault.None;

        static bool Follows(AccessRights rights) => (rights & AccessRights.Execute) != 0 == ((rights & AccessRights.Read) != 0);
    }

    /// <inheritdoc/>
    public override MpuAttributes Canonical(MpuAttributes attributes, MpuSpace space)
    {
        var kept = space switch
        {
            MpuSpace.Data => AccessRights.ReadWrite,
            MpuSpace.Instruction => AccessRights.Execute,
            _ => AccessRights.All,
        };
        var rights = new MpuAttributes(attributes.Privileged & kept, attributes.User & kept, MpuMemoryType.Unspecified, false);
        if (rights == MpuAttributes.Deny)
            return rights;
        // Instruction regions have the cacheable bit alone; Device and Normal non-cacheable are both "buffered, not cached".
        var (cacheable, bufferable) = BitsOf(attributes.Memory);
        return rights with { Memory = TypeOf(cacheable, bufferable && space != MpuSpace.Instruction) };
    }

    private (bool Cacheable, bool Bufferable) BitsOf(MpuMemoryType memory) => memory switch
    {
        MpuMemoryType.Device or MpuMemoryType.NormalNonCacheable => (false, true),
        // The write buffer of ARM740T stands behind its write-through cache; elsewhere the bit turns write-through into write-back.
        MpuMemoryType.NormalWriteThrough => (true, !_hasWriteBack),
        MpuMemoryType.NormalWriteBack => (true, true),
        _ => (false, false),
    };

    private MpuMemoryType TypeOf(bool cacheable, bool bufferable)
    {
        if (!cacheable)
            return bufferable ? MpuMemoryType.Device : MpuMemoryType.StronglyOrdered;
        return bufferable && _hasWriteBack ? MpuMemoryType.NormalWriteBack : MpuMemoryType.NormalWriteThrough;
    }

    private protected override MpuRegisterFile EncodeChecked(List<MpuRegion> regions, bool privilegedBackground)
    {
        uint cacheableData = 0, cacheableInstructions = 0, bufferable = 0, data = 0, instructions = 0;
        var each = ImmutableArray.CreateBuilder<MpuRegionRegisters>(regions.Count);
        var width = IsExtended ? 4 : 2;
        foreach (var region in regions)
        {
            var (c, b) = BitsOf(region.Attributes.Memory);
            var bit = 1u << region.Number;
            if (region.Space != MpuSpace.Instruction)
            {
                cacheableData |= c ? bit : 0;
                bufferable |= b ? bit : 0;
                data |= Pmsav5Permissions.OfData(region.Attributes, IsExtended)!.Value << width * region.Number;
            }
            if (region.Space != MpuSpace.Data)
            {
                cacheableInstructions |= c ? bit : 0;
                if (_split != Pmsav5Split.None)
                    instructions |= Pmsav5Permissions.OfInstructions(region.Attributes, IsExtended)!.Value << width * region.Number;
            }
            each.Add(new MpuRegionRegisters(region.Number, region.Space,
                [new MpuRegister("C6", (uint)(region.Range.Start.Value & BaseMask) | SizeAndEnable(region))]));
        }
        ImmutableArray<MpuRegister> shared = _split == Pmsav5Split.None
            ? [new("C2", cacheableData), new("C3", bufferable), new("C5", data)]
            :
            [
                new("C2_DATA", cacheableData), new("C2_INSTRUCTION", cacheableInstructions), new("C3", bufferable),
                new("C5_DATA", data), new("C5_INSTRUCTION", instructions),
            ];
        return new MpuRegisterFile(shared, each.ToImmutable(), false);
    }

    private protected override MpuTable DecodeChecked(MpuRegisterFile registers, List<MpuRegionRegisters> sorted)
    {
        var isSplit = _split != Pmsav5Split.None;
        var cacheableData = registers[isSplit ? "C2_DATA" : "C2"];
        var bufferable = registers["C3"];
        var data = registers[isSplit ? "C5_DATA" : "C5"];
        var cacheableInstructions = isSplit ? registers["C2_INSTRUCTION"] : cacheableData;
        var instructions = isSplit ? registers["C5_INSTRUCTION"] : data;
        var regions = ImmutableArray.CreateBuilder<MpuRegion>();
        foreach (var each in sorted)
        {
            var c6 = (uint)each["C6"];
            if ((c6 & EnableBit) == 0)
                continue;
            var number = each.Number;
            var attributes = MpuAttributes.Deny;
            if (each.Space != MpuSpace.Instruction)
            {
                attributes = Pmsav5Permissions.DataOf(Field(data, number), IsExtended) ?? throw Reserved("C5", data);
                attributes = attributes with { Memory = TypeOf((cacheableData >> number & 1) != 0, (bufferable >> number & 1) != 0) };
            }
            else
            {
                attributes = attributes with { Memory = TypeOf((cacheableInstructions >> number & 1) != 0, false) };
            }
            if (each.Space != MpuSpace.Data)
            {
                var fetch = Pmsav5Permissions.InstructionsOf(Field(instructions, number), IsExtended) ?? throw Reserved("C5", instructions);
                attributes = attributes with { Privileged = attributes.Privileged | fetch.Privileged, User = attributes.User | fetch.User };
            }
            regions.Add(new MpuRegion(number, RangeOf("C6", c6 & BaseMask, c6), Canonical(attributes, each.Space)) { Space = each.Space });
        }
        return new MpuTable(this, regions.ToImmutable(), false);
    }

    internal override MpuDecision Decide(MpuTable table, ulong address, Privilege privilege)
    {
        if (_split != Pmsav5Split.Regions)
            return base.Decide(table, address, privilege);
        var data = Highest(table, address, MpuSpace.Data);
        var fetch = Highest(table, address, MpuSpace.Instruction);
        var rights = (data?.Attributes.RightsOf(privilege) ?? 0) | (fetch?.Attributes.RightsOf(privilege) ?? 0);
        return new MpuDecision(rights, data?.Attributes.Memory ?? MpuMemoryType.Unspecified, false, data, fetch);
    }

    private uint Field(ulong register, int number) =>
        IsExtended ? (uint)(register >> 4 * number & 0xf) : (uint)(register >> 2 * number & 3);
}
