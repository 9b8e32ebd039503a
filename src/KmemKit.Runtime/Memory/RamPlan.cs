using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.Runtime.Memory;

/// <summary>Which physical addresses of a layout have memory behind them.</summary>
/// <remarks>
/// <para>Backed: the layout's banks; <c>no-map</c> regions that lie in RAM, because the kernel does not touch them but their owners do; on-chip SRAM
/// (<c>mmio-sram</c>). Not backed: gaps, <c>qcom,memblock-remove</c>, and RAM that the kernel ignores: to touch those is the error that a board finds out
/// about too late.</para>
/// <para>Invariant of the result: sorted, not empty, and no two ranges touch, so that a block that spans two banks is contiguous on the host as well.</para>
/// </remarks>
internal static class RamPlan
{
    public static ImmutableArray<PhysRange> Plan(MemoryLayout layout)
    {
        var ranges = new List<PhysRange>();
        foreach (var bank in layout.Banks)
            ranges.Add(bank.Range);
        ranges.AddRange(NoMapRam(layout));
        foreach (var device in layout.Board.Devices)
        {
            if (!device.IsSram || !device.Enabled)
                continue;
            foreach (var range in device.Ranges)
                ranges.Add(range.Range);
        }
        return Merge(ranges);
    }

    /// <summary>The parts of <c>no-map</c> regions that are RAM of the board.</summary>
    public static IEnumerable<PhysRange> NoMapRam(MemoryLayout layout)
    {
        foreach (var hole in layout.Holes)
        {
            if (hole.Kind != HoleKind.NoMap)
                continue;
            foreach (var bank in layout.Board.Banks)
            {
                var part = hole.Range.Intersect(bank.Range);
                if (!part.IsEmpty)
                    yield return part;
            }
        }
    }

    public static ImmutableArray<PhysRange> Merge(List<PhysRange> ranges)
    {
        ranges.Sort();
        var merged = ImmutableArray.CreateBuilder<PhysRange>();
        foreach (var range in ranges)
        {
            if (range.IsEmpty)
                continue;
            if (merged.Count > 0 && merged[^1].End >= range.Start.Value)
                merged[^1] = PhysRange.FromBounds(merged[^1].Start, range.End > merged[^1].End ? range.End : merged[^1].End);
            else
                merged.Add(range);
        }
        return merged.ToImmutable();
    }
}
