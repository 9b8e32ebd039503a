using System.Collections.Generic;
using System.Collections.Immutable;

namespace KmemKit.Architecture.Mpu;

/// <summary>Which ranges a region of a format can be.</summary>
public enum MpuShape
{
    /// <summary>A power of two, aligned to itself; overlaps are decided by number, the highest wins.</summary>
    PowerOfTwo,

    /// <summary>A base and a limit in granules; no overlap.</summary>
    BaseAndLimit,

    /// <summary>RISC-V PMP: aligned powers of two, and chains of ranges; the lowest number wins.</summary>
    PriorityChain,
}

/// <summary>
/// A generation of memory protection unit: which regions it can hold, their register values, and what it decides about an access.
/// </summary>
/// <remarks>
/// Invariants: <see cref="Encode"/> refuses whatever <see cref="Check"/> refuses, and for the rest <see cref="Decode"/> of its registers
/// gives the same regions with <see cref="Canonical"/> attributes.
/// </remarks>
public abstract class MpuFormat
{
    private protected MpuFormat(string name, MpuShape shape, ulong granule, int addressBits)
    {
        Name = name;
        Shape = shape;
        Granule = granule;
        AddressBits = addressBits;
    }

    /// <summary>Such as <c>pmsav7-m</c>.</summary>
    public string Name { get; }

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Which ranges its regions can be.</summary>
    public MpuShape Shape { get; }

    /// <summary>Smallest region and alignment, in bytes; a power of two.</summary>
    public ulong Granule { get; }

    /// <summary>Bits of an address that regions can reach.</summary>
    public int AddressBits { get; }

    /// <summary>All its addresses.</summary>
    public PhysRange AddressSpace => new(PhysAddr.Zero, 1UL << AddressBits);

    /// <summary>Which accesses have regions of their own.</summary>
    public virtual ImmutableArray<MpuSpace> Spaces { get; } = [MpuSpace.Unified];

    /// <summary>Regions of each space where the architecture or the core fixes them; null where the implementer chooses.</summary>
    public virtual int? FixedRegionCount => null;

    /// <summary>Most regions of each space that the registers can number.</summary>
    public abstract int MaximumRegionCount { get; }

    /// <summary>Smallest region with subregions, in bytes; 0 where there are none.</summary>
    public virtual ulong SmallestWithSubregions => 0;

    /// <summary>Whether the default map can be left to privileged code.</summary>
    public abstract bool HasPrivilegedBackground { get; }

    /// <summary>Whether the format says how memory behaves.</summary>
    public virtual bool HasMemoryTypes => true;

    /// <summary>
    /// Addresses whose rights no region changes (the private peripheral bus of Arm M-profile); empty where there are none.
    /// </summary>
    public virtual PhysRange Ungoverned => new(PhysAddr.Zero, 0);

    /// <summary>Addresses that nobody ever executes from, whatever a region says; empty where there are none.</summary>
    public virtual PhysRange NeverExecuted => new(PhysAddr.Zero, 0);

    /// <summary>What privileged code may do at an address outside all regions with the background on.</summary>
    public abstract MpuAttributes DefaultMap(ulong address);

    /// <summary>Why no region of <paramref name="space"/> can say that; <see cref="MpuFault.None"/> if one can.</summary>
    public abstract MpuFault CheckAttributes(MpuAttributes attributes, MpuSpace space);

    /// <summary>The part of the attributes that a region of <paramref name="space"/> keeps: what a decoder gives back.</summary>
    public abstract MpuAttributes Canonical(MpuAttributes attributes, MpuSpace space);

    /// <summary>Why the region has no encoding, without regard to others; <see cref="MpuFault.None"/> if it has.</summary>
    public abstract MpuFault Check(MpuRegion region);

    /// <summary>Register values of a whole MPU.</summary>
    /// <param name="regions">Regions in any order, each number once in its space.</param>
    /// <param name="privilegedBackground">Whether privileged code has the default map where no region is.</param>
    /// <exception cref="MpuEncodingException">A region, or all of them together, have no encoding.</exception>
    public MpuRegisterFile Encode(IEnumerable<MpuRegion> regions, bool privilegedBackground)
    {
        var sorted = new List<MpuRegion>(regions);
        sorted.Sort(static (a, b) => a.Space != b.Space ? a.Space.CompareTo(b.Space) : a.Number.CompareTo(b.Number));
        for (var i = 0; i < sorted.Count; i++)
        {
            var region = sorted[i];
            if (region.Number < 0 || region.Number >= MaximumRegionCount
                || (i > 0 && sorted[i - 1].Space == region.Space && sorted[i - 1].Number == region.Number))
                throw Refuse(MpuFault.BadNumber, region);
            if (!Spaces.Contains(region.Space))
                throw Refuse(MpuFault.BadSpace, region);
            if (Check(region) is var fault and not MpuFault.None)
                throw Refuse(fault, region);
        }
        if (privilegedBackground && !HasPrivilegedBackground)
            throw new MpuEncodingException(MpuFault.BackgroundNotAvailable, $"{Name} has no default map for privileged code");
        return EncodeChecked(sorted, privilegedBackground);
    }

    /// <summary>What register values mean.</summary>
    /// <exception cref="MpuEncodingException">A value is reserved, or a register is missing.</exception>
    public MpuTable Decode(MpuRegisterFile registers)
    {
        foreach (var shared in registers.Shared)
            CheckWidth(shared);
        var sorted = new List<MpuRegionRegisters>(registers.Regions);
        sorted.Sort(static (a, b) => a.Space != b.Space ? a.Space.CompareTo(b.Space) : a.Number.CompareTo(b.Number));
        for (var i = 0; i < sorted.Count; i++)
        {
            var each = sorted[i];
            if (each.Number < 0 || each.Number >= MaximumRegionCount
                || (i > 0 && sorted[i - 1].Space == each.Space && sorted[i - 1].Number == each.Number))
                throw new MpuEncodingException(MpuFault.BadNumber, $"{Name} has no region {each.Number}, or has it twice");
            if (!Spaces.Contains(each.Space))
                throw new MpuEncodingException(MpuFault.BadSpace, $"{Name} has no regions for {each.Space}");
            foreach (var register in each.Values)
                CheckWidth(register);
        }
        return DecodeChecked(registers, sorted);
    }

    private void CheckWidth(MpuRegister register)
    {
        if (RegisterBits < 64 && register.Value >> RegisterBits != 0)
            throw Reserved(register.Name, register.Value);
    }

    /// <summary>Bits of a register: 32 or 64.</summary>
    public virtual int RegisterBits => 32;

    /// <summary>Names of the registers of one region, in the order in which they are written; with 0 in all of them a region is off.</summary>
    /// <param name="number">Its number.</param>
    public abstract ImmutableArray<string> RegionRegisters(int number);

    /// <summary>The register of a region that turns it off with 0, whose others then mean nothing; null where a shared one does that, and none of its own means anything.</summary>
    /// <param name="number">Its number.</param>
    public virtual string? DisablingRegister(int number)
    {
        // RASR, DRSR and RLAR, behind the base, and C6 hold the enable bit.
        var names = RegionRegisters(number);
        return names.Length == 1 ? names[0] : names[1];
    }

    /// <summary>Names of the registers that all regions share, in the order in which they are written.</summary>
    /// <param name="regionCount">Regions the unit has.</param>
    public abstract ImmutableArray<string> SharedRegisters(int regionCount);

    /// <summary>The bits of a register that keep what was written: the others read as something else, and mean nothing.</summary>
    /// <param name="register">Its name.</param>
    public virtual ulong KeptBits(string register) => RegisterBits < 64 ? (1UL << RegisterBits) - 1 : ulong.MaxValue;

    /// <summary>Decodes registers of known numbers and spaces, sorted by them, none wider than <see cref="RegisterBits"/>.</summary>
    private protected abstract MpuTable DecodeChecked(MpuRegisterFile registers, List<MpuRegionRegisters> regions);

    /// <summary>Encodes regions that passed <see cref="Check"/>, sorted by space and number.</summary>
    private protected abstract MpuRegisterFile EncodeChecked(List<MpuRegion> regions, bool privilegedBackground);

    internal abstract MpuDecision Decide(MpuTable table, ulong address, Privilege privilege);

    private protected MpuEncodingException Refuse(MpuFault fault, MpuRegion region) =>
        new(fault, $"{Name} has no encoding for region {region.Number} {region.Range} ({region.Attributes}): {fault}");

    private protected static MpuEncodingException Reserved(string name, ulong value) =>
        new(MpuFault.ReservedEncoding, $"{name} = {AddressLimit.FromUInt64(value)} is reserved");

    /// <summary>What the one region that answers, or the background, says.</summary>
    private protected MpuDecision Answer(MpuTable table, MpuRegion? region, ulong address, Privilege privilege)
    {
        if (Ungoverned.Contains(new PhysAddr(address)))
        {
            var fixedMap = DefaultMap(address);
            return new MpuDecision(fixedMap.RightsOf(privilege), fixedMap.Memory, fixedMap.Shareable, null, null);
        }
        var said = region?.Attributes
            ?? (table.PrivilegedBackground && privilege == Privilege.Privileged ? DefaultMap(address) : MpuAttributes.Deny);
        var rights = said.RightsOf(privilege);
        if (NeverExecuted.Contains(new PhysAddr(address)))
            rights &= ~AccessRights.Execute;
        return new MpuDecision(rights, said.Memory, said.Shareable, region, region);
    }
}
