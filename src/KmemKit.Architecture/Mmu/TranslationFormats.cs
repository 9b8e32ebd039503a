using System;
using System.Collections.Immutable;
using KmemKit.Architecture.Mmu.Arm;
using KmemKit.Architecture.Mmu.RiscV;
using KmemKit.Architecture.Mmu.Vmsav8;
using KmemKit.Architecture.Mmu.X86;

namespace KmemKit.Architecture.Mmu;

/// <summary>All formats at their usual sizes, for code that picks one by name.</summary>
public static class TranslationFormats
{
    /// <summary>Each name once.</summary>
    public static ImmutableArray<ITranslationFormat> All { get; } =
    [
        default(X86Format<TwoLevel>), default(X86Format<Pae>), default(X86Format<FourLevel>), default(X86Format<FiveLevel>),
        default(Vmsav8Format<Granule4K>), default(Vmsav8Format<Granule16K>), default(Vmsav8Format<Granule64K>),
        default(Vmsav8Stage2Format<Granule4K>), default(Vmsav8Stage2Format<Granule16K>), default(Vmsav8Stage2Format<Granule64K>),
        default(ArmShortFormat), default(ArmLpaeFormat), default(ArmLpaeStage2Format),
        default(SvFormat<Sv32>), default(SvFormat<Sv39>), default(SvFormat<Sv48>), default(SvFormat<Sv57>),
    ];

    /// <summary>The format of that name, or null.</summary>
    public static ITranslationFormat? Find(string name)
    {
        foreach (var format in All)
        {
            if (string.Equals(format.Name, name, StringComparison.Ordinal))
                return format;
        }
        return null;
    }
}
