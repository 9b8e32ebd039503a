using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.Architecture.Boards;
using KmemKit.Architecture.Mpu;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Uclinux;

namespace KmemKit.Runtime.Mpu;

/// <summary>Which RAM is the kernel's to give out.</summary>
internal static class KernelMemory
{
    /// <summary>The longest row of frames that privileged code may read and write whichever domain runs, that no domain may touch, and that no domain's entry names.</summary>
    /// <returns>Null where there are not two frames of that kind in a row.</returns>
    public static PhysRange? Find(BoardMpu plan, PhysicalMemory memory)
    {
        var tables = plan.Domains.Select(d => plan.Format.Decode(d.Registers)).ToList();
        var longest = PhysRange.FromBounds(PhysAddr.Zero, 0ul);
        foreach (var ram in memory.Ram)
        {
            var edges = plan.Domains.SelectMany(d => d.Entries).Concat(plan.Entries).Select(e => e.Range).Concat(tables.SelectMany(t => t.Regions).Select(r => r.Range))
                .SelectMany(r => new[] { r.Start.Value, r.End.Value })
                .Concat(tables.SelectMany(t => t.Regions).Where(r => r.SubregionDisable != 0).SelectMany(r => Enumerable.Range(1, 7).Select(i => r.Range.Start.Value + r.Range.Size.Value / 8 * (ulong)i)))
                .Where(e => e > ram.Start.Value && e < ram.End.Value).Append(ram.Start.Value).Append(ram.End.Value).Distinct().Order().ToList();
            var start = ram.Start.Value;
            for (var i = 0; i + 1 < edges.Count; i++)
            {
                if (IsKernels(edges[i]))
                    Keep(start, edges[i + 1]);
                else
                    start = edges[i + 1];
            }
        }
        return longest.Size.Value >= 2 * FramePool.FrameSize ? longest : null;

        bool IsKernels(ulong address) => plan.Format.AddressSpace.Contains(new PhysAddr(address))
            && tables.TrueForAll(t => (t.Decide(address, Privilege.Privileged).Rights & AccessRights.ReadWrite) == AccessRights.ReadWrite && t.Decide(address, Privilege.User).Rights == 0)
            && !plan.Domains.Any(d => d.Entries.Any(e => e.Range.Contains(new PhysAddr(address))));

        void Keep(ulong start, ulong end)
        {
            var (first, last) = (Alignment.Up(start, FramePool.FrameSize), end & ~(FramePool.FrameSize - 1));
            if (first < last && last - first > longest.Size.Value)
                longest = PhysRange.FromBounds(new PhysAddr(first), last);
        }
    }
}
