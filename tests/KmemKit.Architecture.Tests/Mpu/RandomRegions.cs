using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture.Mpu;

namespace KmemKit.Architecture.Tests.Mpu;

/// <summary>Random regions that a format can hold.</summary>
internal static class RandomRegions
{
    private static readonly AccessRights[] s_rights = [.. Enumerable.Range(0, 8).Select(r => (AccessRights)r)];
    private static readonly MpuMemoryType[] s_types = Enum.GetValues<MpuMemoryType>();

    /// <summary>All attributes that the format can say in that space.</summary>
    public static List<MpuAttributes> Attributes(MpuFormat format, MpuSpace space) =>
    [
        .. from privileged in s_rights
           from user in s_rights
           from type in s_types
           from shareable in new[] { false, true }
           let attributes = new MpuAttributes(privileged, user, type, shareable)
           where format.CheckAttributes(attributes, space) == MpuFault.None
           select attributes,
    ];

    /// <summary>Regions that encode together, within that many granules from <paramref name="origin"/>.</summary>
    public static List<MpuRegion> Make(MpuFormat format, Random random, ulong origin, int granules)
    {
        var regions = new List<MpuRegion>();
        foreach (var space in format.Spaces)
        {
            var attributes = Attributes(format, space);
            var count = random.Next(1, 7);
            ulong chain = 0;
            for (var number = 0; number < count; number++)
            {
                var region = One(format, random, origin, granules, number, attributes[random.Next(attributes.Count)], chain) with { Space = space };
                if (format.Shape == MpuShape.BaseAndLimit && regions.Any(r => r.Range.Overlaps(region.Range)))
                    continue;
                if (format.Shape == MpuShape.PriorityChain)
                {
                    if (region.Mode == PmpMode.Tor && region.Range.Start.Value != chain)
                        continue;
                    chain = After(region, format.Granule);
                }
                regions.Add(region with { Number = regions.Count(r => r.Space == space) });
            }
        }
        return regions;
    }

    private static ulong After(MpuRegion region, ulong granule) => region.Mode switch
    {
        PmpMode.Tor => region.Range.End.Value,
        PmpMode.Napot => (region.Range.Start.Value + region.Range.Size.Value / 2 - 4) & ~(granule - 1),
        _ => region.Range.Start.Value,
    };

    private static MpuRegion One(MpuFormat format, Random random, ulong origin, int granules, int number, MpuAttributes attributes, ulong chain)
    {
        var at = (ulong)random.Next(granules);
        var size = format.Granule;
        if (format.Shape == MpuShape.BaseAndLimit)
        {
            var length = (ulong)random.Next(1, granules - (int)at + 1);
            return new MpuRegion(number, Range(origin + at * format.Granule, length * format.Granule), attributes);
        }
        var locked = format.Shape == MpuShape.PriorityChain && attributes.Privileged != AccessRights.All;
        if (format.Shape == MpuShape.PriorityChain)
        {
            var mode = (PmpMode)random.Next(4);
            var here = origin + at * format.Granule;
            if (mode == PmpMode.Off || (mode == PmpMode.Na4 && size == 4))
                return new MpuRegion(number, Range(here, mode == PmpMode.Off ? 0UL : 4), mode == PmpMode.Off ? default : attributes) { Mode = mode, Locked = locked && mode != 0 };
            if (mode == PmpMode.Tor && here > chain)
                return new MpuRegion(number, Range(chain, here - chain), attributes) { Mode = mode, Locked = locked };
            size = Math.Max(size, 8);
        }
        size <<= random.Next(0, 6);
        var region = new MpuRegion(number, Range(origin + at * format.Granule / size * size, size), attributes)
        {
            Mode = format.Shape == MpuShape.PriorityChain ? PmpMode.Napot : PmpMode.Off,
            Locked = locked,
        };
        return format.SmallestWithSubregions != 0 && size >= format.SmallestWithSubregions && random.Next(2) == 0
            ? region with { SubregionDisable = (byte)random.Next(255) }
            : region;
    }

    public static PhysRange Range(ulong start, ulong size) => new(new PhysAddr(start), size);
}
