namespace KmemKit.Architecture.Mpu;

/// <summary>
/// What PMSAv5 to PMSAv7 have in common: regions of 2^n bytes aligned to their size, of which the highest number wins.
/// </summary>
/// <remarks>
/// Size field: n - 1 in bits [5:1] above the enable bit, in every generation: ARM DDI 0092B (ARM940T) table 2-11, ARM DDI 0363G (Cortex-R4)
/// table 4-32, ARM DDI 0403E (Armv7-M) B3.5.9. Priority: ARM DDI 0403E B3.5, ARM DDI 0363G 7.1.2.
/// </remarks>
public abstract class PowerOfTwoFormat : MpuFormat
{
    private protected const uint EnableBit = 1;
    private protected const int SizeShift = 1;
    private protected const uint SizeMask = 0x1f;

    private protected PowerOfTwoFormat(string name, ulong granule) : base(name, MpuShape.PowerOfTwo, granule, 32)
    {
    }

    /// <inheritdoc/>
    public override MpuFault Check(MpuRegion region)
    {
        if (region.Range.End > AddressSpace.End.Value)
            return MpuFault.BeyondAddressSpace;
        var size = region.Range.Size.Value;
        if (!Alignment.IsPowerOfTwo(size) || size < Granule)
            return MpuFault.BadSize;
        if ((region.Range.Start.Value & (size - 1)) != 0)
            return MpuFault.BadAlignment;
        if (region.SubregionDisable != 0
            && (SmallestWithSubregions == 0 || size < SmallestWithSubregions || region.SubregionDisable == byte.MaxValue))
            return MpuFault.BadSubregions;
        return region.Mode != PmpMode.Off || region.Locked ? MpuFault.BadSpace : CheckAttributes(region.Attributes, region.Space);
    }

    /// <summary>Size field and enable bit.</summary>
    private protected static uint SizeAndEnable(MpuRegion region)
    {
        var log2 = 0;
        for (var size = region.Range.Size.Value; size > 1; size >>= 1)
            log2++;
        return (uint)(log2 - 1) << SizeShift | EnableBit;
    }

    /// <summary>The range of a base register and a size field.</summary>
    private protected PhysRange RangeOf(string name, ulong baseAddress, uint sizeRegister)
    {
        var size = 1UL << (int)((sizeRegister >> SizeShift & SizeMask) + 1);
        // A size below the smallest, and a base that the size does not divide, are UNPREDICTABLE (ARM DDI 0363G 4.3.20; 7.1.1).
        if (size < Granule)
            throw Reserved(name, sizeRegister);
        if ((baseAddress & (size - 1)) != 0)
            throw Reserved(name, baseAddress);
        return new PhysRange(new PhysAddr(baseAddress), size);
    }

    private protected static MpuRegion? Highest(MpuTable table, ulong address, MpuSpace space)
    {
        MpuRegion? highest = null;
        foreach (var region in table.Regions)
        {
            if (region.Space == space && region.Number > (highest?.Number ?? -1) && region.Covers(address))
                highest = region;
        }
        return highest;
    }

    internal override MpuDecision Decide(MpuTable table, ulong address, Privilege privilege) =>
        Answer(table, Highest(table, address, MpuSpace.Unified), address, privilege);
}
