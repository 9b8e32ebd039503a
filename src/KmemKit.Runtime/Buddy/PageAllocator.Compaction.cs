using System;
using KmemKit.Runtime.Compaction;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>Compaction of a zone, on request or by command.</summary>
public sealed partial class PageAllocator
{
    /// <summary>Compacts all zones, as writing to <c>/proc/sys/vm/compact_memory</c> does.</summary>
    /// <param name="cpu">The CPU of the calling thread.</param>
    public void CompactMemory(Cpu cpu)
    {
        foreach (var zone in ZoneArray)
            CompactZone(cpu, zone);
    }

    /// <summary>Compacts a zone as a whole: movable pages to its end, free ones to its start.</summary>
    /// <param name="cpu">The CPU of the calling thread, of this allocator.</param>
    /// <param name="zone">A zone of this allocator.</param>
    /// <returns><see cref="CompactResult.Complete"/>, or <see cref="CompactResult.Contended"/> where another CPU is at it.</returns>
    public CompactResult CompactZone(Cpu cpu, MemoryZone zone)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(zone);
        if (cpu.Allocator != this || ZoneArray[zone.Number] != zone)
            throw new ArgumentException("The CPU or the zone is of another allocator.");
        var outer = cpu.EnterReclaim();
        try
        {
            return CompactionRun.Compact(cpu, zone, CompactTarget.WholeZone, MigrateMode.Sync);
        }
        finally
        {
            cpu.LeaveReclaim(outer);
        }
    }

    // compaction_suit_allocation_order: what is left after the request must allow to move pages around.
    internal CompactResult CompactForRequest(
        Cpu cpu, MemoryZone zone, CompactTarget wanted, ZoneType highest, GfpAllocation allocation, MigrateMode mode)
    {
        if (zone.IsWatermarkOk(wanted.Order, zone.MinWatermark, highest, allocation))
            return CompactResult.Success;
        var isCostly = wanted.Order > PerCpuList.CostlyOrder;
        var mark = (isCostly ? zone.LowWatermark : zone.MinWatermark) + (2L << wanted.Order);
        if (!zone.IsWatermarkOk(0, mark, highest, GfpAllocation.Cma))
            return CompactResult.Skipped;
        if (isCostly && FragmentationIndex.External(CountBlocks(zone, stackalloc uint[Map.MaxOrder + 1]), wanted.Order) is >= 0 and <= FragmentationIndex.Threshold)
            return CompactResult.Skipped;
        return CompactionRun.Compact(cpu, zone, wanted, mode);
    }

    private static Span<uint> CountBlocks(MemoryZone zone, Span<uint> blocks)
    {
        for (var order = 0; order < blocks.Length; order++)
            blocks[order] = zone.FreeBlocks(order);
        return blocks;
    }
}
