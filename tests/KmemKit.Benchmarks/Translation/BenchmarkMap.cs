using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;

namespace KmemKit.Benchmarks.Translation;

/// <summary>A linear map to measure, and its macros in C.</summary>
internal sealed class BenchmarkMap
{
    private BenchmarkMap(string name, params (ulong Phys, ulong Virt, ulong Size)[] segments)
    {
        Name = name;
        Map = new LinearMap(
            [.. segments.Select(s => new LinearSegment(new PhysAddr(s.Phys), new VirtAddr(s.Virt), s.Size))],
            [.. segments.Select(s => new PhysRange(new PhysAddr(s.Phys), s.Size))]);
    }

    /// <summary>One bank; msm8974 with its largest hole not mapped; boards with more of them, on 1 MiB and on 16 MiB boundaries.</summary>
    public static BenchmarkMap[] All { get; } =
    [
        new("1 segment", (0x80000000, 0xc0000000, 0x26000000)),
        new("2 segments", (0, 0xc0000000, 0x7500000), (0x12000000, 0xc7600000, 0x1ea00000)),
        new("3 segments", (0, 0xc0000000, 0x7500000), (0x12000000, 0xc7600000, 0x10000000), (0x40300000, 0xd8000000, 0x10000000)),
        new("4 segments", (0, 0xc0000000, 0x7500000), (0x12000000, 0xc7600000, 0x8000000), (0x40300000, 0xd0000000, 0x8000000), (0x80500000, 0xd9000000, 0x8000000)),
        new("6 segments, 16 MiB", (0, 0xc0000000, 0x5000000), (0x12000000, 0xc6000000, 0x5000000), (0x40000000, 0xcc000000, 0x5000000), (0x53000000, 0xd2000000, 0x5000000), (0x80000000, 0xd8000000, 0x5000000), (0x93000000, 0xde000000, 0x5000000)),
        new("6 segments, 1 MiB", (0, 0xc0000000, 0x5000000), (0x12100000, 0xc6000000, 0x5000000), (0x40300000, 0xcc100000, 0x5000000), (0x53500000, 0xd2200000, 0x5000000), (0x80700000, 0xd8300000, 0x5000000), (0x93900000, 0xde400000, 0x5000000)),
    ];

    public string Name { get; }

    public LinearMap Map { get; }

    /// <summary>The macro as the msm kernel writes it, with one more arm for each hole more.</summary>
    public string PhysToVirtMacro() => Map.Segments.Reverse().Aggregate(string.Empty, (text, s) => Arm(text, s.Phys.Value, s.Virt.Value, s == Map.Segments[0]));

    /// <summary>The same the other way.</summary>
    public string VirtToPhysMacro() => Map.Segments.Reverse().Aggregate(string.Empty, (text, s) => Arm(text, s.Virt.Value, s.Phys.Value, s == Map.Segments[0]));

    public override string ToString() => Name;

    private static string Arm(string text, ulong from, ulong to, bool isLast) => isLast
        ? FormattableString.Invariant($"({text}(x) - 0x{from:x}u + 0x{to:x}u)")
        : FormattableString.Invariant($"{text}(x) >= 0x{from:x}u ? (x) - 0x{from:x}u + 0x{to:x}u : ");
}
