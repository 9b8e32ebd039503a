using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Proc;

/// <summary><c>/proc/vmstat</c>: the counters of all zones and nodes in sum, then the limits of dirty pages.</summary>
/// <remarks>
/// That is the text of a kernel without CONFIG_VM_EVENT_COUNTERS: events are not counted here. The limits are those of vm.dirty_ratio 20 and
/// vm.dirty_background_ratio 10. Source: mm/vmstat.c (vmstat_start), mm/page-writeback.c (global_dirty_limits).
/// </remarks>
/// <param name="Counters">The lines.</param>
public sealed record VmStat(ImmutableArray<StatCounter> Counters)
{
    /// <summary>Reads an allocator's zones.</summary>
    /// <param name="allocator">The allocator.</param>
    /// <param name="use">What other parts of the kernel hold; null for nothing.</param>
    public static VmStat Of(PageAllocator allocator, MemoryUse? use = null)
    {
        var info = ZoneInfo.Of(allocator, use);
        var counters = new List<StatCounter>();
        Sum(counters, info.Zones.SelectMany(static zone => zone.Counters));
        Sum(counters, info.Zones.SelectMany(static zone => zone.NodeCounters));
        if (allocator.Build.Version >= new BoardCompiler.Policies.LinuxVersion(2, 6, 37))
        {
            var dirtyable = Dirtyable(allocator);
            counters.Add(new StatCounter("nr_dirty_threshold", dirtyable * 20 / 100));
            counters.Add(new StatCounter("nr_dirty_background_threshold", dirtyable * 10 / 100));
        }
        return new VmStat([.. counters]);
    }

    /// <summary>The text as the kernel prints it.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        foreach (var (name, value) in Counters)
            text.Append(name).Append(' ').Append(value).Append('\n');
        return text.ToString();
    }

    private static void Sum(List<StatCounter> to, IEnumerable<StatCounter> counters) =>
        to.AddRange(counters.GroupBy(static counter => counter.Name)
            .Select(static group => new StatCounter(group.Key, group.Sum(static counter => counter.Value))));

    // Free pages less the reserves; highmem does not count, as dirty pages there need lowmem to be written.
    private static long Dirtyable(PageAllocator allocator)
    {
        var zones = allocator.Zones.Where(static zone => zone.Type != ZoneType.HighMem).ToArray();
        var free = zones.Sum(static zone => zone.FreePages);
        var reserve = zones.Sum(static zone => Math.Min(zone.LowmemReserve.Max() + zone.HighWatermark, (long)zone.ManagedPages));
        return Math.Max(0, free - reserve) + 1;
    }
}
