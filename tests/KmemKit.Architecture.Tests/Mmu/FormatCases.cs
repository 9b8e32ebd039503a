using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mmu;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;
using static KmemKit.Architecture.Mmu.TranslationControls;

namespace KmemKit.Architecture.Tests.Mmu;

/// <summary>Formats under test: every one, and every control that changes what a descriptor means.</summary>
internal static class FormatCases
{
    private static readonly TranslationControls s_plain = X86Format<TwoLevel>.DefaultControls;

    public static IEnumerable<ITranslationFormat> All =>
    [
        .. TranslationFormats.All,
        new X86Format<TwoLevel>(32, s_plain & ~(PageSizeExtension | GlobalPages)), new X86Format<TwoLevel>(36, s_plain | Smep),
        new X86Format<Pae>(36, s_plain & ~NoExecute), new X86Format<Pae>(40, s_plain & ~WriteProtect),
        new X86Format<FourLevel>(40, s_plain & ~(NoExecute | GigabytePages)), new X86Format<FourLevel>(46, s_plain | Smep), new X86Format<FourLevel>(48, s_plain & ~WriteProtect),
        new X86Format<FiveLevel>(52, s_plain, 0x0007_0406_0007_0406),
        new Vmsav8Format<Granule4K>(39, 40, isUpper: true), new Vmsav8Format<Granule4K>(25, 32, controls: Wxn),
        new Vmsav8Format<Granule16K>(36, 36, controls: HierarchyDisabled), new Vmsav8Format<Granule16K>(47, 48, isUpper: true, controls: HardwareAccessed | HardwareDirty),
        new Vmsav8Format<Granule64K>(42, 48, controls: HardwareAccessed | HardwareDirty | Wxn), new Vmsav8Format<Granule64K>(48, 52),
        new Vmsav8Stage2Format<Granule4K>(40, 40, Xnx), new Vmsav8Stage2Format<Granule16K>(40, 42, HardwareAccessed), new Vmsav8Stage2Format<Granule64K>(32, 52),
        new ArmShortFormat(3, controls: AccessFlag | PrivilegedExecuteNever), new ArmShortFormat(1, isUpper: true, TexRemap | AccessFlag | PrivilegedExecuteNever),
        new ArmShortFormat(0, controls: None), new ArmShortFormat(2, controls: Wxn | Uwxn | PrivilegedExecuteNever),
        // Domain 0 client, 1 manager, 2 no access, 3 reserved.
        new ArmShortFormat(0, dacr: 0x5555_558d), new ArmShortFormat(0, controls: TexRemap, prrr: 0x0108_81a8, nmrr: 0x1234_9665),
        new ArmLpaeFormat(30), new ArmLpaeFormat(31, isUpper: true, controls: Wxn), new ArmLpaeFormat(25, controls: Uwxn),
        new ArmLpaeStage2Format(34), new ArmLpaeStage2Format(25),
        new SvFormat<Sv32>(HardwareAccessed | HardwareDirty), new SvFormat<Sv39>(Svnapot | Svpbmt), new SvFormat<Sv48>(Svpbmt), new SvFormat<Sv57>(Svnapot),
    ];

    /// <summary>Bits that a leaf of the shape puts out: fewer than the format's where only its largest leaf has room for more.</summary>
    public static int OutputBits(ITranslationFormat format, LeafShape shape) => format.Name switch
    {
        "x86-32" when shape.Level == 1 => 32,
        "arm-short" when shape.Bytes < 1 << 24 => 32,
        _ => format.OutputBits,
    };

    public static IEnumerable<(AccessRights Privileged, AccessRights User)> Rights =>
        from privileged in Enumerable.Range(0, 8) from user in Enumerable.Range(0, 8) select ((AccessRights)privileged, (AccessRights)user);

    /// <summary>Every named type and some that only an Arm MAIR can say.</summary>
    public static IEnumerable<MemoryType> Types => [.. System.Enum.GetValues<MemoryType>(), (MemoryType)0x14f, (MemoryType)0x1bf, (MemoryType)0x133];

    /// <summary>Attributes around a base, each property of a leaf varied alone, over all rights.</summary>
    public static IEnumerable<PageAttributes> Attributes(ITranslationFormat format)
    {
        var cached = format.TypeFor(MemoryUse.Cached);
        foreach (var (privileged, user) in Rights)
        {
            foreach (var type in Types)
            {
                foreach (var shareability in new[] { Shareability.None, Shareability.Outer, Shareability.Inner })
                    yield return new PageAttributes(privileged, user, type, shareability);
            }
            for (var flags = 0; flags < 16; flags++)
            {
                yield return new PageAttributes(privileged, user, cached)
                {
                    IsGlobal = (flags & 1) != 0, IsAccessed = (flags & 2) != 0, IsDirty = (flags & 4) != 0, IsNonSecure = (flags & 8) != 0,
                };
            }
            for (var domain = 0; domain < 17; domain++)
                yield return new PageAttributes(privileged, user, cached) { Domain = (byte)domain };
            for (var bit = 0; bit < 16; bit++)
                yield return new PageAttributes(privileged, user, cached) { Software = (ushort)(1 << bit) };
        }
    }
}
