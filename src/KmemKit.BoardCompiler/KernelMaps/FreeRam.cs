using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;

namespace KmemKit.BoardCompiler.KernelMaps;

/// <summary>Finds lowmem that nobody has: not reserved, not the image's, not what is taken already. As memblock does, from the top down.</summary>
internal static class FreeRam
{
    /// <summary>The highest free place; null where there is none.</summary>
    /// <param name="layout">The layout.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="alignment">A power of two.</param>
    /// <param name="taken">What is taken beside reserved memory and image.</param>
    public static ulong? Highest(MemoryLayout layout, ulong size, ulong alignment, IEnumerable<PhysRange> taken)
    {
        var free = new Ram();
        foreach (var ram in layout.Linear.Ram)
            free.Add(new RamPiece(ram.Start.Value, ram.End.IsTop ? ulong.MaxValue : ram.End.Value, default, 0));
        foreach (var range in Taken(layout).Concat(taken))
        {
            if (!range.IsEmpty)
                free.Remove(range.Start.Value, range.End.IsTop ? ulong.MaxValue : range.End.Value);
        }
        return ReservedPlacement.FindTopDown(free, 0, ulong.MaxValue, size, alignment);
    }

    /// <summary>What of <paramref name="range"/> is not free lowmem, as a sentence; null where all of it is.</summary>
    public static string? WhyNot(MemoryLayout layout, PhysRange range, IEnumerable<(string Name, PhysRange Range)> taken)
    {
        foreach (var placed in layout.Reserved)
        {
            if (placed.Range.Overlaps(range))
                return $"{placed.Region.Name} {placed.Range} is reserved";
        }
        foreach (var section in ImageRanges(layout))
        {
            if (section.Overlaps(range))
                return $"the kernel image {section} is there";
        }
        foreach (var (name, other) in taken)
        {
            if (other.Overlaps(range))
                return $"{name} {other} are there";
        }
        var at = range.Start.Value;
        foreach (var ram in layout.Linear.Ram.OrderBy(r => r))
        {
            if (ram.Contains(new PhysAddr(at)) && ram.End < range.End)
                at = ram.End.Value;
            else if (ram.Contains(new PhysAddr(at)))
                return null;
        }
        return $"{new PhysAddr(at)} is no RAM of the linear map";
    }

    private static IEnumerable<PhysRange> Taken(MemoryLayout layout) =>
        layout.Reserved.Select(r => r.Range).Concat(layout.CmaAreas.Select(c => c.Range)).Concat(ImageRanges(layout));

    private static IEnumerable<PhysRange> ImageRanges(MemoryLayout layout)
    {
        foreach (var section in layout.Board.Policy.KernelSections)
        {
            foreach (var segment in ImageSegments.Of(layout))
            {
                var part = segment.VirtRange.Intersect(section.Range);
                if (!part.IsEmpty)
                    yield return new PhysRange(segment.Phys + (part.Start.Value - segment.Virt.Value), part.Size);
            }
        }
    }
}
