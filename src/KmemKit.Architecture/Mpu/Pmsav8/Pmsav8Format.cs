using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture.Mpu.Pmsav7;

namespace KmemKit.Architecture.Mpu.Pmsav8;

/// <summary>PMSAv8 of the M profile and of the R profile in AArch32 and AArch64.</summary>
/// <remarks>
/// <list type="bullet">
/// <item>M: ARM DDI 0553 (Armv8-M) D1.2, MPU_RBAR: BASE [31:5], SH [4:3], AP [2:1], XN [0]; MPU_RLAR: LIMIT [31:5], AttrIndx [3:1], EN [0].</item>
/// <item>R, AArch32: ARM DDI 0568A E1, PRBAR: BASE [31:6], SH [4:3], AP [2:1], XN [0]; PRLAR: LIMIT [31:6], AttrIndx [3:1], EN [0].</item>
/// <item>R, AArch64: ARM DDI 0600B, PRBAR_EL1: BASE [47:6], SH [5:4], AP [3:2], XN [1]; PRLAR_EL1: LIMIT [47:6], NS [4], AttrIndx [3:1], EN [0].</item>
/// <item>
/// R, the MPU of EL2 (HPRBAR, HPRLAR; PRBAR_EL2, PRLAR_EL2): the same fields. Privileged code is EL2's own, what AP grants to unprivileged code it grants to EL1 and EL0,
/// whose accesses this unit checks behind their own (ARM DDI 0568A C1.3, HPRBAR; ARM DDI 0600B, PRBAR_EL2). HSCTLR.BR or SCTLR_EL2.BR is the default map, for EL2 alone.
/// </item>
/// </list>
/// The limit is the last granule. AP has no "no access": a hole is where no region is. An address that two regions share faults for everybody (ARM DDI
/// 0553 rule R_LLLP; ARM DDI 0568A C1.1), so an encoder refuses an overlap.
/// </remarks>
public sealed class Pmsav8Format : MpuFormat
{
    private const ulong EnableBit = 1;
    private const int AttributeIndexShift = 1;
    private const ulong InnerShareable = 3;
    private const AccessRights R = AccessRights.Read;
    private const AccessRights RW = AccessRights.ReadWrite;

    // MAIR bytes by memory type (ARM DDI 0553 D1.2, MPU_MAIR0; ARM DDI 0487 MAIR_EL1), at the index of the type: every domain's table then agrees.
    private static readonly ImmutableArray<(MpuMemoryType Type, byte Attribute)> s_types =
    [
        (MpuMemoryType.StronglyOrdered, 0x00), (MpuMemoryType.Device, 0x04), (MpuMemoryType.NormalNonCacheable, 0x44),
        (MpuMemoryType.NormalWriteThrough, 0xaa), (MpuMemoryType.NormalWriteBack, 0xee), (MpuMemoryType.NormalWriteBackWriteAllocate, 0xff),
    ];

    private readonly bool _isMicrocontroller;
    private readonly int _executeNeverShift;
    private readonly string _base;
    private readonly string _limit;
    private readonly ImmutableArray<string> _indirection;

    private Pmsav8Format(
        string name, ulong granule, int addressBits, int executeNeverShift, string baseName, string limitName, ImmutableArray<string> indirection, bool isMicrocontroller = false)
        : base(name, MpuShape.BaseAndLimit, granule, addressBits)
    {
        _executeNeverShift = executeNeverShift;
        _base = baseName;
        _limit = limitName;
        _indirection = indirection;
        _isMicrocontroller = isMicrocontroller;
    }

    /// <summary>Armv8-M: granule 32 bytes.</summary>
    public static Pmsav8Format PmsaV8M { get; } = new("pmsav8-m", 32, 32, 0, "RBAR", "RLAR", ["MAIR0", "MAIR1"], isMicrocontroller: true);

    /// <summary>Armv8-R AArch32 (Cortex-R52): granule 64 bytes.</summary>
    public static Pmsav8Format PmsaV8R { get; } = new("pmsav8-r", 64, 32, 0, "PRBAR", "PRLAR", ["MAIR0", "MAIR1"]);

    /// <summary>The unit of EL2 in Armv8-R AArch32 (Cortex-R52).</summary>
    public static Pmsav8Format PmsaV8REl2 { get; } = new("pmsav8-r-el2", 64, 32, 0, "HPRBAR", "HPRLAR", ["HMAIR0", "HMAIR1"]);

    /// <summary>Armv8-R AArch64 (Cortex-R82): granule 64 bytes, 48 bits of address.</summary>
    public static Pmsav8Format PmsaV8R64 { get; } = new("pmsav8-r64", 64, 48, 1, "PRBAR_EL1", "PRLAR_EL1", ["MAIR_EL1"]);

    /// <summary>The unit of EL2 in Armv8-R AArch64 (Cortex-R82).</summary>
    public static Pmsav8Format PmsaV8R64El2 { get; } = new("pmsav8-r64-el2", 64, 48, 1, "PRBAR_EL2", "PRLAR_EL2", ["MAIR_EL2"]);

    /// <summary>Whether it is the unit of EL2: unprivileged code is that of EL1 and EL0.</summary>
    public bool IsOfEl2 => _base is "HPRBAR" or "PRBAR_EL2";

    /// <inheritdoc/>
    public override int MaximumRegionCount => 256;

    /// <inheritdoc/>
    public override bool HasPrivilegedBackground => true;

    /// <inheritdoc/>
    public override PhysRange Ungoverned => _isMicrocontroller ? DefaultMaps.PrivatePeripheralBus : base.Ungoverned;

    /// <inheritdoc/>
    public override PhysRange NeverExecuted => _isMicrocontroller ? DefaultMaps.SystemSpace : base.NeverExecuted;

    /// <inheritdoc/>
    public override int RegisterBits => Is64 ? 64 : 32;

    /// <inheritdoc/>
    public override ImmutableArray<string> RegionRegisters(int number) => [_base, _limit];

    /// <inheritdoc/>
    public override ImmutableArray<string> SharedRegisters(int regionCount) => _indirection;

    private bool Is64 => AddressBits > 32;

    /// <inheritdoc/>
    public override MpuAttributes DefaultMap(ulong address) => _isMicrocontroller ? DefaultMaps.OfMProfile(address) : DefaultMaps.OfRProfile(address);

    /// <inheritdoc/>
    public override MpuFault CheckAttributes(MpuAttributes attributes, MpuSpace space)
    {
        if (space != MpuSpace.Unified)
            return MpuFault.BadSpace;
        return AccessPermission(attributes) is null ? MpuFault.RightsNotAvailable : Pmsav7Attributes.CheckExecute(attributes);
    }

    /// <inheritdoc/>
    public override MpuAttributes Canonical(MpuAttributes attributes, MpuSpace space)
    {
        if ((attributes.Privileged | attributes.User) == 0)
            return MpuAttributes.Deny;
        // Device memory of either kind is shareable, SH is ignored (ARM DDI 0553 B7; ARM DDI 0487 D8.6).
        if (attributes.IsNormal)
            return attributes;
        return attributes with
        {
            Memory = attributes.Memory == MpuMemoryType.Unspecified ? MpuMemoryType.StronglyOrdered : attributes.Memory,
            Shareable = true,
        };
    }

    /// <inheritdoc/>
    public override MpuFault Check(MpuRegion region)
    {
        if (region.Range.IsEmpty)
            return MpuFault.BadSize;
        if (region.Range.End > AddressSpace.End.Value)
            return MpuFault.BeyondAddressSpace;
        if ((region.Range.Start.Value & (Granule - 1)) != 0 || (region.Range.Size.Value & (Granule - 1)) != 0)
            return MpuFault.BadAlignment;
        if (region.SubregionDisable != 0)
            return MpuFault.BadSubregions;
        return region.Mode != PmpMode.Off || region.Locked ? MpuFault.BadSpace : CheckAttributes(region.Attributes, region.Space);
    }

    private static uint? AccessPermission(MpuAttributes attributes) => (attributes.Privileged & RW, attributes.User & RW) switch
    {
        (RW, 0) => 0,
        (RW, RW) => 1,
        (R, 0) => 2,
        (R, R) => 3,
        _ => null,
    };

    private protected override MpuRegisterFile EncodeChecked(List<MpuRegion> regions, bool privilegedBackground)
    {
        var byAddress = new List<MpuRegion>(regions);
        byAddress.Sort(static (a, b) => a.Range.CompareTo(b.Range));
        for (var i = 1; i < byAddress.Count; i++)
        {
            if (byAddress[i].Range.Overlaps(byAddress[i - 1].Range))
                throw Refuse(MpuFault.Overlap, byAddress[i]);
        }
        var each = ImmutableArray.CreateBuilder<MpuRegionRegisters>(regions.Count);
        foreach (var region in regions)
        {
            var attributes = Canonical(region.Attributes, MpuSpace.Unified);
            var shareability = attributes.IsNormal && attributes.Shareable ? InnerShareable : 0;
            ulong low = AccessPermission(attributes)!.Value << 1 | shareability << 3 | (Pmsav7Attributes.IsExecuteNever(attributes) ? 1u : 0u);
            each.Add(new MpuRegionRegisters(region.Number, MpuSpace.Unified,
            [
                new MpuRegister(_base, region.Range.Start.Value | low << _executeNeverShift),
                new MpuRegister(_limit, region.Range.Last.Value & ~(Granule - 1) | IndexOf(attributes.Memory) << AttributeIndexShift | EnableBit),
            ]));
        }
        return new MpuRegisterFile(Indirection(), each.ToImmutable(), privilegedBackground);
    }

    private ImmutableArray<MpuRegister> Indirection()
    {
        ulong all = 0;
        for (var i = 0; i < s_types.Length; i++)
            all |= (ulong)s_types[i].Attribute << 8 * i;
        return Is64
            ? [new(_indirection[0], all)]
            : [new(_indirection[0], all & uint.MaxValue), new(_indirection[1], all >> 32)];
    }

    private static ulong IndexOf(MpuMemoryType type)
    {
        for (var i = 0; i < s_types.Length; i++)
        {
            if (s_types[i].Type == type)
                return (ulong)i;
        }
        return 0;
    }

    private protected override MpuTable DecodeChecked(MpuRegisterFile registers, List<MpuRegionRegisters> sorted)
    {
        var indirection = Is64 ? registers[_indirection[0]] : registers[_indirection[0]] | registers[_indirection[1]] << 32;
        var regions = ImmutableArray.CreateBuilder<MpuRegion>();
        foreach (var each in sorted)
        {
            var limit = each[_limit];
            if ((limit & EnableBit) == 0)
                continue;
            var low = each[_base] >> _executeNeverShift;
            var mask = (1UL << AddressBits) - Granule;
            var start = each[_base] & mask;
            var last = (limit & mask) | (Granule - 1);
            // A limit below the base is a region that matches nothing.
            if (last < start)
                continue;
            var never = (low & 1) != 0;
            var attribute = unchecked((byte)(indirection >> 8 * (int)(limit >> AttributeIndexShift & 7)));
            var attributes = new MpuAttributes(
                Fetch((low >> 2 & 1) != 0 ? R : RW),
                Fetch((low >> 1 & 3) switch { 1 => RW, 3 => R, _ => 0 }),
                TypeOf(attribute) ?? throw Reserved(_indirection[0], indirection),
                (low >> 3 & 3) != 0);
            regions.Add(new MpuRegion(each.Number, new PhysRange(new PhysAddr(start), last - start + 1), Canonical(attributes, MpuSpace.Unified)));

            AccessRights Fetch(AccessRights rights) => !never && rights != 0 ? rights | AccessRights.Execute : rights;
        }
        return new MpuTable(this, regions.ToImmutable(), registers.PrivilegedBackground);
    }

    private static MpuMemoryType? TypeOf(byte attribute)
    {
        foreach (var type in s_types)
        {
            if (type.Attribute == attribute)
                return type.Type;
        }
        return null;
    }

    internal override MpuDecision Decide(MpuTable table, ulong address, Privilege privilege)
    {
        MpuRegion? hit = null;
        foreach (var region in table.Regions)
        {
            if (!region.Covers(address))
                continue;
            // Two regions at once: a fault, unless no region counts there at all.
            if (hit is not null && !Ungoverned.Contains(new PhysAddr(address)))
                return default;
            hit = region;
        }
        return Answer(table, hit, address, privilege);
    }
}
