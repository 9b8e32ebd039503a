using System;
using System.Collections.Immutable;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.Architecture.Mpu.Pmsav5;
using KmemKit.Architecture.Mpu.Pmsav7;
using KmemKit.Architecture.Mpu.Pmsav8;

namespace KmemKit.Architecture.Mpu;

/// <summary>All formats, oldest first; PMP with the finest granularity.</summary>
public static class MpuFormats
{
    /// <summary>Each format once.</summary>
    public static ImmutableArray<MpuFormat> All { get; } =
    [
        Pmsav5Format.Arm740T, Pmsav5Format.Arm940T, Pmsav5Format.Arm946ES, Pmsav5Format.Arm1026EJS,
        Pmsav7Format.PmsaV6, Pmsav7Format.PmsaV7R, Pmsav7Format.PmsaV7M,
        Pmsav8Format.PmsaV8M, Pmsav8Format.PmsaV8R, Pmsav8Format.PmsaV8REl2, Pmsav8Format.PmsaV8R64, Pmsav8Format.PmsaV8R64El2,
        PmpFormat.Rv32, PmpFormat.Rv64,
    ];

    /// <summary>The format of that name, or null.</summary>
    public static MpuFormat? Find(string name)
    {
        foreach (var format in All)
        {
            if (string.Equals(format.Name, name, StringComparison.Ordinal))
                return format;
        }
        return null;
    }
}
