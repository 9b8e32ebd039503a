using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Boot;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Migration;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Zones;

namespace KmemKit.Runtime.Buddy;

/// <summary>From a layout and memblock to a running allocator (<c>free_area_init</c>, <c>build_all_zonelists</c>, <c>memblock_free_all</c>).</summary>
public sealed unsafe partial class PageAllocator
{
    private static readonly LinuxVersion LargeBatchSince = new(4, 19);

    private readonly LinuxVersion _version;
    private readonly bool _usesMmu;

    private PageAllocator(MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, PageMap map, PageAllocatorOptions options)
    {
        Map = map;
        Movable = new MovablePages(map);
        Build = options.Build ?? KernelBuild.Of(layout);
        _version = Build.Version;
        _usesMmu = Build.UsesMmu;
        PageBlockOrder = options.PageBlockOrder ?? BuddyGeometry.PageBlockOrder(layout.Board, layout.Pages, map.MaxOrder);
        ArgumentOutOfRangeException.ThrowIfLessThan(PageBlockOrder, GroupMask.Order, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(PageBlockOrder, map.MaxOrder, nameof(options));
        var present = 0UL;
        foreach (var zone in layout.Zones)
            present += zone.Present;
        IsMobilityGrouped = present >= (ulong)FreeArea.Types << PageBlockOrder;
        Blocks = (ushort*)map.AllocateZeroed(memblock, (AlignUp(map.Frames, map.MaxOrder) >> PageBlockOrder) * sizeof(ushort));
        ZoneArray = new MemoryZone[layout.Zones.Length];
        if (ZoneArray.Length >= PageBlocks.Shared)
            throw new NotSupportedException($"The board has {ZoneArray.Length} zones; fewer than {PageBlocks.Shared} are supported.");
        FindPieces(layout, memblock);
        for (var i = 0; i < ZoneArray.Length; i++)
            ZoneArray[i] = CreateZone(i, layout.Zones[i], memblock);
        WriteBlocks();
        // A type that the kernel was built with and the board has no memory of is there all the same: its requests go to the zones below, never above.
        PresentZoneTypes = Build.ZoneTypes.Concat(ZoneArray.Select(static zone => zone.Type)).Aggregate(0, static (types, type) => types | (1 << (int)type));
        _nodes = [.. ZoneArray.Select(static zone => zone.Node).Distinct().Order()];
        (_zoneLists, _localZoneLists) = BuildZoneLists();
        Release(memblock);
        ActivateCmaAreas(layout);
        foreach (var zone in ZoneArray)
        {
            // setup_pageset: a batch of 0 is one page at a time and no list.
            var batch = MemoryZone.BatchSize(zone.ManagedPages, map.Pages.PageSize, _version >= LargeBatchSince, _usesMmu);
            (zone.Batch, zone.High) = (Math.Max(1, batch), 6 * batch);
        }
        MinFreeKbytes = options.MinFreeKbytes ?? Watermarks.MinFreeKbytes(ZoneArray, map.Pages.PageSize, _version);
        Watermarks.ApplyLowmemReserve(ZoneArray);
        Watermarks.Apply(ZoneArray, MinFreeKbytes, map.Pages.PageSize, _version);
        Cpus = CreateCpus(options.Cpus ?? Math.Max(1, layout.Board.Cpus.Count(static cpu => cpu.Enabled)));
        PlanRequests();
    }

    /// <summary>Boots the allocator: descriptors and zones are made, and all free memory of memblock becomes free pages.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="memblock">Its memory map; released afterwards.</param>
    /// <param name="map">Descriptors from <see cref="PageMap.Create"/> with the same layout and memblock.</param>
    /// <param name="options">Choices; null for the kernel's.</param>
    public static PageAllocator Boot(
        MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, PageMap map, PageAllocatorOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(layout);
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(memblock);
        ArgumentNullException.ThrowIfNull(map);
        return new PageAllocator(layout, memory, memblock, map, options ?? new PageAllocatorOptions());
    }

    /// <summary>Boots the allocator with descriptors of its own.</summary>
    /// <param name="layout">The board's layout.</param>
    /// <param name="memory">Its memory.</param>
    /// <param name="memblock">Its memory map; released afterwards.</param>
    /// <param name="options">Choices; null for the kernel's.</param>
    public static PageAllocator Boot(MemoryLayout layout, PhysicalMemory memory, Memblock.Memblock memblock, PageAllocatorOptions? options = null) =>
        Boot(layout, memory, memblock, PageMap.Create(layout, memory, memblock), options);

    private static uint AlignUp(ulong frames, int order) => checked((uint)((frames + (1UL << order) - 1) >> order << order));

    // A piece is what one zone has of one region: zones of nodes may overlap in their extents, not in their regions.
    private void FindPieces(MemoryLayout layout, Memblock.Memblock memblock)
    {
        var shift = layout.Pages.PageShift;
        var oneNode = layout.Zones.Select(static zone => zone.Node).Distinct().Count() <= 1;
        foreach (var region in memblock.Memory)
        {
            for (var i = 0; i < layout.Zones.Length; i++)
            {
                var zone = layout.Zones[i];
                if (!oneNode && zone.Node != Math.Max(0, region.Node))
                    continue;
                var first = Math.Max(region.Range.Start.Value >> shift, zone.Start.Number);
                var end = Math.Min(layout.Pages.PagesIn(region.Range.End), zone.Start.Number + zone.Spanned);
                foreach (var run in Map.RunsOf(first, Math.Max(first, end)))
                    _pieces.Add(new Piece(run, i));
            }
        }
        _pieces.Sort(static (left, right) => left.Run.First.CompareTo(right.Run.First));
    }

    private MemoryZone CreateZone(int number, Zone zone, Memblock.Memblock memblock)
    {
        uint first = uint.MaxValue, end = 0;
        foreach (var piece in _pieces)
        {
            if (piece.Zone != number)
                continue;
            first = Math.Min(first, piece.Run.First);
            end = Math.Max(end, piece.Run.End);
        }
        if (end == 0)
            throw new InvalidOperationException($"memblock has no memory for zone {zone.Name} of node {zone.Node}.");
        var baseIndex = first >> Map.MaxOrder << Map.MaxOrder;
        var frames = AlignUp(end - baseIndex, Map.MaxOrder);
        if (frames >> GroupMask.Order > FreeIndex.MaxMembers)
            throw new NotSupportedException($"Zone {zone.Name} spans {frames} frames; up to 2^30 are supported.");
        var header = (FreeAreaHeader*)Map.AllocateZeroed(memblock, (ulong)sizeof(FreeAreaHeader));
        var memory = Map.AllocateZeroed(memblock, FreeArea.BytesFor(frames, Map.MaxOrder));
        var area = new FreeArea(header, memory, baseIndex, frames, Blocks + (baseIndex >> PageBlockOrder), Map.MaxOrder, PageBlockOrder);
        return new MemoryZone(number, zone.Name, zone.Node, zone.Start, zone.Spanned, zone.Present, first, baseIndex, area);
    }

    private void WriteBlocks()
    {
        var type = IsMobilityGrouped ? MigrateType.Movable : MigrateType.Unmovable;
        var blocks = new Span<ushort>(Blocks, (int)(AlignUp(Map.Frames, Map.MaxOrder) >> PageBlockOrder));
        const ushort None = ushort.MaxValue;
        blocks.Fill(None);
        foreach (var (run, zone) in _pieces)
        {
            foreach (ref var word in blocks[(int)(run.First >> PageBlockOrder)..(int)(((run.End - 1) >> PageBlockOrder) + 1)])
                word = word == None || word == PageBlocks.Word(zone, type) ? PageBlocks.Word(zone, type) : PageBlocks.Word(PageBlocks.Shared, type);
        }
        blocks.Replace(None, PageBlocks.Word(PageBlocks.Shared, type));
    }

    // Node order: the CPU's node from the highest zone down, then the other nodes in turn.
    private (MemoryZone[][] All, MemoryZone[][] Local) BuildZoneLists()
    {
        var all = new MemoryZone[_nodes.Length * ZoneTypes.Count][];
        var local = new MemoryZone[all.Length][];
        for (var node = 0; node < _nodes.Length; node++)
        {
            for (var highest = 0; highest < ZoneTypes.Count; highest++)
            {
                var list = new List<MemoryZone>();
                for (var turn = 0; turn < _nodes.Length; turn++)
                {
                    var from = _nodes[(node + turn) % _nodes.Length];
                    list.AddRange(ZoneArray.Where(zone => zone.Node == from && (int)zone.Type <= highest).OrderByDescending(static zone => zone.Type));
                    if (turn == 0)
                        local[(node * ZoneTypes.Count) + highest] = [.. list];
                }
                all[(node * ZoneTypes.Count) + highest] = [.. list];
            }
        }
        return (all, local);
    }

    private void Release(Memblock.Memblock memblock)
    {
        var released = new List<PageMap.Run>();
        var result = memblock.ReleaseAll(Map.MaxOrder, (frame, order) =>
        {
            var index = Map.PfnToPage(frame).Index;
            PutAtBoot(index, order);
            if (released.Count > 0 && released[^1].End == index)
                released[^1] = new PageMap.Run(released[^1].First, index + (1u << order));
            else
                released.Add(new PageMap.Run(index, index + (1u << order)));
        });
        Map.SetReserved(released);
        TotalPages = result.Pages;
        LostBytes = result.LostBytes;
    }

    // A block that lies in two zones goes to them in halves.
    private void PutAtBoot(uint index, int order)
    {
        if (PieceAt(index) is { } piece && piece.Run.End - index >= 1u << order)
        {
            var zone = ZoneArray[piece.Zone];
            zone.Area.Put(index, order);
            zone.ManagedPages += 1UL << order;
            return;
        }
        if (order == 0)
            throw new InvalidOperationException($"memblock releases {Map.FrameAt(index)}, which is in no zone.");
        PutAtBoot(index, order - 1);
        PutAtBoot(index + (1u << (order - 1)), order - 1);
    }

    private Cpu[] CreateCpus(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        var lists = ZoneArray.Length * PerCpuList.PerZone;
        var stackBytes = 0;
        foreach (var zone in ZoneArray)
            stackBytes += PerCpuList.TypesPerOrder * StackSlots(zone) * sizeof(uint);
        var perCpu = (CpuArea.ListsAt + (lists * sizeof(PerCpuList)) + stackBytes + 127) / 128 * 128;
        _perCpuMemory = (byte*)NativeMemory.AlignedAlloc((nuint)perCpu * (nuint)count, 128);
        NativeMemory.Clear(_perCpuMemory, (nuint)perCpu * (nuint)count);
        var cpus = new Cpu[count];
        for (var i = 0; i < count; i++)
        {
            var memory = _perCpuMemory + ((nuint)perCpu * (nuint)i);
            var list = CpuArea.Lists((CpuGate*)memory);
            var stack = (uint*)(list + lists);
            var at = list;
            foreach (var zone in ZoneArray)
            {
                for (var n = 0; n < PerCpuList.PerZone; n++, at++)
                    stack = SetUp(at, stack, zone, n / PerCpuList.TypesPerOrder);
            }
            cpus[i] = new Cpu(this, i, _nodes[i % _nodes.Length], (CpuGate*)memory);
        }
        return cpus;
    }

    // Whole words of 64 frames move where the kernel's batch is 63. Its smaller batches for small zones would make operations on them several times as dear:
    // from 64 MiB of 4 KiB pages up it is a whole word as well, and a list still holds at most 1/128 of such a zone.
    private static (int High, int Batch) SizeOf(MemoryZone zone, int order, int maxOrder)
    {
        const int Word = 1 << GroupMask.Order;
        var (first, most) = (zone.Batch + 1, zone.High);
        if (zone.High != 0 && first < Word && zone.ManagedPages >= 240 * Word)
            (first, most) = (Word, (int)Math.Min(6 * Word, zone.ManagedPages >> 7));
        var batch = Math.Max(1, first >> order);
        var high = Math.Max(most >> order, batch);
        var fits = zone.High != 0 && order <= maxOrder && (ulong)high <= zone.ManagedPages >> (order + 7);
        return (order <= PerCpuList.CostlyOrder && zone.High != 0 ? high : fits ? high : 0, batch);
    }

    // Room for the mark and a refill.
    private int StackSlots(MemoryZone zone)
    {
        var slots = 0;
        for (var order = 0; order < PerCpuList.Orders; order++)
        {
            var (high, batch) = SizeOf(zone, order, Map.MaxOrder);
            slots += high + batch;
        }
        return slots;
    }

    private uint* SetUp(PerCpuList* list, uint* stack, MemoryZone zone, int order)
    {
        list->Stack = stack;
        (list->Full, list->Batch) = SizeOf(zone, order, Map.MaxOrder);
        list->High = list->Full;
        return stack + list->Full + list->Batch;
    }

    private void PlanRequests()
    {
        foreach (var cpu in Cpus)
        {
            for (var bits = 0; bits < RequestPlan.Count; bits++)
                cpu.Plan(bits, GfpRules.ZoneOf((GfpFlags)bits, PresentZoneTypes));
        }
    }
}
