using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.BoardCompiler.Tests.Mpu;

/// <summary>Random policies that a format can grant: nested or disjoint entries on its granules, holes, domains, background.</summary>
internal static class RandomPolicy
{
    /// <summary>Attributes that every space of the format can say.</summary>
    public static List<MpuAttributes> Attributes(MpuFormat format) =>
    [
        .. from privileged in Enumerable.Range(0, 8).Select(r => (AccessRights)r)
           from user in Enumerable.Range(0, 8).Select(r => (AccessRights)r)
           from type in new[] { MpuMemoryType.Device, MpuMemoryType.NormalWriteThrough }
           let attributes = new MpuAttributes(privileged, user, type, type == MpuMemoryType.Device)
           where format.Spaces.All(s => format.CheckAttributes(attributes, s) == MpuFault.None) && (privileged | user) != 0
           select attributes,
    ];

    public static ProtectionPolicy Make(MpuFormat format, Random random, int entries, int domains)
    {
        var kinds = Attributes(format).OrderBy(_ => random.Next()).Take(random.Next(2, 5)).ToList();
        var background = format is not PmpFormat && format.HasPrivilegedBackground && random.Next(2) == 0;
        // A hole in the background takes a region that denies, which PMSAv8 does not have.
        var hasHoles = !(background && format.Shape == MpuShape.BaseAndLimit);
        var all = new List<ProtectionEntry>();
        var mine = Entries("e", entries, all, kinds);
        var owners = Enumerable.Range(0, domains).Select(d =>
        {
            var around = new List<ProtectionEntry>(mine);
            var open = format is PmpFormat ? kinds.Where(k => !PmpFormat.NeedsLock(k)).DefaultIfEmpty(new MpuAttributes(AccessRights.All, AccessRights.Read, 0, false)).ToList() : kinds;
            return new ProtectionDomain("d" + d, [.. Entries("d" + d + "e", random.Next(1, 4), around, open)], default);
        }).ToList();
        return new ProtectionPolicy { Entries = [.. mine], Domains = [.. owners], PrivilegedBackground = background };

        List<ProtectionEntry> Entries(string name, int count, List<ProtectionEntry> others, List<MpuAttributes> attributes)
        {
            var made = new List<ProtectionEntry>();
            for (var tries = 0; made.Count < count && tries < 200; tries++)
            {
                var range = Range();
                if (others.Any(o => o.Range == range || (o.Range.Overlaps(range) && !o.Range.Contains(range) && !range.Contains(o.Range))))
                    continue;
                var isHole = hasHoles && format is not PmpFormat && random.Next(6) == 0;
                var entry = new ProtectionEntry(name + made.Count, range, isHole ? MpuAttributes.Deny : attributes[random.Next(attributes.Count)], "/" + name + made.Count, default);
                made.Add(entry);
                others.Add(entry);
            }
            return made;
        }

        PhysRange Range()
        {
            // Sizes of all magnitudes, aligned to all magnitudes, somewhere in the three lowest gigabytes.
            var unit = format.Granule << random.Next(0, 12);
            var size = (ulong)random.Next(1, random.Next(2) == 0 ? 5 : 40) * unit;
            var start = (ulong)random.Next(3) * 0x2000_0000 + (ulong)random.Next(0, 64) * unit;
            return new PhysRange(new PhysAddr(start), size);
        }
    }

    /// <summary>A policy from its ranges: name, start, size, privileged, user.</summary>
    public static ProtectionPolicy Of(params (string Name, ulong Start, ulong Size, string Privileged, string User)[] entries) => new()
    {
        Entries = [.. entries.Select(Entry)],
    };

    public static ProtectionEntry Entry((string Name, ulong Start, ulong Size, string Privileged, string User) entry)
    {
        if (!AccessRightsText.TryParse(entry.Privileged, out var privileged) || !AccessRightsText.TryParse(entry.User, out var user))
            throw new ArgumentException(entry.Privileged + "/" + entry.User, nameof(entry));
        return new ProtectionEntry(entry.Name, new PhysRange(new PhysAddr(entry.Start), entry.Size), new MpuAttributes(privileged, user, MpuMemoryType.NormalWriteThrough, false),
            "/" + entry.Name, default);
    }

    public static BoardMpu Unit(MpuFormat format, int? regions = null) => new(format, regions ?? format.FixedRegionCount ?? format.MaximumRegionCount, default);

    public static IEnumerable<MpuFormat> Formats => [.. MpuFormats.All, new PmpFormat(32, 64)];
}
