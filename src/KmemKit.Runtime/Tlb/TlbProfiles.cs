using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Tlb;

/// <summary>The TLB of a board's CPU, by its <c>compatible</c>.</summary>
public static class TlbProfiles
{
    /// <summary>The profile of a CPU; of one that is not known that of a usual one of its architecture.</summary>
    /// <param name="architecture">The architecture.</param>
    /// <param name="compatible">The cpu node's strings.</param>
    public static TlbProfile Of(TargetArchitecture architecture, IEnumerable<string> compatible)
    {
        ArgumentNullException.ThrowIfNull(compatible);
        foreach (var name in compatible)
        {
            if (Known(name) is { } known)
                return known;
        }
        return architecture switch
        {
            TargetArchitecture.Arm => TlbProfile.CortexA15,
            TargetArchitecture.Arm64 => TlbProfile.CortexA53,
            TargetArchitecture.X86 => TlbProfile.PentiumPro,
            TargetArchitecture.X64 => TlbProfile.Skylake,
            _ => TlbProfile.SiFiveU54,
        };
    }

    private static TlbProfile? Known(string name) => name switch
    {
        "arm,cortex-a7" => TlbProfile.CortexA7,
        "arm,cortex-a9" => TlbProfile.CortexA9,
        "arm,cortex-a15" => TlbProfile.CortexA15,
        "arm,cortex-a53" => TlbProfile.CortexA53,
        "arm,cortex-a72" => TlbProfile.CortexA72,
        "sifive,u54" or "sifive,u54-mc" => TlbProfile.SiFiveU54,
        "sifive,u74" or "sifive,u74-mc" => TlbProfile.SiFiveU74,
        _ => null,
    };
}
