using System.Globalization;

namespace KmemKit.Architecture.Mmu;

/// <summary>
/// How memory behaves, in the terms of the architecture that translates. Each format knows its own family and refuses the others.
/// </summary>
/// <remarks>
/// Arm types are 0x100 plus the byte of MAIR that says them (ARM DDI 0487 D19.2.99), so that the inner and outer policies that have no name here are
/// values too: the outer one is the high nibble, the inner one the low. x86 types are 0x200 plus the encoding in PAT (Intel SDM volume 3, table 12-10).
/// RISC-V types are 0x300 plus the PBMT field (Svpbmt, privileged architecture chapter 8).
/// </remarks>
public enum MemoryType : ushort
{
    /// <summary>Nothing is said: no access, or a descriptor that carries no type.</summary>
    Unspecified = 0,

    /// <summary>Arm Device-nGnRnE; Strongly-ordered before Armv8.</summary>
    DeviceNGnRnE = 0x100,

    /// <summary>Arm Device-nGnRE; Device before Armv8.</summary>
    DeviceNGnRE = 0x104,

    /// <summary>Arm Device-nGRE.</summary>
    DeviceNGRE = 0x108,

    /// <summary>Arm Device-GRE.</summary>
    DeviceGRE = 0x10c,

    /// <summary>Arm Normal, inner and outer non-cacheable.</summary>
    NormalNonCacheable = 0x144,

    /// <summary>Arm Normal, write-through, allocates on reads only.</summary>
    NormalWriteThrough = 0x1aa,

    /// <summary>Arm Normal, write-through, allocates on reads and writes.</summary>
    NormalWriteThroughWriteAllocate = 0x1bb,

    /// <summary>Arm Normal, write-back, allocates on reads only.</summary>
    NormalWriteBack = 0x1ee,

    /// <summary>Arm Normal, write-back, allocates on reads and writes.</summary>
    NormalWriteBackWriteAllocate = 0x1ff,

    /// <summary>x86 UC: strong uncacheable.</summary>
    Uncacheable = 0x200,

    /// <summary>x86 WC: write-combining.</summary>
    WriteCombining = 0x201,

    /// <summary>x86 WT: write-through.</summary>
    WriteThrough = 0x204,

    /// <summary>x86 WP: write-protected.</summary>
    WriteProtected = 0x205,

    /// <summary>x86 WB: write-back.</summary>
    WriteBack = 0x206,

    /// <summary>x86 UC-: uncacheable, and an MTRR may make it write-combining.</summary>
    UncacheableMinus = 0x207,

    /// <summary>RISC-V PMA: as the platform's physical memory attributes say.</summary>
    Pma = 0x300,

    /// <summary>RISC-V Svpbmt NC: main memory, not cacheable, idempotent, weakly ordered.</summary>
    Nc = 0x301,

    /// <summary>RISC-V Svpbmt IO: not cacheable, not idempotent, strongly ordered.</summary>
    Io = 0x302,
}

/// <summary>What memory is for, where the architecture is left open; <see cref="ITranslationFormat.TypeFor"/> gives the type.</summary>
public enum MemoryUse : byte
{
    /// <summary>RAM with the caches in full use.</summary>
    Cached,

    /// <summary>RAM whose writes reach memory at once.</summary>
    WriteThrough,

    /// <summary>RAM or a frame buffer, not cached, writes may be merged.</summary>
    WriteCombining,

    /// <summary>Registers, writes may be acknowledged early.</summary>
    Device,

    /// <summary>Registers, nothing gathered, reordered or acknowledged early.</summary>
    StrictDevice,
}

/// <summary>Families and text of <see cref="MemoryType"/>.</summary>
public static class MemoryTypes
{
    /// <summary>Whether it is one of Arm's types.</summary>
    public static bool IsArm(this MemoryType type) => ((int)type >> 8) == 1;

    /// <summary>Whether it is one of x86's types.</summary>
    public static bool IsX86(this MemoryType type) => ((int)type >> 8) == 2;

    /// <summary>Whether it is one of RISC-V's types.</summary>
    public static bool IsRiscV(this MemoryType type) => ((int)type >> 8) == 3;

    /// <summary>Whether accesses have side effects that forbid speculation and merging: Arm Device, x86 UC and UC-, RISC-V IO.</summary>
    public static bool IsDevice(this MemoryType type) =>
        (type.IsArm() && ((int)type & 0xf0) == 0) || type is MemoryType.Uncacheable or MemoryType.UncacheableMinus or MemoryType.Io;

    /// <summary>Whether it is Arm Normal memory.</summary>
    public static bool IsNormal(this MemoryType type) => type.IsArm() && ((int)type & 0xf0) != 0;

    /// <summary>
    /// The field's name in lower case, such as <c>device-nGnRE</c>, <c>normal-wb</c>, <c>uc-</c>, <c>io</c>; an Arm policy without a name as
    /// <c>normal-0x4f</c>; empty for <see cref="MemoryType.Unspecified"/>.
    /// </summary>
    public static string ToText(this MemoryType type) => type switch
    {
        MemoryType.Unspecified => "",
        MemoryType.DeviceNGnRnE => "device-nGnRnE",
        MemoryType.DeviceNGnRE => "device-nGnRE",
        MemoryType.DeviceNGRE => "device-nGRE",
        MemoryType.DeviceGRE => "device-GRE",
        MemoryType.NormalNonCacheable => "normal-nc",
        MemoryType.NormalWriteThrough => "normal-wt",
        MemoryType.NormalWriteThroughWriteAllocate => "normal-wt-wa",
        MemoryType.NormalWriteBack => "normal-wb",
        MemoryType.NormalWriteBackWriteAllocate => "normal-wb-wa",
        MemoryType.Uncacheable => "uc",
        MemoryType.WriteCombining => "wc",
        MemoryType.WriteThrough => "wt",
        MemoryType.WriteProtected => "wp",
        MemoryType.WriteBack => "wb",
        MemoryType.UncacheableMinus => "uc-",
        MemoryType.Pma => "pma",
        MemoryType.Nc => "nc",
        MemoryType.Io => "io",
        _ => (type.IsNormal() ? "normal-0x" : "device-0x") + ((int)type & 0xff).ToString("x2", CultureInfo.InvariantCulture),
    };
}
