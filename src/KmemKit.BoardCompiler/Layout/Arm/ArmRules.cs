using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Arm;

/// <summary>How a 32-bit Arm kernel decides which RAM is lowmem.</summary>
internal enum LowmemRule
{
    /// <summary>sanity_check_meminfo over meminfo in the firmware's order (up to 3.2): the first bank that is highmem makes all later ones highmem.</summary>
    MeminfoUnsorted,

    /// <summary>sanity_check_meminfo over meminfo, sorted first (3.3 to 3.15).</summary>
    MeminfoSorted,

    /// <summary>sanity_check_meminfo over memblock (3.16 to 4.10).</summary>
    Memblock,

    /// <summary>adjust_lowmem_bounds, before and after the platform took its part (from 4.11).</summary>
    AdjustLowmemBounds,
}

/// <summary>How vmalloc= turns into vmalloc_min.</summary>
internal enum VmallocRule
{
    /// <summary>Up to 3.2: VMALLOC_END - N, by default N = 128 MiB or CONFIG_VMALLOC_RESERVE.</summary>
    Reserve,

    /// <summary>3.3 to 5.13: VMALLOC_END - N, by default 240 MiB and the 8 MiB of VMALLOC_OFFSET on top.</summary>
    OffsetInDefaultOnly,

    /// <summary>From 5.14: VMALLOC_END - N - 8 MiB, by default N = 240 MiB.</summary>
    OffsetAlways,
}

/// <summary>
/// What changed from release to release in the layout of 32-bit Arm: arch/arm/mm/mmu.c, arch/arm/mm/init.c, arch/arm/kernel/setup.c,
/// arch/arm/include/asm/{memory,pgtable,fixmap}.h of 2.6.32 to 6.9.
/// </summary>
internal sealed record ArmRules
{
    public const ulong VmallocOffset = 8UL << 20;
    public const ulong PmdSize = 2UL << 20;
    public const ulong SectionSize = 1UL << 20;

    public static readonly LinuxVersion Oldest = new(2, 6, 32);
    public static readonly LinuxVersion Newest = new(6, 9);

    public required LowmemRule Lowmem { get; init; }

    public required VmallocRule Vmalloc { get; init; }

    /// <summary>VMALLOC_END where it is one for all platforms; 0 where each platform has its own.</summary>
    public required ulong VmallocEnd { get; init; }

    public required ulong FixmapStart { get; init; }

    public required ulong FixmapEnd { get; init; }

    /// <summary>The DMA line of the consistent memory area.</summary>
    public required bool PrintsDma { get; init; }

    /// <summary>.init .text .data up to 3.0, .text .init .data from 3.1.</summary>
    public required bool InitBeforeText { get; init; }

    /// <summary>From 3.14, memory below PHYS_OFFSET is dropped when it is added.</summary>
    public required bool DropsBelowPhysOffset { get; init; }

    /// <summary>From 5.12, a no-map region stays known as NOMAP; before, it is removed.</summary>
    public required bool MarksNoMap { get; init; }

    /// <summary>From 5.4, what lies in front of the first whole PMD is marked NOMAP.</summary>
    public required bool StartsAtPmd { get; init; }

    /// <summary>From 5.14, the messages say MiB.</summary>
    public string MegabyteWord => Vmalloc == VmallocRule.OffsetAlways ? "MiB" : "MB";

    public static ArmRules For(LinuxVersion version) => new()
    {
        Lowmem = version < new LinuxVersion(3, 3) ? LowmemRule.MeminfoUnsorted
            : version < new LinuxVersion(3, 16) ? LowmemRule.MeminfoSorted
            : version < new LinuxVersion(4, 11) ? LowmemRule.Memblock
            : LowmemRule.AdjustLowmemBounds,
        Vmalloc = version < new LinuxVersion(3, 3) ? VmallocRule.Reserve
            : version < new LinuxVersion(5, 14) ? VmallocRule.OffsetInDefaultOnly
            : VmallocRule.OffsetAlways,
        VmallocEnd = version < new LinuxVersion(3, 3) ? 0
            : version < new LinuxVersion(4, 3) ? 0xff00_0000
            : 0xff80_0000,
        FixmapStart = version < new LinuxVersion(3, 15) ? 0xfff0_0000 : 0xffc0_0000,
        FixmapEnd = version < new LinuxVersion(3, 15) ? 0xfffe_0000
            : version < new LinuxVersion(3, 19) ? 0xffe0_0000
            : 0xfff0_0000,
        PrintsDma = version < new LinuxVersion(3, 2),
        InitBeforeText = version < new LinuxVersion(3, 1),
        DropsBelowPhysOffset = version >= new LinuxVersion(3, 14),
        MarksNoMap = version >= new LinuxVersion(5, 12),
        StartsAtPmd = version >= new LinuxVersion(5, 4),
    };
}
