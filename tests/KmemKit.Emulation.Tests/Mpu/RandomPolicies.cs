using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.Emulation.Tests.Mpu;

/// <summary>Policies over a core's window, nested or disjoint, with domains and holes, and with what the program needs.</summary>
internal static class RandomPolicies
{
    public static ProtectionPolicy Make(ProbedCore core, Random random)
    {
        var format = core.Format;
        var kinds = RandomTables.Attributes(format).Where(k => (k.Privileged | k.User) != 0).ToArray();
        random.Shuffle(kinds);
        kinds = kinds[..random.Next(2, 4)];
        var background = format.HasPrivilegedBackground && random.Next(2) == 0;
        // A hole in the background takes a region that denies, which PMSAv8 does not have.
        var hasHoles = format is not PmpFormat && !(background && format.Shape == MpuShape.BaseAndLimit);
        var around = new List<ProtectionEntry>();
        var common = Entries("e", random.Next(1, 4), kinds);
        // A locked entry stays: a domain cannot have one.
        var open = kinds.Where(k => format is not PmpFormat || !PmpFormat.NeedsLock(k)).DefaultIfEmpty(new MpuAttributes(AccessRights.All, AccessRights.Read, 0, false)).ToArray();
        var domains = Enumerable.Range(0, random.Next(3)).Select(d => new ProtectionDomain("d" + d, [.. Entries("d" + d + "e", random.Next(1, 3), open)], default)).ToImmutableArray();
        var needs = core.Needs.Select((n, i) => Entry("program" + i, n.Range, n.Attributes));
        return new ProtectionPolicy { Entries = [.. common, .. needs], Domains = domains, PrivilegedBackground = background };

        List<ProtectionEntry> Entries(string name, int count, MpuAttributes[] attributes)
        {
            var made = new List<ProtectionEntry>();
            for (var tries = 0; made.Count < count && tries < 100; tries++)
            {
                var unit = format.Granule << random.Next(12);
                var range = new PhysRange(new PhysAddr(core.Window.Start.Value + (ulong)random.Next(24) * unit), (ulong)random.Next(1, 9) * unit);
                if (around.Any(o => o.Range == range || (o.Range.Overlaps(range) && !o.Range.Contains(range) && !range.Contains(o.Range))))
                    continue;
                var isHole = hasHoles && random.Next(6) == 0;
                made.Add(Entry(name + made.Count, range, isHole ? MpuAttributes.Deny : attributes[random.Next(attributes.Length)]));
                around.Add(made[^1]);
            }
            return made;
        }
    }

    public static ProtectionEntry Entry(string name, PhysRange range, MpuAttributes attributes) => new(name, range, attributes, "/" + name, default);
}
