using System;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Devicetree;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Rules = KmemKit.BoardCompiler.Diagnostics.DiagnosticTable.Mpu;

namespace KmemKit.BoardCompiler.Boards;

/// <summary>Finds the board's memory protection unit.</summary>
/// <remarks>
/// The format is that of the first processor that is known to have one; the protection node's <c>mpu</c> overrides it. The number of regions is the
/// core's where the core fixes it, else <c>arm,num-mpu-regions</c> of an <c>mpu</c> node (Zephyr, dts/bindings/mmu_mpu/arm,armv7m-mpu.yaml), else
/// <c>regions</c> of the protection node; <c>granule</c> there is the granularity of a RISC-V PMP in bytes.
/// </remarks>
internal static class MpuReader
{
    // Starts of compatible strings; the longest that fits decides. Counts: the technical reference manuals; null where the implementer chooses.
    private static readonly (string Start, string? Format, int? Regions)[] s_cores =
    [
        ("arm,arm740", "arm740t", null), ("arm,arm940", "arm940t", null), ("arm,arm946", "arm946e-s", null), ("arm,arm1026", "arm1026ej-s", null),
        ("arm,arm1156", "pmsav6", null), ("arm,cortex-r4", "pmsav7-r", null), ("arm,cortex-r5", "pmsav7-r", null), ("arm,cortex-r7", "pmsav7-r", null),
        ("arm,cortex-r8", "pmsav7-r", null), ("arm,cortex-r52", "pmsav8-r", null), ("arm,cortex-r82", "pmsav8-r64", null),
        ("arm,cortex-m0", null, null), ("arm,cortex-m0+", "pmsav7-m", 8), ("arm,cortex-m0plus", "pmsav7-m", 8), ("arm,cortex-m1", null, null),
        ("arm,cortex-m3", "pmsav7-m", 8), ("arm,cortex-m4", "pmsav7-m", 8), ("arm,cortex-m7", "pmsav7-m", null), ("arm,sc000", "pmsav7-m", 8),
        ("arm,sc300", "pmsav7-m", 8), ("arm,cortex-m23", "pmsav8-m", null), ("arm,cortex-m33", "pmsav8-m", null), ("arm,cortex-m35p", "pmsav8-m", null),
        ("arm,cortex-m52", "pmsav8-m", null), ("arm,cortex-m55", "pmsav8-m", null), ("arm,cortex-m85", "pmsav8-m", null),
    ];

    private static readonly (string Compatible, string Format)[] s_units =
    [
        ("arm,armv6m-mpu", "pmsav7-m"), ("arm,armv7m-mpu", "pmsav7-m"), ("arm,armv8m-mpu", "pmsav8-m"), ("arm,armv8.1m-mpu", "pmsav8-m"),
    ];

    /// <summary>The unit, or null where nothing is known of one.</summary>
    public static BoardMpu? Read(DeviceTreeNode root, ImmutableArray<BoardCpu> cpus, DeviceTreeNode? protection, DiagnosticBag diagnostics)
    {
        var mpu = OfProcessor(cpus);
        if (OfUnit(root, diagnostics) is { } unit)
            mpu = new BoardMpu(mpu?.Format ?? unit.Format, unit.RegionCount ?? mpu?.RegionCount, unit.Span);
        return protection is null ? mpu : WithPolicy(protection, mpu, diagnostics);
    }

    private static BoardMpu? OfProcessor(ImmutableArray<BoardCpu> cpus)
    {
        foreach (var cpu in cpus)
        {
            if (cpu.Isa is { } isa && isa.StartsWith("rv", StringComparison.OrdinalIgnoreCase))
                return new BoardMpu(isa.StartsWith("rv32", StringComparison.OrdinalIgnoreCase) ? PmpFormat.Rv32 : PmpFormat.Rv64, null, cpu.Span);
            foreach (var compatible in cpu.Compatible)
            {
                var core = s_cores.Where(c => compatible.StartsWith(c.Start, StringComparison.Ordinal)).OrderByDescending(c => c.Start.Length).FirstOrDefault();
                if (core.Format is { } name && MpuFormats.Find(name) is { } format)
                    return new BoardMpu(format, format.FixedRegionCount ?? core.Regions, cpu.Span);
            }
        }
        return null;
    }

    private static BoardMpu? OfUnit(DeviceTreeNode root, DiagnosticBag diagnostics)
    {
        foreach (var node in root.DescendantsAndSelf())
        {
            var compatible = node.Property("compatible").ReadStrings();
            var unit = s_units.FirstOrDefault(u => compatible.Contains(u.Compatible));
            if (unit.Format is null || !node.IsEnabled() || MpuFormats.Find(unit.Format) is not { } format)
                continue;
            var regions = node.Property("arm,num-mpu-regions");
            return new BoardMpu(format, regions is null ? null : Count(regions, node, format, diagnostics), regions?.Span ?? node.Span);
        }
        return null;
    }

    private static BoardMpu? WithPolicy(DeviceTreeNode protection, BoardMpu? mpu, DiagnosticBag diagnostics)
    {
        if (protection.Property("mpu") is { } named)
        {
            if (named.ReadString() is { } name && MpuFormats.Find(name) is { } format)
                mpu = new BoardMpu(format, format.FixedRegionCount ?? (ReferenceEquals(format, mpu?.Format) ? mpu?.RegionCount : null), named.Span);
            else
                diagnostics.Add(Rules.UnknownMpu, named.SpanAt(0), named.ReadString() ?? "", string.Join(", ", MpuFormats.All.Select(f => f.Name)));
        }
        if (mpu is null)
            return null;
        if (protection.Property("granule") is { } granule)
        {
            if (mpu.Format is PmpFormat pmp && granule.TryReadU64(out var bytes) && Alignment.IsPowerOfTwo(bytes) && bytes is >= 4 and <= 1UL << 32)
                mpu = mpu with { Format = new PmpFormat(pmp.RegisterBits, bytes) };
            else
                diagnostics.Add(Rules.BadGranule, granule.SpanAt(0), protection.Path, mpu.Format.Name);
        }
        if (protection.Property("regions") is { } regions && Count(regions, protection, mpu.Format, diagnostics) is { } count)
            mpu = mpu with { RegionCount = count, Span = regions.Span };
        return mpu;
    }

    private static int? Count(DeviceTreeProperty property, DeviceTreeNode node, MpuFormat format, DiagnosticBag diagnostics)
    {
        if (property.TryReadU32(out var count) && count > 0 && count <= format.MaximumRegionCount && (format.FixedRegionCount is not { } known || count == known))
            return (int)count;
        diagnostics.Add(Rules.BadRegionCount, property.SpanAt(0), property.Name, node.Path, format.Name,
            format.FixedRegionCount is { } only ? $"exactly {only}" : $"1 to {format.MaximumRegionCount}");
        return null;
    }
}
