using System;
using System.Collections.Generic;
using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>
/// The memory manager of early boot: a list of memory, a list of what of it is taken, and allocation by a search for what is in the first and not in the
/// second (mm/memblock.c).
/// </summary>
/// <remarks>
/// <para>It places things; it does not touch memory. <see cref="Bootmem"/> is the layer that hands out zeroed memory.</para>
/// <para>It does what the kernel's does, with these differences, all at the edges: 2^64 is an address limit like any other (the kernel loses the last byte),
/// "none" is null and not address 0, a size of 0 is an error, and what the kernel only warns about is in <see cref="Messages"/> as well.</para>
/// <para>Not thread-safe: one CPU runs when it is in use.</para>
/// </remarks>
public sealed partial class Memblock
{
    /// <summary>NUMA_NO_NODE: any node, or none given.</summary>
    public const int NoNode = -1;

    /// <summary>SMP_CACHE_BYTES: the alignment of allocations that ask for none.</summary>
    public const ulong DefaultAlignment = 64;

    private readonly List<string> _messages = [];
    private bool _hasMirror;

    /// <summary>An empty memblock.</summary>
    /// <param name="pages">The page size: the first page is never handed out, and arrays of regions take whole pages.</param>
    public Memblock(PageGeometry pages = default)
    {
        Pages = pages;
        Memory = new MemblockRegions("memory");
        Reserved = new MemblockRegions("reserved");
    }

    /// <summary>The page size.</summary>
    public PageGeometry Pages { get; }

    /// <summary>Memory the kernel manages.</summary>
    public MemblockRegions Memory { get; }

    /// <summary>What is taken, whether it lies in <see cref="Memory"/> or not.</summary>
    public MemblockRegions Reserved { get; }

    /// <summary>Whether searches start at the bottom; they start at the top by default (memblock_set_bottom_up).</summary>
    public bool BottomUp { get; set; }

    /// <summary>Whether the arrays of regions may grow (memblock_allow_resize); before, the kernel does not know yet where it may put them.</summary>
    public bool AllowResize { get; set; }

    /// <summary><c>movable_node</c>: hot-pluggable memory gets nothing that cannot move.</summary>
    public bool MovableNode { get; set; }

    /// <summary>Where allocations end that give no end themselves (memblock_set_current_limit).</summary>
    public AddressLimit CurrentLimit { get; set; } = AddressLimit.Top;

    /// <summary>What the kernel would print on the way, in order.</summary>
    public IReadOnlyList<string> Messages => _messages;

    /// <summary>Adds memory; what is memory already keeps its node and flags (memblock_add, memblock_add_node).</summary>
    /// <param name="start">First address.</param>
    /// <param name="size">Bytes; what would lie beyond 2^64 is cut off, as the returned range shows.</param>
    /// <param name="node">NUMA node.</param>
    /// <param name="flags">What is special about it.</param>
    /// <returns>The range after the cut.</returns>
    /// <exception cref="MemblockException">The array of regions is full, or the memory was released already.</exception>
    public PhysRange Add(PhysAddr start, AddressLimit size, int node = NoNode, MemblockFlags flags = MemblockFlags.None)
    {
        _hasMirror |= flags.HasFlag(MemblockFlags.Mirror);
        return AddTo(Memory, Cap(start, size), node, flags);
    }

    /// <summary>Marks addresses as taken; they may be no memory, or taken already (memblock_reserve).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange Reserve(PhysAddr start, AddressLimit size) => AddTo(Reserved, Cap(start, size), NoNode, MemblockFlags.None);

    /// <summary>Takes memory out; what is none is passed over (memblock_remove).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange Remove(PhysAddr start, AddressLimit size) => RemoveFrom(Memory, Cap(start, size));

    /// <summary>Makes taken addresses free again; what is free is passed over (memblock_free).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange Free(PhysAddr start, AddressLimit size) => RemoveFrom(Reserved, Cap(start, size));

    /// <summary>Gives memory a node; regions that cross an end are split (memblock_set_node).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange SetNode(PhysAddr start, AddressLimit size, int node) => Change(start, size, region => region with { Node = node });

    /// <summary>Sets <see cref="MemblockFlags.NoMap"/> (memblock_mark_nomap).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange MarkNoMap(PhysAddr start, AddressLimit size) => SetFlag(start, size, MemblockFlags.NoMap);

    /// <summary>Clears <see cref="MemblockFlags.NoMap"/> (memblock_clear_nomap).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange ClearNoMap(PhysAddr start, AddressLimit size) => ClearFlag(start, size, MemblockFlags.NoMap);

    /// <summary>Sets <see cref="MemblockFlags.Hotplug"/> (memblock_mark_hotplug).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange MarkHotplug(PhysAddr start, AddressLimit size) => SetFlag(start, size, MemblockFlags.Hotplug);

    /// <summary>Clears <see cref="MemblockFlags.Hotplug"/> (memblock_clear_hotplug).</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange ClearHotplug(PhysAddr start, AddressLimit size) => ClearFlag(start, size, MemblockFlags.Hotplug);

    /// <summary>Sets <see cref="MemblockFlags.Mirror"/> (memblock_mark_mirror); from now on all that is placed prefers mirrored memory.</summary>
    /// <inheritdoc cref="Add"/>
    public PhysRange MarkMirror(PhysAddr start, AddressLimit size)
    {
        _hasMirror = true;
        return SetFlag(start, size, MemblockFlags.Mirror);
    }

    /// <summary>Moves both ends of each region inwards to a multiple of <paramref name="alignment"/>; one with nothing left goes (memblock_trim_memory).</summary>
    /// <param name="alignment">A power of two, in bytes.</param>
    /// <returns>Bytes that are memory no longer.</returns>
    public AddressLimit TrimMemory(ulong alignment)
    {
        RefuseIfReleased();
        _ = PhysAddr.Zero.IsAligned(alignment);
        var before = Memory.TotalSize;
        for (var i = Memory.Count - 1; i >= 0; i--)
        {
            var region = Memory[i];
            var end = region.Range.End.IsTop ? AddressLimit.Top : new AddressLimit(region.Range.End.Value & ~(alignment - 1));
            var start = unchecked(region.Range.Start.Value + alignment - 1) & ~(alignment - 1);
            // Rounding up past the last address gives 0: nothing of the region is left then.
            if (start < region.Range.Start.Value || end <= start)
                Memory.RemoveAt(i, 1);
            else
                Memory.Replace(i, region with { Range = PhysRange.FromBounds(new PhysAddr(start), end) });
        }
        return Difference(before, Memory.TotalSize);
    }

    /// <summary>Whether <paramref name="address"/> is memory (memblock_is_memory).</summary>
    public bool IsMemory(PhysAddr address) => Memory.IndexOf(address) >= 0;

    /// <summary>Whether <paramref name="address"/> is memory in the linear map (memblock_is_map_memory).</summary>
    public bool IsMapMemory(PhysAddr address) => Memory.IndexOf(address) is >= 0 and var index && !Memory[index].Flags.HasFlag(MemblockFlags.NoMap);

    /// <summary>Whether <paramref name="address"/> is taken (memblock_is_reserved).</summary>
    public bool IsReserved(PhysAddr address) => Reserved.IndexOf(address) >= 0;

    /// <summary>Whether all of <paramref name="range"/> lies in one region of memory (memblock_is_region_memory).</summary>
    public bool IsRegionMemory(PhysRange range) => Memory.IndexOf(range.Start) is >= 0 and var index && Memory[index].Range.Contains(range);

    /// <summary>Whether some of <paramref name="range"/> is taken (memblock_is_region_reserved).</summary>
    public bool IsRegionReserved(PhysRange range) => Reserved.Overlaps(range);

    /// <summary>The lowest address of memory (memblock_start_of_DRAM); 0 where there is none.</summary>
    public PhysAddr StartOfDram => Memory.Count == 0 ? PhysAddr.Zero : Memory[0].Range.Start;

    /// <summary>The end of memory (memblock_end_of_DRAM); 0 where there is none.</summary>
    public AddressLimit EndOfDram => Memory.Count == 0 ? default : Memory[^1].Range.End;

    private PhysRange SetFlag(PhysAddr start, AddressLimit size, MemblockFlags flag) =>
        Change(start, size, region => region with { Flags = region.Flags | flag });

    private PhysRange ClearFlag(PhysAddr start, AddressLimit size, MemblockFlags flag) =>
        Change(start, size, region => region with { Flags = region.Flags & ~flag });

    private PhysRange Change(PhysAddr start, AddressLimit size, Func<MemblockRegion, MemblockRegion> change)
    {
        RefuseIfReleased();
        var range = Cap(start, size);
        if (!Memory.Isolate(range, Grow, out var first, out var end))
            throw Full(Memory, range);
        for (var i = first; i < end; i++)
            Memory.Replace(i, change(Memory[i]));
        Memory.Merge();
        return range;
    }

    private PhysRange AddTo(MemblockRegions regions, PhysRange range, int node, MemblockFlags flags)
    {
        RefuseIfReleased();
        return regions.Add(range, node, flags, Grow, other => Differs(regions, range, other)) ? range : throw Full(regions, range);
    }

    private PhysRange RemoveFrom(MemblockRegions regions, PhysRange range)
    {
        RefuseIfReleased();
        return regions.Remove(range, Grow) ? range : throw Full(regions, range);
    }

    private static PhysRange Cap(PhysAddr start, AddressLimit size)
    {
        var room = AddressLimit.Top.SizeFrom(start.Value);
        return new PhysRange(start, size < room ? size : room);
    }

    private static AddressLimit Difference(AddressLimit larger, AddressLimit smaller) =>
        smaller.IsTop ? default : larger.SizeFrom(smaller.Value);

    private void Differs(MemblockRegions regions, PhysRange range, MemblockRegion other) => _messages.Add(
        $"memblock: {regions.Name} {range} overlaps {other.Range} (flags {other.Flags}, node {other.Node}), which keeps its flags and node");

    private static MemblockException Full(MemblockRegions regions, PhysRange range) => new(
        MemblockError.NoMemory,
        $"The array of {regions.Name} regions is full ({regions.Count.ToString(CultureInfo.InvariantCulture)} of "
        + $"{regions.Capacity.ToString(CultureInfo.InvariantCulture)}) and cannot grow for {range}.");
}
