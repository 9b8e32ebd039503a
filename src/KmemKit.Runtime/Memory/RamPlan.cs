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

    /// <summary>The parts of <c>no-map</c> regions that are RAM of the board and were not removed before the kernel looked.</summary>
    public static IEnumerable<PhysRange> NoMapRam(MemoryLayout layout)
    {
        foreach (var hole in layout.Holes)
        {
            if (hole.Kind != HoleKind.NoMap)
                continue;
            foreach (var bank in layout.Board.Banks)
            {
                foreach (var part in Without(hole.Range.Intersect(bank.Range), layout))
                    yield return part;
            }
        }
    }

    private static List<PhysRange> Without(PhysRange range, MemoryLayout layout)
    {
        List<PhysRange> parts = [range];
        foreach (var removed in layout.Board.Holes)
        {
            var rest = new List<PhysRange>();
            foreach (var part in parts)
            {
                var gone = part.Intersect(removed.Range);
                // An empty intersection splits nothing: both halves would count the same addresses.
                if (gone.IsEmpty)
                {
                    rest.Add(part);
                    continue;
                }
                rest.Add(PhysRange.FromBounds(part.Start, gone.Start.Value));
                if (!gone.End.IsTop)
                    rest.Add(PhysRange.FromBounds(new PhysAddr(gone.End.Value), part.End));
            }
            parts = rest;
        }
        parts.RemoveAll(static part => part.IsEmpty);
        return parts;
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
