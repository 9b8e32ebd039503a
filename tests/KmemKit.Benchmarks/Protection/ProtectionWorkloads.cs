using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Mpu;
using KmemKit.Architecture.Mpu.Pmp;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Protection;

namespace KmemKit.Benchmarks.Protection;

/// <summary>Policies as firmware has them: code, data, devices, a guard, and domains with stacks, heaps and a device each.</summary>
internal static class ProtectionWorkloads
{
    /// <summary>A policy with that many entries over all.</summary>
    /// <param name="format">The unit.</param>
    /// <param name="entries">Entries, those of the domains among them.</param>
    /// <param name="domains">Domains.</param>
    /// <param name="seed">Which.</param>
    public static ProtectionPolicy Realistic(MpuFormat format, int entries, int domains, int seed)
    {
        var random = new Random(seed);
        var g = Math.Max(format.Granule, 32);
        var isPmp = format is PmpFormat;
        var all = isPmp ? AccessRights.All : AccessRights.ReadWrite;
        var code = new MpuAttributes(isPmp ? AccessRights.All : AccessRights.Read | AccessRights.Execute, AccessRights.Read | AccessRights.Execute, MpuMemoryType.NormalWriteThrough, false);
        if (format.CheckAttributes(code, format.Spaces[0]) != MpuFault.None)
            code = new MpuAttributes(AccessRights.All, AccessRights.Read | AccessRights.Execute, MpuMemoryType.NormalWriteThrough, false);
        if (format.Name == "arm740t")
            all = AccessRights.All;
        var x = format.Name == "arm740t" ? AccessRights.Execute : 0;
        var kernel = new MpuAttributes(all, 0, MpuMemoryType.NormalWriteThrough, false);
        var task = new MpuAttributes(all, AccessRights.ReadWrite | x, MpuMemoryType.NormalWriteThrough, false);
        var device = new MpuAttributes(all, 0, MpuMemoryType.Device, true);
        var userDevice = new MpuAttributes(all, AccessRights.ReadWrite | x, MpuMemoryType.Device, true);
        var shared = new MpuAttributes(all, AccessRights.Read | x, MpuMemoryType.NormalWriteThrough, false);
        // Base-and-limit units have no "privileged writes, user reads".
        if (format.CheckAttributes(shared, format.Spaces[0]) != MpuFault.None)
            shared = new MpuAttributes(AccessRights.Read, AccessRights.Read, MpuMemoryType.NormalWriteThrough, false);
        // Eight regions leave room for fewer that always apply.
        var own = Math.Max(domains, format.FixedRegionCount == 8 ? entries * 3 / 4 : entries * 5 / 8);
        var fixedCount = entries - own;
        var fixedEntries = new List<ProtectionEntry>();
        for (var i = 0; i < fixedCount; i++)
        {
            fixedEntries.Add(i switch
            {
                0 => Entry("code", 0x0800_0000, 0x4_0000, code),
                1 => Entry("ram", 0x2000_0000, 0x8_0000, kernel),
                2 => Entry("peripherals", 0x4000_0000, 0x8_0000, device),
                3 => Entry("table", 0x0804_0000, 0x1_0000, shared),
                4 => Entry("ahb", 0x5000_0000, 0x4_0000, device),
                5 => Entry("log", 0x2400_0000, 0x1_0000, shared),
                _ => Entry("bank" + i, 0x6000_0000 + (ulong)(i - 6) * 0x20_0000, 0x10_0000, i % 2 == 0 ? kernel : shared),
            });
        }
        var at = 0x2000_0000UL + 0x8000;
        var lists = Enumerable.Range(0, domains).Select(_ => new List<ProtectionEntry>()).ToArray();
        for (var i = 0; i < own; i++)
        {
            var domain = i % domains;
            var kind = i / domains;
            if (kind % 3 == 1)
            {
                lists[domain].Add(Entry("device", 0x4000_0000 + (ulong)(domain + 8 * kind) * 0x1000, 0x1000, userDevice));
                continue;
            }
            var unit = g << random.Next(0, g > 1024 ? 1 : 5);
            var size = (ulong)random.Next(4, 9) * unit;
            var align = unit * 4;
            at = (at + align - 1) & ~(align - 1);
            if (at + size > 0x2007_0000)
                at = 0x2400_0000 + 0x2_0000;
            lists[domain].Add(Entry(kind % 3 == 0 ? "stack" + kind : "heap" + kind, at, size, task));
            at += size;
        }
        return new ProtectionPolicy
        {
            Entries = [.. fixedEntries],
            Domains = [.. lists.Select((l, i) => new ProtectionDomain("d" + i, [.. l], default))],
            PrivilegedBackground = isPmp,
        };
    }

    public static BoardMpu Unit(MpuFormat format, int regions) => new(format, format.FixedRegionCount ?? Math.Min(regions, format.MaximumRegionCount), default);

    private static ProtectionEntry Entry(string name, ulong start, ulong size, MpuAttributes attributes) =>
        new(name, new PhysRange(new PhysAddr(start), size), attributes, "/protection/" + name, default);
}
