namespace KmemKit.Architecture.Smmu.V2;

/// <summary>SMMU_SMRn: which StreamIDs a stream mapping group matches (Arm IHI 0062, 9.6.35). 32 bits.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct StreamMatchRegister(uint Value)
{
    private const uint ValidBit = 1u << 31;

    /// <summary>Matches <paramref name="id"/>, where bits set in <paramref name="mask"/> do not count.</summary>
    /// <param name="id">StreamID, 15 bits.</param>
    /// <param name="mask">Bits that do not count, 15 bits. Bits of <paramref name="id"/> under it are stored as 0.</param>
    /// <exception cref="System.ArgumentOutOfRangeException">There are more than 15 bits.</exception>
    public static StreamMatchRegister Matching(uint id, uint mask)
    {
        if (id > 0x7FFF || mask > 0x7FFF)
            throw new System.ArgumentOutOfRangeException(nameof(id), "SMR.ID and SMR.MASK have 15 bits.");
        return new StreamMatchRegister(ValidBit | (mask << 16) | (id & ~mask));
    }

    /// <summary>VALID, bit 31.</summary>
    public bool IsValid => (Value & ValidBit) != 0;

    /// <summary>MASK, bits 30 to 16.</summary>
    public uint Mask => (Value >> 16) & 0x7FFF;

    /// <summary>ID, bits 14 to 0.</summary>
    public uint Id => Value & 0x7FFF;

    /// <summary>Whether a StreamID is of this group.</summary>
    public bool Matches(uint stream) => IsValid && ((stream ^ Id) & ~Mask & 0x7FFF) == 0 && stream <= 0x7FFF;

    /// <summary>Whether a StreamID exists that both match: then SMMU_sGFSR.SMCF is set for it (9.6.35).</summary>
    public bool Overlaps(StreamMatchRegister other) => IsValid && other.IsValid && ((Id ^ other.Id) & ~(Mask | other.Mask)) == 0;
}

/// <summary>SMMU_S2CRn.TYPE, bits 17 to 16 (Arm IHI 0062, 9.6.34).</summary>
public enum StreamToContextType
{
    /// <summary>0b00: translated by context bank CBNDX.</summary>
    Translation = 0,

    /// <summary>0b01: passed through.</summary>
    Bypass = 1,

    /// <summary>0b10: faults: SMMU_sGFSR.ICF (invalid context fault).</summary>
    Fault = 2,
}

/// <summary>SMMU_S2CRn: what becomes of a stream mapping group (Arm IHI 0062, 9.6.34). 32 bits.</summary>
/// <param name="Value">Its bits.</param>
public readonly record struct StreamToContextRegister(uint Value)
{
    /// <summary>Translated by a context bank.</summary>
    /// <exception cref="System.ArgumentOutOfRangeException">The bank is not 0 to 255.</exception>
    public static StreamToContextRegister Translate(int bank) => bank is >= 0 and <= 255
        ? new StreamToContextRegister((uint)bank)
        : throw new System.ArgumentOutOfRangeException(nameof(bank), bank, "CBNDX has 8 bits.");

    /// <summary>Passed through.</summary>
    public static StreamToContextRegister Bypass => new(1u << 16);

    /// <summary>Faults.</summary>
    public static StreamToContextRegister Fault => new(2u << 16);

    /// <summary>TYPE, bits 17 to 16; 3 is reserved and behaves as <see cref="StreamToContextType.Fault"/> here.</summary>
    public StreamToContextType Type => (Value >> 16 & 3) switch
    {
        0 => StreamToContextType.Translation,
        1 => StreamToContextType.Bypass,
        _ => StreamToContextType.Fault,
    };

    /// <summary>CBNDX, bits 7 to 0: the context bank.</summary>
    public int Bank => (int)(Value & 0xFF);

    /// <summary>What accesses count as, whatever the device says: PRIVCFG, bits 25 to 24, 0b10 unprivileged and 0b11 privileged.</summary>
    public Privilege Override(Privilege privilege) => (Value >> 24 & 3) switch
    {
        2 => Privilege.User,
        3 => Privilege.Privileged,
        _ => privilege,
    };

    /// <summary>What reads count as, whatever the device says: INSTCFG, bits 27 to 26, 0b10 data and 0b11 instructions.</summary>
    public AccessRights Override(AccessRights access) => (Value >> 26 & 3) switch
    {
        2 when access == AccessRights.Execute => AccessRights.Read,
        3 when access == AccessRights.Read => AccessRights.Execute,
        _ => access,
    };
}
