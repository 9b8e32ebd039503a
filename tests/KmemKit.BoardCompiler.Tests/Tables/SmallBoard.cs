using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.KernelMaps;
using KmemKit.BoardCompiler.Sources;
using NUnit.Framework;

namespace KmemKit.BoardCompiler.Tests.Tables;

/// <summary>Boards of one processor and 256 MiB, and what their kernels have mapped.</summary>
internal static class SmallBoard
{
    public const string Arm64 = "CONFIG_ARM64=y\nCONFIG_LINUX_VERSION=\"6.1\"\nCONFIG_ARM64_VA_BITS=48\n";
    public const string Arm = "CONFIG_ARM=y\nCONFIG_LINUX_VERSION=\"6.1\"\nCONFIG_HIGHMEM=y\n";
    public const string ArmImage = "CONFIG_KERNEL_TEXT=\"0xc0100000-0xc0200000\"\nCONFIG_KERNEL_RODATA=\"0xc0200000-0xc0300000\"\n"
        + "CONFIG_KERNEL_INIT=\"0xc0300000-0xc0400000\"\nCONFIG_KERNEL_INIT_TEXT=\"0xc0300000-0xc0380000\"\nCONFIG_KERNEL_DATA=\"0xc0400000-0xc0480000\"\n";

    /// <summary>What privileged code may do at a virtual address; null where nothing is mapped.</summary>
    public static string? Rights(KernelMap map, ulong address) => map.At(new VirtAddr(address))?.Attributes.Privileged.ToText();

    public static KernelMap Map(string cpu, ulong ram, string policy, string extra = "") => Map(Compile(cpu, ram, policy, extra), new KernelMapOptions());

    public static KernelMap Map(BoardCompilation compilation, KernelMapOptions options)
    {
        var result = KernelMapPlanner.Plan(compilation.Layout!, options);
        Assert.That(result.Map, Is.Not.Null, string.Join("\n", result.Diagnostics));
        return result.Map!;
    }

    public static BoardCompilation Compile(string cpu, ulong ram, string policy, string extra) => Compile(cpu, policy, [(ram, 0x10000000)], extra);

    /// <param name="cpu"><c>compatible</c> of the processor.</param>
    /// <param name="policy">The defconfig.</param>
    /// <param name="banks">Start and bytes of each bank.</param>
    /// <param name="extra">Further nodes.</param>
    /// <param name="cells">#address-cells and #size-cells of the root.</param>
    public static BoardCompilation Compile(string cpu, string policy, (ulong Start, ulong Bytes)[] banks, string extra = "", int cells = 1)
    {
        var reg = string.Join(' ', banks.SelectMany(b => new[] { Cells(b.Start), Cells(b.Bytes) }));
        var source = $"/dts-v1/; / {{ #address-cells = <{cells}>; #size-cells = <{cells}>; compatible = \"test,board\"; cpus {{ #address-cells = <1>; #size-cells = <0>;"
            + $" cpu@0 {{ device_type = \"cpu\"; compatible = \"{cpu}\"; reg = <0>; }}; }}; memory@{banks[0].Start:x} {{ device_type = \"memory\"; reg = <{reg}>; }}; {extra} }};";
        var compilation = BoardPipeline.Compile(new BoardInput(new SourceFile("test.dts", source)) { Defconfig = new SourceFile("test_defconfig", policy), RequireLayout = true });
        Assert.That(compilation.HasErrors, Is.False, string.Join("\n", compilation.Diagnostics));
        return compilation;

        string Cells(ulong value) => cells == 1 ? FormattableString.Invariant($"0x{value:x}") : FormattableString.Invariant($"0x{value >> 32:x} 0x{value & uint.MaxValue:x}");
    }
}
