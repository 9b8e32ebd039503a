using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>
/// Tables that no planner made, to hold the model of a format against the core: every size, subregions, overlaps with priorities, chains that begin in
/// the middle of another entry, with what the program needs in front.
/// </summary>
internal static class RandomTables
{
    public static MpuRegisterFile Make(ProbedCore core, Random random)
    {
        var kinds = Attributes(core.Format);
        var background = core.Format.HasPrivilegedBackground && (core.Format is PmpFormat || random.Next(2) == 0);
        if (core.Format.Shape == MpuShape.PriorityChain)
            return core.Format.Encode(Chain(core, kinds, random), background);
        var needed = core.Needs;
        var regions = new List<MpuRegion>();
        var free = core.Regions - needed.Sum(n => Blocks(core, n.Range).Count());
        for (var number = 0; number < free; number++)
        {
            if (random.Next(5) > 0 && One(core, kinds[random.Next(kinds.Count)], number, random) is { } region)
                regions.Add(region);
        }
        var next = free;
        foreach (var (range, attributes) in needed)
        {
            foreach (var block in Blocks(core, range))
                regions.Add(new MpuRegion(next++, block, attributes));
        }
        // Each alone: two base-and-limit regions that share addresses have an encoding each, and a meaning together, which no planner wants.
        var encoded = regions.Select(r => core.Format.Encode([r], background)).ToList();
        return encoded[0] with { Regions = [.. encoded.SelectMany(e => e.Regions)] };
    }

    /// <summary>What a region can say, but for memory that is executed and not Normal, which is UNPREDICTABLE (ARM DDI 0403E A3.5.5, ARM DDI 0406C A3.5.5).</summary>
    public static List<MpuAttributes> Attributes(MpuFormat format) =>
    [
        .. from privileged in Enumerable.Range(0, 8).Select(r => (AccessRights)r)
           from user in Enumerable.Range(0, 8).Select(r => (AccessRights)r)
           from type in format.HasMemoryTypes ? Enum.GetValues<MpuMemoryType>() : [MpuMemoryType.Unspecified]
           from shareable in format.HasMemoryTypes ? new[] { false, true } : [false]
           let attributes = new MpuAttributes(privileged, user, type, shareable)
           where format.CheckAttributes(attributes, MpuSpace.Unified) == MpuFault.None
           where attributes.IsNormal || !format.HasMemoryTypes || ((privileged | user) & AccessRights.Execute) == 0
           select attributes,
    ];

    private static MpuRegion? One(ProbedCore core, MpuAttributes attributes, int number, Random random)
    {
        var (format, window) = (core.Format, core.Window);
        if (format.Shape == MpuShape.BaseAndLimit)
        {
            var unit = format.Granule << random.Next(12);
            var count = (int)(window.Size.Value / unit);
            var start = random.Next(Math.Min(count, 64));
            return new MpuRegion(number, new PhysRange(new PhysAddr(window.Start.Value + (ulong)start * unit), (ulong)random.Next(1, Math.Min(count - start, 12) + 1) * unit), attributes);
        }
        // Sizes of all magnitudes, the smallest most often, near the window's start, where they meet; now and then everything.
        var size = random.Next(12) == 0 ? format.AddressSpace.Size.Value >> random.Next(4) : format.Granule << random.Next(random.Next(2) == 0 ? 6 : 19);
        var at = size > window.Size.Value ? 0 : (ulong)random.Next((int)Math.Min(window.Size.Value / size, 48)) * size;
        var region = new MpuRegion(number, new PhysRange(new PhysAddr((window.Start.Value + at) & ~(size - 1)), size), attributes);
        return format.SmallestWithSubregions != 0 && size >= format.SmallestWithSubregions && random.Next(2) == 0
            ? region with { SubregionDisable = (byte)random.Next(1, 255) }
            : region;
    }

    private static List<MpuRegion> Chain(ProbedCore core, List<MpuAttributes> kinds, Random random)
    {
        var format = (PmpFormat)core.Format;
        var regions = new List<MpuRegion>();
        var (number, behind, locks) = (0, 0UL, random.Next(4) == 0);
        while (number < core.Regions)
        {
            var attributes = kinds[random.Next(kinds.Count)];
            if (PmpFormat.NeedsLock(attributes) && !locks)
                continue;
            var unit = 4UL << random.Next(random.Next(2) == 0 ? 5 : 17);
            var at = core.Window.Start.Value + (ulong)random.Next((int)Math.Min(core.Window.Size.Value / unit, 48)) * unit;
            var region = (PmpMode)random.Next(4) switch
            {
                PmpMode.Off => new MpuRegion(number, new PhysRange(new PhysAddr(at), 0), MpuAttributes.Deny),
                PmpMode.Tor when at > behind && !(behind == 0 && PmpFormat.NeedsLock(attributes)) =>
                    new MpuRegion(number, new PhysRange(new PhysAddr(behind), at - behind), attributes) { Mode = PmpMode.Tor },
                PmpMode.Napot => new MpuRegion(number, new PhysRange(new PhysAddr(at & ~(2 * unit - 1)), 2 * unit), attributes) { Mode = PmpMode.Napot },
                _ => new MpuRegion(number, new PhysRange(new PhysAddr(at), 4), attributes) { Mode = PmpMode.Na4 },
            };
            regions.Add(region with { Locked = region.Mode != PmpMode.Off && PmpFormat.NeedsLock(attributes) });
            behind = format.ChainBase(regions[^1]);
            number++;
        }
        return regions;
    }

    /// <summary>The aligned powers of two that a range is made of; the range itself where any range is a region.</summary>
    private static IEnumerable<PhysRange> Blocks(ProbedCore core, PhysRange range)
    {
        if (core.Format.Shape == MpuShape.BaseAndLimit)
        {
            yield return range;
            yield break;
        }
        for (var at = range.Start.Value; at < range.End.Value;)
        {
            var size = core.Format.Granule;
            while ((at & (2 * size - 1)) == 0 && at + 2 * size <= range.End.Value)
                size *= 2;
            yield return new PhysRange(new PhysAddr(at), size);
            at += size;
        }
    }
}
