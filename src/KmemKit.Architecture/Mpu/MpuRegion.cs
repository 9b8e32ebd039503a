namespace KmemKit.Architecture.Mpu;

/// <summary>How a RISC-V PMP entry matches (Privileged Architecture 1.12, section 3.7.1, "Address Matching").</summary>
public enum PmpMode
{
    /// <summary>Matches nothing; its address may be the base of the next entry.</summary>
    Off,

    /// <summary>Top of range: from the address of the entry before, or 0, up to this one's.</summary>
    Tor,

    /// <summary>Naturally aligned four bytes.</summary>
    Na4,

    /// <summary>Naturally aligned power of two, from 8 bytes.</summary>
    Napot,
}

/// <summary>One region of an MPU, as an encoder takes it and a decoder gives it back.</summary>
/// <param name="Number">Region number, from 0; within its <see cref="Space"/>.</param>
/// <param name="Range">
/// The addresses, subregions included. For <see cref="PmpMode.Off"/> the empty range at the entry's address; for <see cref="PmpMode.Tor"/> from the
/// address that the entry before holds.
/// </param>
/// <param name="Attributes">What it says about them.</param>
public sealed record MpuRegion(int Number, PhysRange Range, MpuAttributes Attributes)
{
    /// <summary>Which accesses it answers.</summary>
    public MpuSpace Space { get; init; }

    /// <summary>Subregions, an eighth of the region each, that do not belong to it: bit 0 is the lowest.</summary>
    public byte SubregionDisable { get; init; }

    /// <summary>How a PMP entry matches; <see cref="PmpMode.Off"/> in all other formats.</summary>
    public PmpMode Mode { get; init; }

    /// <summary>PMP: cannot be written until reset, and binds M-mode.</summary>
    public bool Locked { get; init; }

    /// <summary>Whether the region answers for <paramref name="address"/>.</summary>
    public bool Covers(ulong address)
    {
        if (!Range.Contains(new PhysAddr(address)))
            return false;
        if (SubregionDisable == 0)
            return true;
        var offset = address - Range.Start.Value;
        // An eighth of up to 4 GiB: the size is below 2^64 wherever there are subregions.
        return (SubregionDisable >> (int)(offset / (Range.Size.Value / 8)) & 1) == 0;
    }
}
