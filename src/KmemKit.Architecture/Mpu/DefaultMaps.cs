namespace KmemKit.Architecture.Mpu;

/// <summary>The default memory maps that privileged code may keep behind the regions.</summary>
internal static class DefaultMaps
{
    /// <summary>The registers of the core itself (ARM DDI 0403E B3.1, ARM DDI 0553 B7).</summary>
    public static PhysRange PrivatePeripheralBus { get; } = new(new PhysAddr(0xe000_0000), 0x10_0000);

    /// <summary>System space: always execute-never.</summary>
    public static PhysRange SystemSpace { get; } = new(new PhysAddr(0xe000_0000), 0x2000_0000);

    /// <summary>Armv6-M to Armv8-M: ARM DDI 0403E table B3-1, ARM DDI 0553 table B7-1. Half a gigabyte a row.</summary>
    public static MpuAttributes OfMProfile(ulong address) => (address >> 29) switch
    {
        0 => Memory(AccessRights.All, MpuMemoryType.NormalWriteThrough, false),
        1 or 3 => Memory(AccessRights.All, MpuMemoryType.NormalWriteBackWriteAllocate, false),
        4 => Memory(AccessRights.All, MpuMemoryType.NormalWriteThrough, false),
        2 => Memory(AccessRights.ReadWrite, MpuMemoryType.Device, false),
        5 => Memory(AccessRights.ReadWrite, MpuMemoryType.Device, true),
        6 => Memory(AccessRights.ReadWrite, MpuMemoryType.Device, false),
        _ => PrivatePeripheralBus.Contains(new PhysAddr(address))
            ? Memory(AccessRights.ReadWrite, MpuMemoryType.StronglyOrdered, true)
            : Memory(AccessRights.ReadWrite, MpuMemoryType.Device, false),
    };

    /// <summary>
    /// The R profile: ARM DDI 0406C table B5-1 with caches on and HIVECS 0; ARM DDI 0568A C1.3 and ARM DDI 0600B C1.3 keep it for Armv8-R. Above
    /// 4 GiB, which only Armv8-R AArch64 has, it is IMPLEMENTATION DEFINED; not executable is what is assumed.
    /// </summary>
    public static MpuAttributes OfRProfile(ulong address)
    {
        if (address < 0x4000_0000)
            return Memory(AccessRights.All, MpuMemoryType.NormalWriteBackWriteAllocate, false);
        if (address < 0x6000_0000)
            return Memory(AccessRights.All, MpuMemoryType.NormalWriteThrough, false);
        if (address < 0x8000_0000)
            return Memory(AccessRights.All, MpuMemoryType.NormalNonCacheable, true);
        if (address < 0xa000_0000)
            return Memory(AccessRights.ReadWrite, MpuMemoryType.Device, false);
        return address < 0xc000_0000
            ? Memory(AccessRights.ReadWrite, MpuMemoryType.Device, true)
            : Memory(AccessRights.ReadWrite, MpuMemoryType.StronglyOrdered, true);
    }

    private static MpuAttributes Memory(AccessRights privileged, MpuMemoryType type, bool shareable) => new(privileged, 0, type, shareable);
}
