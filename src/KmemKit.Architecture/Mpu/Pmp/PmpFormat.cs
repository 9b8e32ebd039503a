using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;

namespace KmemKit.Architecture.Mpu.Pmp;

/// <summary>RISC-V physical memory protection.</summary>
/// <remarks>
/// Source: The RISC-V Instruction Set Manual, Volume II, Privileged Architecture 1.12, section 3.7.
/// <list type="bullet">
/// <item><c>pmpaddrN</c> holds the address without its low two bits: 32 bits of it on RV32 (34 address bits), 54 on RV64 (56).</item>
/// <item>A byte of <c>pmpcfg</c> for each entry: R [0], W [1], X [2], A [4:3] (0 OFF, 1 TOR, 2 NA4, 3 NAPOT), L [7]; W without R is reserved. Four
/// entries in pmpcfg0, pmpcfg1…; on RV64 eight in pmpcfg0, pmpcfg2….</item>
/// <item>The lowest entry that matches decides. Where it is not locked, M-mode may do everything; where no entry matches, M-mode may do everything and
/// the others nothing. A locked entry binds M-mode as well, and cannot be changed before reset.</item>
/// <item>Granularity 2^(G+2): from G = 1 there is no NA4, and TOR ignores the low G bits of both its addresses.</item>
/// </list>
/// A TOR entry starts where the entry before it points, <em>whatever the mode of that entry is</em>: behind a NAPOT entry that is an address inside its
/// range, where it wins, so that a chain goes on behind it at no cost. TOR cannot end at the end of the address space, which pmpaddr cannot hold.
/// </remarks>
public sealed class PmpFormat : MpuFormat
{
    private const byte ReadBit = 1, WriteBit = 2, ExecuteBit = 4, LockBit = 0x80;
    private const int ModeShift = 3;

    private readonly int _xlen;

    /// <summary>The PMP of an implementation.</summary>
    /// <param name="xlen">32 or 64.</param>
    /// <param name="granule">2^(G+2) bytes: a power of two from 4.</param>
    /// <exception cref="ArgumentOutOfRangeException">Another xlen, or a granule that no G gives.</exception>
    public PmpFormat(int xlen, ulong granule) : base(xlen == 32 ? "pmp-rv32" : "pmp-rv64", MpuShape.PriorityChain, granule, xlen == 32 ? 34 : 56)
    {
        if (xlen is not (32 or 64))
            throw new ArgumentOutOfRangeException(nameof(xlen), xlen, "XLEN is 32 or 64.");
        if (!Alignment.IsPowerOfTwo(granule) || granule < 4 || granule > 1UL << 32)
            throw new ArgumentOutOfRangeException(nameof(granule), granule, "The granularity is a power of two from 4 bytes.");
        _xlen = xlen;
    }

    /// <summary>RV32 with the finest granularity.</summary>
    public static PmpFormat Rv32 { get; } = new(32, 4);

    /// <summary>RV64 with the finest granularity.</summary>
    public static PmpFormat Rv64 { get; } = new(64, 4);

    /// <inheritdoc/>
    public override string ToString() => string.Format(CultureInfo.InvariantCulture, "{0} in granules of {1}", Name, Granule);

    /// <inheritdoc/>
    public override int MaximumRegionCount => 64;

    /// <inheritdoc/>
    public override int RegisterBits => _xlen;

    /// <inheritdoc/>
    public override ImmutableArray<string> RegionRegisters(int number) => [Numbered("pmpaddr", number)];

    /// <inheritdoc/>
    public override ImmutableArray<string> SharedRegisters(int regionCount)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        for (var entry = 0; entry < regionCount; entry += _xlen / 8)
            names.Add(ConfigurationOf(entry));
        return names.ToImmutable();
    }

    /// <summary>From G = 2 the low G - 1 bits of an address read as ones behind NAPOT (section 3.7.1).</summary>
    public override ulong KeptBits(string register) => register is not null && register.StartsWith("pmpaddr", StringComparison.Ordinal) && Granule >= 16
        ? base.KeptBits(register) & ~((Granule >> 3) - 1)
        : base.KeptBits(register!);

    /// <summary>None: the configuration, which entries share, turns an entry off. Its address then means nothing but as the base of a range behind it.</summary>
    public override string? DisablingRegister(int number) => null;

    /// <summary>The register that holds the byte of an entry. RV64 has only the even ones: entry 8 is in pmpcfg2.</summary>
    public string ConfigurationOf(int entry) => Numbered("pmpcfg", entry / (_xlen / 8) * (_xlen / 32));

    /// <summary>Where in it the byte is: bits above the lowest.</summary>
    public int ConfigurationShift(int entry) => 8 * (entry % (_xlen / 8));

    private static string Numbered(string name, int number) => name + number.ToString(CultureInfo.InvariantCulture);

    /// <summary>True: M-mode has it whenever no locked entry says otherwise, and it cannot be turned off.</summary>
    public override bool HasPrivilegedBackground => true;

    /// <inheritdoc/>
    public override bool HasMemoryTypes => false;

    /// <summary>Whether rights bind M-mode, so that only a locked entry gives them.</summary>
    public static bool NeedsLock(MpuAttributes attributes) => attributes.Privileged != AccessRights.All;

    /// <inheritdoc/>
    public override MpuAttributes DefaultMap(ulong address) => new(AccessRights.All, 0, MpuMemoryType.Unspecified, false);

    /// <inheritdoc/>
    public override MpuFault CheckAttributes(MpuAttributes attributes, MpuSpace space)
    {
        if (space != MpuSpace.Unified)
            return MpuFault.BadSpace;
        if (NeedsLock(attributes) && attributes.Privileged != attributes.User)
            return MpuFault.RightsNotAvailable;
        return (attributes.User & AccessRights.ReadWrite) == AccessRights.Write ? MpuFault.RightsNotAvailable : MpuFault.None;
    }

    /// <inheritdoc/>
    public override MpuAttributes Canonical(MpuAttributes attributes, MpuSpace space) =>
        attributes with { Memory = MpuMemoryType.Unspecified, Shareable = false };

    /// <inheritdoc/>
    public override MpuFault Check(MpuRegion region)
    {
        var (start, end) = (region.Range.Start.Value, region.Range.End);
        if (end > AddressSpace.End.Value)
            return MpuFault.BeyondAddressSpace;
        if (region.SubregionDisable != 0)
            return MpuFault.BadSubregions;
        if (region.Mode == PmpMode.Off)
        {
            // Its address, like all others of a chain, is a multiple of the granule; the rest of the entry means nothing.
            if (!region.Range.IsEmpty)
                return MpuFault.BadSize;
            return (start & (Granule - 1)) == 0 ? MpuFault.None : MpuFault.BadAlignment;
        }
        if (CheckAttributes(region.Attributes, region.Space) is var fault and not MpuFault.None)
            return fault;
        if (region.Locked != NeedsLock(region.Attributes) && !(region.Locked && region.Attributes.Privileged == region.Attributes.User))
            return MpuFault.RightsNotAvailable;
        if (region.Mode == PmpMode.Tor)
        {
            if (region.Range.IsEmpty)
                return MpuFault.BadSize;
            if (end == AddressSpace.End.Value)
                return MpuFault.BeyondAddressSpace;
            return (end.Value & (Granule - 1)) == 0 ? MpuFault.None : MpuFault.BadAlignment;
        }
        var size = region.Range.Size.Value;
        if (!Alignment.IsPowerOfTwo(size) || size < Granule || (region.Mode == PmpMode.Na4 ? size != 4 : size < 8))
            return MpuFault.BadSize;
        return (start & (size - 1)) == 0 ? MpuFault.None : MpuFault.BadAlignment;
    }

    private static ulong AddressRegister(MpuRegion region) => region.Mode switch
    {
        PmpMode.Tor => region.Range.End.Value >> 2,
        // yyy…0111: the number of ones says the size, 2^(ones + 3).
        PmpMode.Napot => region.Range.Start.Value >> 2 | ((region.Range.Size.Value >> 3) - 1),
        _ => region.Range.Start.Value >> 2,
    };

    /// <summary>Where a top-of-range entry starts that comes behind <paramref name="entry"/>.</summary>
    public ulong ChainBase(MpuRegion entry) => BaseAfter(AddressRegister(entry ?? throw new ArgumentNullException(nameof(entry))));

    private ulong BaseAfter(ulong addressRegister) => addressRegister << 2 & ~(Granule - 1);

    private protected override MpuRegisterFile EncodeChecked(List<MpuRegion> regions, bool privilegedBackground)
    {
        var each = ImmutableArray.CreateBuilder<MpuRegionRegisters>(regions.Count);
        var configurations = new SortedDictionary<int, ulong>();
        for (var i = 0; i < regions.Count; i++)
        {
            var region = regions[i];
            if (region.Mode == PmpMode.Tor)
            {
                ulong? before = region.Number == 0 ? 0
                    : i > 0 && regions[i - 1].Number == region.Number - 1 ? BaseAfter(AddressRegister(regions[i - 1]))
                    : null;
                if (before != region.Range.Start.Value)
                    throw Refuse(MpuFault.BrokenChain, region);
            }
            var configuration = (byte)((int)region.Mode << ModeShift);
            if (region.Mode != PmpMode.Off)
                configuration |= (byte)((byte)region.Attributes.User | (region.Locked ? LockBit : 0));
            var number = region.Number / (_xlen / 8);
            configurations.TryGetValue(number, out var register);
            configurations[number] = register | (ulong)configuration << ConfigurationShift(region.Number);
            each.Add(new MpuRegionRegisters(region.Number, MpuSpace.Unified, [new MpuRegister(Numbered("pmpaddr", region.Number), AddressRegister(region))]));
        }
        var shared = ImmutableArray.CreateBuilder<MpuRegister>();
        foreach (var configuration in configurations)
            shared.Add(new MpuRegister(ConfigurationOf(configuration.Key * (_xlen / 8)), configuration.Value));
        return new MpuRegisterFile(shared.ToImmutable(), each.ToImmutable(), true);
    }

    private protected override MpuTable DecodeChecked(MpuRegisterFile registers, List<MpuRegionRegisters> sorted)
    {
        var regions = ImmutableArray.CreateBuilder<MpuRegion>();
        ulong? before = 0;
        var expected = 0;
        foreach (var each in sorted)
        {
            if (each.Number != expected)
                before = null;
            expected = each.Number + 1;
            var number = each.Number.ToString(CultureInfo.InvariantCulture);
            var address = each["pmpaddr" + number];
            if (address >> (AddressBits - 2) != 0)
                throw Reserved("pmpaddr" + number, address);
            var configuration = unchecked((byte)(registers[ConfigurationOf(each.Number)] >> ConfigurationShift(each.Number)));
            if (RegionOf(each.Number, (PmpMode)(configuration >> ModeShift & 3), address, before) is { } region)
                regions.Add(WithRights(region, configuration));
            before = address;
        }
        return new MpuTable(this, regions.ToImmutable(), true);
    }

    private MpuRegion? RegionOf(int number, PmpMode mode, ulong address, ulong? before)
    {
        switch (mode)
        {
            case PmpMode.Off:
                return new MpuRegion(number, new PhysRange(new PhysAddr(BaseAfter(address)), 0), MpuAttributes.Deny);
            case PmpMode.Tor:
                var start = BaseAfter(before ?? throw new MpuEncodingException(MpuFault.RegisterMissing, $"the entry before entry {number} is not known"));
                var end = BaseAfter(address);
                return end <= start ? null : new MpuRegion(number, new PhysRange(new PhysAddr(start), end - start), default) { Mode = mode };
            case PmpMode.Na4:
                if (Granule > 4)
                    throw Reserved("pmpcfg", (ulong)mode << ModeShift);
                return new MpuRegion(number, new PhysRange(new PhysAddr(address << 2), 4), default) { Mode = mode };
            default:
                // From G = 2 the low G - 1 bits read as ones.
                address |= Granule >= 16 ? (Granule >> 3) - 1 : 0;
                var ones = 0;
                while (ones < 61 && (address >> ones & 1) != 0)
                    ones++;
                // All ones: everything there is.
                var bits = Math.Min(ones + 3, AddressBits);
                var origin = bits >= AddressBits ? 0 : address >> ones << (ones + 2);
                return new MpuRegion(number, new PhysRange(new PhysAddr(origin), 1UL << bits), default) { Mode = mode };
        }
    }

    private static MpuRegion WithRights(MpuRegion region, byte configuration)
    {
        var locked = (configuration & LockBit) != 0;
        if (region.Mode == PmpMode.Off)
            return region with { Locked = locked };
        if ((configuration & (ReadBit | WriteBit)) == WriteBit)
            throw Reserved("pmpcfg", configuration);
        var rights = (AccessRights)(configuration & (ReadBit | WriteBit | ExecuteBit));
        return region with
        {
            Locked = locked,
            Attributes = new MpuAttributes(locked ? rights : AccessRights.All, rights, MpuMemoryType.Unspecified, false),
        };
    }

    internal override MpuDecision Decide(MpuTable table, ulong address, Privilege privilege)
    {
        MpuRegion? lowest = null;
        foreach (var region in table.Regions)
        {
            if (region.Mode != PmpMode.Off && region.Number < (lowest?.Number ?? int.MaxValue) && region.Covers(address))
                lowest = region;
        }
        return Answer(table, lowest, address, privilege);
    }
}
