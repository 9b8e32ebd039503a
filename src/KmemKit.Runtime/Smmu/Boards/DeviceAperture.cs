using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Streams;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Smmu.Boards;

/// <summary>Which device addresses a master's address space may give out.</summary>
/// <param name="Range">From the lowest that the master can send to the highest, in granules.</param>
/// <param name="InputBits">Bits of a device address.</param>
/// <param name="Closed">What in it stays free: addresses that no bus in between lets through, and those that the board sets apart.</param>
internal readonly record struct DeviceAperture(PhysRange Range, int InputBits, ImmutableArray<PhysRange> Closed)
{
    // Three levels of 4 KiB tables, as long as the master sends addresses there; else all that there are.
    private const int UsualBits = 39, MostBits = 48;

    /// <exception cref="InvalidOperationException">No granule is left.</exception>
    public static DeviceAperture Of(BusMaster master, int granuleShift)
    {
        var granule = 1UL << granuleShift;
        var open = master.Windows is { } windows ? windows.Select(w => w.Bus).Order().ToList() : [new BusRange(default, 1UL << MostBits)];
        var bits = open.Count > 0 && open[0].Start.Value < 1UL << UsualBits ? UsualBits : MostBits;
        var end = 1UL << bits;
        var closed = new List<PhysRange>();
        var (first, at) = (ulong.MaxValue, 0UL);
        foreach (var window in open)
        {
            var start = (window.Start.Value + (granule - 1)) & ~(granule - 1);
            var stop = Alignment.Down(window.End.IsTop ? end : Math.Min(end, window.End.Value), granule);
            if (start < window.Start.Value || start >= stop)
                continue;
            if (first == ulong.MaxValue)
                first = start;
            else if (start > at)
                closed.Add(new PhysRange(new PhysAddr(at), start - at));
            at = Math.Max(at, stop);
        }
        if (first == ulong.MaxValue)
            throw new InvalidOperationException($"{master.NodePath} sends no address that its SMMU translates.");
        var range = new PhysRange(new PhysAddr(first), at - first);
        foreach (var reserved in master.Reserved.Where(r => !r.Range.IsEmpty && r.Range.Start.Value < at))
        {
            var start = Alignment.Down(reserved.Range.Start.Value, granule);
            var last = Math.Min(reserved.Range.End.Last, at - 1) | (granule - 1);
            closed.Add(new PhysRange(new PhysAddr(start), last - start + 1));
        }
        return new DeviceAperture(range, bits, [.. RamPlan.Merge(closed).Select(c => c.Intersect(range)).Where(c => !c.IsEmpty)]);
    }
}
