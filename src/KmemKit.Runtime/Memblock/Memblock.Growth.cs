using System.Globalization;
using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

public sealed partial class Memblock
{
    /// <summary>Bytes of a region in the kernel's array on a 64-bit NUMA machine (struct memblock_region: base, size, flags, nid).</summary>
    private const ulong EntryBytes = 24;

    /// <summary>Doubles an array of regions: its new place is reserved, its old place, unless it is the first array, is free again (memblock_double_array).</summary>
    /// <param name="regions">The list whose array is full.</param>
    /// <param name="coming">What is about to be put into it. A bigger array of <see cref="Reserved"/> must not be placed there.</param>
    private bool Grow(MemblockRegions regions, PhysRange coming)
    {
        var doubled = regions.Capacity * 2;
        var size = Alignment.Up((ulong)doubled * EntryBytes, Pages.PageSize);
        if (!AllowResize || IsReleased || PlaceForArray(regions, coming, size) is not { } place)
        {
            _messages.Add(string.Create(
                CultureInfo.InvariantCulture, $"memblock: Failed to double {regions.Name} array from {regions.Capacity} to {doubled} entries !"));
            return false;
        }
        var range = new PhysRange(place, size);
        _messages.Add(string.Create(
            CultureInfo.InvariantCulture, $"memblock: {regions.Name} is doubled to {doubled} at [0x{place.Value:x16}-0x{range.Last.Value:x16}]"));
        var old = regions.ArrayRange;
        regions.Capacity = doubled;
        regions.Growths++;
        regions.ArrayRange = range;
        // The list has room now, so neither of these grows it again; the other list's may grow, and then it is the other's turn to come here.
        if (old is { } freed)
            RemoveFrom(Reserved, freed);
        AddTo(Reserved, range, NoNode, MemblockFlags.None);
        return true;
    }

    private PhysAddr? PlaceForArray(MemblockRegions regions, PhysRange coming, ulong size)
    {
        if (regions != Reserved)
            return FindInRange(PhysAddr.Zero, CurrentLimit, size, Pages.PageSize);
        var above = coming.End.IsTop ? null : FindInRange(new PhysAddr(coming.End.Value), CurrentLimit, size, Pages.PageSize);
        AddressLimit below = coming.Start.Value;
        return above ?? FindInRange(PhysAddr.Zero, below < CurrentLimit ? below : CurrentLimit, size, Pages.PageSize);
    }
}
