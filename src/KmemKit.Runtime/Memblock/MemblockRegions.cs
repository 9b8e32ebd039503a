using System;
using System.Collections;
using System.Collections.Generic;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

/// <summary>An ordered list of regions: what memblock knows as memory, or as reserved (struct memblock_type, mm/memblock.c).</summary>
/// <remarks>
/// <para>Invariant: sorted, no two regions overlap, and regions that touch differ in node or flags (the list is minimal) after every operation.</para>
/// <para>
/// The kernel keeps the list in an array of 128 entries that doubles when it is full and then takes memory itself. The entries are counted here in the same
/// way (<see cref="Capacity"/>, <see cref="Growths"/>), so that a board whose boot would fill the array does so here.
/// </para>
/// </remarks>
public sealed class MemblockRegions : IReadOnlyList<MemblockRegion>
{
    /// <summary>INIT_MEMBLOCK_REGIONS: entries of the array that is there from the start.</summary>
    public const int InitialCapacity = 128;

    private readonly List<MemblockRegion> _regions = [];
    private UInt128 _total;

    internal MemblockRegions(string name) => Name = name;

    /// <summary><c>memory</c> or <c>reserved</c>.</summary>
    public string Name { get; }

    /// <summary>Regions in the list.</summary>
    public int Count => _regions.Count;

    /// <summary>Entries the array has.</summary>
    public int Capacity { get; internal set; } = InitialCapacity;

    /// <summary>How often the array was doubled.</summary>
    public int Growths { get; internal set; }

    /// <summary>Where the array is, once it has been doubled and takes memory of its own; null for the one that is there from the start.</summary>
    public PhysRange? ArrayRange { get; internal set; }

    /// <summary>Bytes in all regions.</summary>
    public AddressLimit TotalSize => _total >> 64 != 0 ? AddressLimit.Top : (ulong)_total;

    /// <summary>The region at <paramref name="index"/>, counted from the lowest address.</summary>
    public MemblockRegion this[int index] => _regions[index];

    /// <inheritdoc/>
    public IEnumerator<MemblockRegion> GetEnumerator() => _regions.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>The index of the region that contains <paramref name="address"/>; -1 where there is none (memblock_search).</summary>
    public int IndexOf(PhysAddr address)
    {
        var index = FirstEndingAbove(address);
        return index < Count && _regions[index].Range.Contains(address) ? index : -1;
    }

    /// <summary>Whether a region shares an address with <paramref name="range"/> (memblock_overlaps_region).</summary>
    public bool Overlaps(PhysRange range)
    {
        var index = FirstEndingAbove(range.Start);
        return index < Count && _regions[index].Range.Overlaps(range);
    }

    internal int FirstEndingAbove(PhysAddr address)
    {
        int low = 0, high = Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_regions[middle].Range.End > address.Value)
                high = middle;
            else
                low = middle + 1;
        }
        return low;
    }

    /// <summary>
    /// Adds what of <paramref name="range"/> is in no region yet; existing regions keep their node and flags (memblock_add_range).
    /// </summary>
    /// <returns>False where the array is full and <paramref name="grow"/> could not double it: nothing is added.</returns>
    internal bool Add(PhysRange range, int node, MemblockFlags flags, Func<MemblockRegions, PhysRange, bool> grow, Action<MemblockRegion> differs)
    {
        if (range.IsEmpty)
            return true;
        // Counted anew after each growth: the array's own memory may have been reserved in this very list.
        var gaps = Gaps(range);
        while (gaps.Count > 0 && Count + gaps.Count > Capacity)
        {
            if (!grow(this, range))
                return false;
            gaps = Gaps(range);
        }
        for (var i = FirstEndingAbove(range.Start); i < Count && _regions[i].Range.Overlaps(range); i++)
        {
            if (_regions[i].Node != node || _regions[i].Flags != flags)
                differs(_regions[i]);
        }
        foreach (var gap in gaps)
            Insert(new MemblockRegion(gap, flags, node));
        if (gaps.Count > 0)
            Merge();
        return true;
    }

    /// <summary>Cuts regions at both ends of <paramref name="range"/> and gives the indexes of those inside (memblock_isolate_range).</summary>
    /// <returns>False where there might be no room for two more regions and the array cannot grow: nothing is cut.</returns>
    internal bool Isolate(PhysRange range, Func<MemblockRegions, PhysRange, bool> grow, out int first, out int end)
    {
        first = end = 0;
        if (range.IsEmpty || Count == 0)
            return true;
        while (Count + 2 > Capacity)
        {
            if (!grow(this, range))
                return false;
        }
        SplitAt(range.Start.Value);
        SplitAt(range.End);
        first = end = FirstEndingAbove(range.Start);
        while (end < Count && _regions[end].Range.Overlaps(range))
            end++;
        return true;
    }

    /// <summary>Takes <paramref name="range"/> out of all regions (memblock_remove_range).</summary>
    internal bool Remove(PhysRange range, Func<MemblockRegions, PhysRange, bool> grow)
    {
        if (!Isolate(range, grow, out var first, out var end))
            return false;
        RemoveAt(first, end - first);
        return true;
    }

    internal void RemoveAt(int index, int count)
    {
        for (var i = index; i < index + count; i++)
            _total -= Bytes(_regions[i].Range);
        _regions.RemoveRange(index, count);
    }

    internal void Replace(int index, MemblockRegion region)
    {
        _total = _total - Bytes(_regions[index].Range) + Bytes(region.Range);
        _regions[index] = region;
    }

    /// <summary>Makes one region of neighbours that touch and have the same node and flags (memblock_merge_regions).</summary>
    internal void Merge()
    {
        var kept = 0;
        for (var i = 1; i < Count; i++)
        {
            var last = _regions[kept];
            var next = _regions[i];
            if (last.Range.End == next.Range.Start.Value && last.Node == next.Node && last.Flags == next.Flags)
                _regions[kept] = last with { Range = PhysRange.FromBounds(last.Range.Start, next.Range.End) };
            else
                _regions[++kept] = next;
        }
        if (kept + 1 < Count)
            _regions.RemoveRange(kept + 1, Count - kept - 1);
    }

    private void Insert(MemblockRegion region)
    {
        _regions.Insert(FirstEndingAbove(region.Range.Start), region);
        _total += Bytes(region.Range);
    }

    private void SplitAt(AddressLimit at)
    {
        if (at.IsTop)
            return;
        var address = new PhysAddr(at.Value);
        var index = IndexOf(address);
        if (index < 0 || _regions[index].Range.Start == address)
            return;
        var region = _regions[index];
        _regions[index] = region with { Range = PhysRange.FromBounds(address, region.Range.End) };
        _regions.Insert(index, region with { Range = PhysRange.FromBounds(region.Range.Start, at) });
    }

    private List<PhysRange> Gaps(PhysRange range)
    {
        var gaps = new List<PhysRange>();
        AddressLimit done = range.Start.Value;
        for (var i = FirstEndingAbove(range.Start); i < Count && _regions[i].Range.Overlaps(range); i++)
        {
            var region = _regions[i].Range;
            if (region.Start.Value > done)
                gaps.Add(PhysRange.FromBounds(new PhysAddr(done.Value), region.Start.Value));
            done = region.End;
        }
        if (done < range.End)
            gaps.Add(PhysRange.FromBounds(new PhysAddr(done.Value), range.End));
        return gaps;
    }

    private static UInt128 Bytes(PhysRange range) => range.Size.IsTop ? UInt128.One << 64 : range.Size.Value;
}
