using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>
/// Which kernels a processor can run, by its <c>compatible</c> (Documentation/devicetree/bindings/arm/cpus.yaml, riscv/cpus.yaml, and what 32-bit
/// x86 and Zephyr trees write). The first architecture of a row is the one that is assumed where the policy says nothing.
/// </summary>
internal static class ArchitectureTable
{
    private static readonly ImmutableArray<TargetArchitecture> s_arm = [TargetArchitecture.Arm];
    private static readonly ImmutableArray<TargetArchitecture> s_arm64 = [TargetArchitecture.Arm64];

    // Cores with AArch32 at EL1: a 32-bit kernel runs on them as well.
    private static readonly ImmutableArray<TargetArchitecture> s_arm64And32 = [TargetArchitecture.Arm64, TargetArchitecture.Arm];
    private static readonly ImmutableArray<TargetArchitecture> s_x86 = [TargetArchitecture.X86];
    private static readonly ImmutableArray<TargetArchitecture> s_x64And32 = [TargetArchitecture.X64, TargetArchitecture.X86];
    private static readonly ImmutableArray<TargetArchitecture> s_riscV32 = [TargetArchitecture.RiscV32];
    private static readonly ImmutableArray<TargetArchitecture> s_riscV64 = [TargetArchitecture.RiscV64];

    // Starts of compatible strings; the longest that fits decides, so that cortex-a53 does not fall to cortex-a5.
    private static readonly (string Start, ImmutableArray<TargetArchitecture> Runs)[] s_cores =
    [
        ("arm,arm7", s_arm), ("arm,arm8", s_arm), ("arm,arm9", s_arm), ("arm,arm10", s_arm), ("arm,arm11", s_arm), ("arm,sa11", s_arm),
        ("arm,armv4", s_arm), ("arm,armv5", s_arm), ("arm,armv6", s_arm), ("arm,armv7", s_arm), ("arm,armv8", s_arm64And32), ("arm,armv8-m", s_arm),
        ("arm,armv8.1-m", s_arm), ("arm,armv9", s_arm64), ("arm,v8-m", s_arm),
        ("arm,cortex-a5", s_arm), ("arm,cortex-a7", s_arm), ("arm,cortex-a8", s_arm), ("arm,cortex-a9", s_arm), ("arm,cortex-a12", s_arm),
        ("arm,cortex-a15", s_arm), ("arm,cortex-a17", s_arm), ("arm,cortex-a32", s_arm),
        ("arm,cortex-a34", s_arm64), ("arm,cortex-a35", s_arm64And32), ("arm,cortex-a53", s_arm64And32), ("arm,cortex-a55", s_arm64),
        ("arm,cortex-a57", s_arm64And32), ("arm,cortex-a65", s_arm64), ("arm,cortex-a510", s_arm64), ("arm,cortex-a520", s_arm64),
        ("arm,cortex-a72", s_arm64And32), ("arm,cortex-a73", s_arm64And32), ("arm,cortex-a75", s_arm64), ("arm,cortex-a76", s_arm64),
        ("arm,cortex-a77", s_arm64), ("arm,cortex-a78", s_arm64), ("arm,cortex-a710", s_arm64), ("arm,cortex-a715", s_arm64),
        ("arm,cortex-a720", s_arm64), ("arm,cortex-a725", s_arm64), ("arm,cortex-x", s_arm64), ("arm,neoverse", s_arm64),
        ("arm,foundation-aarch64", s_arm64), ("arm,rtsm_ve-aem", s_arm64And32),
        ("arm,cortex-m", s_arm), ("arm,cortex-r", s_arm), ("arm,cortex-r82", s_arm64), ("arm,sc", s_arm), ("arm,xscale", s_arm),
        ("intel,sa1100", s_arm), ("intel,xscale", s_arm), ("faraday,fa", s_arm),
        ("marvell,feroceon", s_arm), ("marvell,mohawk", s_arm), ("marvell,pj4", s_arm), ("marvell,sheeva", s_arm), ("marvell,88f", s_arm),
        ("qcom,krait", s_arm), ("qcom,scorpion", s_arm), ("qcom,kryo", s_arm64), ("qcom,oryon", s_arm64), ("qcom,falkor", s_arm64),
        ("brcm,brahma-b15", s_arm), ("brcm,brahma-b53", s_arm64And32), ("brcm,vulcan", s_arm64), ("cavium,thunder", s_arm64),
        ("nvidia,tegra132-denver", s_arm64And32), ("nvidia,tegra186-denver", s_arm64And32), ("nvidia,tegra194-carmel", s_arm64),
        ("apm,potenza", s_arm64), ("apm,strega", s_arm64), ("samsung,mongoose", s_arm64), ("apple,swift", s_arm), ("apple,", s_arm64),
        ("ampere,", s_arm64), ("fujitsu,a64fx", s_arm64), ("hisilicon,tsv110", s_arm64),
        ("intel,x86_64", s_x64And32), ("intel,x86-64", s_x64And32), ("intel,x86", s_x86), ("intel,i386", s_x86), ("intel,i486", s_x86),
        ("intel,i586", s_x86), ("intel,i686", s_x86), ("intel,486", s_x86), ("intel,pentium", s_x86), ("intel,ce4100", s_x86),
        ("intel,lakemont", s_x86), ("intel,quark", s_x86), ("intel,atom", s_x64And32), ("intel,core", s_x64And32), ("intel,xeon", s_x64And32),
        ("intel,apollo-lake", s_x64And32), ("intel,elkhart-lake", s_x64And32), ("intel,alder-lake", s_x64And32), ("amd,x86_64", s_x64And32),
        ("amd,zen", s_x64And32), ("qemu,x86_64", s_x64And32), ("x86_64", s_x64And32), ("amd,geode", s_x86),
    ];

    // Roots that say the architecture where no cpu node does.
    private static readonly (string Start, TargetArchitecture Architecture)[] s_boards =
    [
        ("riscv-virtio", TargetArchitecture.RiscV64), ("intel,pc", TargetArchitecture.X86), ("intel,ce4100", TargetArchitecture.X86),
        ("arm,integrator", TargetArchitecture.Arm), ("arm,versatile", TargetArchitecture.Arm), ("arm,realview", TargetArchitecture.Arm),
        ("arm,mps2", TargetArchitecture.Arm), ("arm,mps3", TargetArchitecture.Arm), ("qcom,msm8974", TargetArchitecture.Arm),
        ("qcom,msm8960", TargetArchitecture.Arm), ("qcom,msm8660", TargetArchitecture.Arm), ("qcom,msm7", TargetArchitecture.Arm),
        ("qcom,apq8064", TargetArchitecture.Arm), ("qcom,apq8074", TargetArchitecture.Arm), ("mrvl,pxa", TargetArchitecture.Arm),
        ("mrvl,mmp", TargetArchitecture.Arm),
    ];

    // Parts of the core itself: the trees of microcontrollers have no cpu node, but an NVIC and a SysTick, which nothing else than an M-profile core has.
    private static readonly string[] s_coreParts =
        ["arm,armv6m-", "arm,armv7m-", "arm,armv8m-", "arm,v6m-nvic", "arm,v7m-nvic", "arm,v8m-nvic", "arm,v8.1m-nvic"];

    // mmu-type of Documentation/devicetree/bindings/riscv/cpus.yaml.
    private const string NoMmu = "riscv,none";

    // Cores without an MMU. ARM946E-S and its kin have an MPU, ARM7TDMI and its kin nothing; Cortex-R82 has an MMU as well.
    private static readonly string[] s_coresWithoutMmu =
    [
        "arm,cortex-m", "arm,armv6-m", "arm,armv6m", "arm,armv7-m", "arm,armv7m", "arm,armv7e-m", "arm,armv8-m", "arm,armv8m", "arm,armv8.1-m",
        "arm,v8-m", "arm,sc000", "arm,sc300", "arm,cortex-r4", "arm,cortex-r5", "arm,cortex-r7", "arm,cortex-r8", "arm,cortex-r52",
        "arm,arm7tdmi", "arm,arm740", "arm,arm9tdmi", "arm,arm940", "arm,arm946", "arm,arm966", "arm,arm968", "arm,arm996",
    ];

    /// <summary>Whether the board's processors are known to have no MMU.</summary>
    public static bool LacksMmu(IEnumerable<BoardCpu> cpus, DeviceTreeNode root)
    {
        var any = false;
        foreach (var cpu in cpus)
        {
            any = true;
            if (cpu.MmuType != NoMmu && !cpu.Compatible.Any(name => Longest(s_coresWithoutMmu, name) is not null))
                return false;
        }
        return any || root.DescendantsAndSelf().Any(node => IsPartOfArmCore(node.Property("compatible").ReadStrings()));
    }

    /// <summary>What the processor can run, the likeliest first; empty where it is not known.</summary>
    public static ImmutableArray<TargetArchitecture> OfCpu(BoardCpu cpu)
    {
        if (cpu.Isa is { } isa && isa.StartsWith("rv", StringComparison.OrdinalIgnoreCase))
            return isa.StartsWith("rv32", StringComparison.OrdinalIgnoreCase) ? s_riscV32 : s_riscV64;
        foreach (var compatible in cpu.Compatible)
        {
            if (Longest(s_cores.Select(c => c.Start), compatible) is { } start)
                return s_cores.First(c => c.Start == start).Runs;
        }
        return cpu.Compatible.Contains("riscv") ? s_riscV64 : [];
    }

    /// <summary>What the root's <c>compatible</c> tells; <see cref="TargetArchitecture.Unknown"/> where it tells nothing.</summary>
    public static TargetArchitecture OfBoard(IEnumerable<string> compatible)
    {
        foreach (var name in compatible)
        {
            if (Longest(s_boards.Select(b => b.Start), name) is { } start)
                return s_boards.First(b => b.Start == start).Architecture;
        }
        return TargetArchitecture.Unknown;
    }

    /// <summary>Whether a node is a part of an Arm M-profile core.</summary>
    public static bool IsPartOfArmCore(IEnumerable<string> compatible) =>
        compatible.Any(name => s_coreParts.Any(part => name.StartsWith(part, StringComparison.Ordinal)));

    private static string? Longest(IEnumerable<string> starts, string compatible)
    {
        string? longest = null;
        foreach (var start in starts)
        {
            if (compatible.StartsWith(start, StringComparison.Ordinal) && start.Length > (longest?.Length ?? 0))
                longest = start;
        }
        return longest;
    }
}
