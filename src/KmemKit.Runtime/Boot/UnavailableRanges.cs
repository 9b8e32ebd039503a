using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Boot;

/// <summary>Holes whose frames have a descriptor all the same (<c>memmap_init</c>, <c>init_unavailable_range</c>).</summary>
/// <remarks>
/// <para>The kernel walks memory region by region and, in each, zone by zone. What lies between the end of the last piece and the start of this one is
/// a hole; with sections, so is what lies behind the last piece up to the end of its section. Of a hole those frames count whose pageblock has
/// descriptors:</para>
/// <code>
///   sections   |-------- present --------|-------- absent --------|
///   memory     |######....#######........|........................|
///   holes             ^^^^        ^^^^^^^  not counted
/// </code>
/// <para>With sections that is the present ones; on flat Arm pageblocks that touch memory; on other flat machines all of mem_map. Source: mm/mm_init.c, and
/// pfn_valid of each architecture.</para>
/// </remarks>
internal static class UnavailableRanges
{
    public static ImmutableArray<UnavailableFrames> Find(MemoryLayout layout, KernelBuild build, ImmutableArray<NodeFrames> regions, int pageBlockOrder)
    {
        var described = Described(layout, build, regions, pageBlockOrder);
        var found = ImmutableArray.CreateBuilder<UnavailableFrames>();
        ulong hole = 0, end = 0;
        (int Node, ZoneType Zone)? last = null;
        foreach (var region in regions)
        {
            foreach (var zone in layout.Zones.Where(zone => zone.Node == region.Node))
            {
                var from = Math.Clamp(region.Start.Number, zone.Start.Number, zone.Start.Number + zone.Spanned);
                var to = Math.Clamp(region.End.Number, zone.Start.Number, zone.Start.Number + zone.Spanned);
                if (from >= to)
                    continue;
                last = (zone.Node, ZoneTypes.Parse(zone.Name));
                Count(hole, from);
                hole = to;
            }
            end = region.End.Number;
        }
        if (build.IsSparse && layout.Model.SectionSizeBits > build.Pages.PageShift)
        {
            var section = 1UL << (layout.Model.SectionSizeBits - build.Pages.PageShift);
            Count(hole, (end + section - 1) / section * section);
        }
        return found.ToImmutable();

        void Count(ulong from, ulong to)
        {
            var pages = described.Aggregate(0UL, (sum, range) => sum + Overlap(range, from, to));
            if (pages != 0 && last is { } at)
                found.Add(new UnavailableFrames(at.Node, at.Zone, pages));
        }
    }

    private static ulong Overlap((ulong Start, ulong End) range, ulong from, ulong to)
    {
        var (start, end) = (Math.Max(range.Start, from), Math.Min(range.End, to));
        return end > start ? end - start : 0;
    }

    // Ranges apart from each other.
    private static List<(ulong Start, ulong End)> Described(MemoryLayout layout, KernelBuild build, ImmutableArray<NodeFrames> regions, int pageBlockOrder)
    {
        if (regions.IsEmpty)
            return [];
        if (build.IsSparse)
        {
            var shift = layout.Model.SectionSizeBits - build.Pages.PageShift;
            return [.. layout.Model.Sections.Select(section => (section.Number << shift, (section.Number + 1) << shift))];
        }
        if (build.Architecture != TargetArchitecture.Arm || !build.UsesMmu)
            return [(regions[0].Start.Number, regions[^1].End.Number)];
        var mask = (1UL << pageBlockOrder) - 1;
        var blocks = new List<(ulong Start, ulong End)>();
        foreach (var region in regions)
        {
            var (start, end) = (region.Start.Number & ~mask, (region.End.Number + mask) & ~mask);
            if (blocks.Count > 0 && blocks[^1].End >= start)
                blocks[^1] = (blocks[^1].Start, Math.Max(blocks[^1].End, end));
            else
                blocks.Add((start, end));
        }
        return blocks;
    }
}
