using KmemKit.Architecture;

namespace KmemKit.Runtime.Memblock;

public sealed partial class Memblock
{
    /// <summary>
    /// <c>mem=</c> as an amount: keeps the lowest <paramref name="limit"/> bytes of memory, and takes all above them out of memory and of what is reserved
    /// (memblock_enforce_memory_limit).
    /// </summary>
    /// <param name="limit">Bytes; 0, or more than there is, changes nothing.</param>
    /// <returns>Bytes that are memory no longer.</returns>
    public AddressLimit EnforceMemoryLimit(ulong limit)
    {
        var before = Memory.TotalSize;
        if (limit != 0 && EndOfFirst(limit) is { } end && !end.IsTop)
        {
            var above = PhysRange.FromBounds(new PhysAddr(end.Value), AddressLimit.Top);
            RemoveFrom(Memory, above);
            RemoveFrom(Reserved, above);
        }
        return Difference(before, Memory.TotalSize);
    }

    /// <summary>
    /// Keeps memory inside <paramref name="range"/> only. <see cref="MemblockFlags.NoMap"/> memory stays wherever it is, because others use it; what is
    /// reserved outside is not reserved any more (memblock_cap_memory_range).
    /// </summary>
    /// <returns>Bytes that are memory no longer.</returns>
    public AddressLimit CapMemoryRange(PhysRange range)
    {
        RefuseIfReleased();
        var before = Memory.TotalSize;
        if (range.IsEmpty || Memory.Count == 0)
            return default;
        if (!Memory.Isolate(range, Grow, out _, out _))
            throw Full(Memory, range);
        for (var i = Memory.Count - 1; i >= 0; i--)
        {
            if (!range.Contains(Memory[i].Range) && !Memory[i].Flags.HasFlag(MemblockFlags.NoMap))
                Memory.RemoveAt(i, 1);
        }
        Memory.Merge();
        RemoveFrom(Reserved, PhysRange.FromBounds(PhysAddr.Zero, range.Start.Value));
        if (!range.End.IsTop)
            RemoveFrom(Reserved, PhysRange.FromBounds(new PhysAddr(range.End.Value), AddressLimit.Top));
        return Difference(before, Memory.TotalSize);
    }

    /// <summary>
    /// <c>mem=</c> of arm64: as <see cref="EnforceMemoryLimit"/>, but <see cref="MemblockFlags.NoMap"/> memory stays (memblock_mem_limit_remove_map).
    /// </summary>
    /// <inheritdoc cref="EnforceMemoryLimit"/>
    public AddressLimit LimitMappedMemory(ulong limit) => limit != 0 && EndOfFirst(limit) is { } end
        ? CapMemoryRange(PhysRange.FromBounds(PhysAddr.Zero, end))
        : default;

    // Null where there is less memory than that.
    private AddressLimit? EndOfFirst(ulong limit)
    {
        foreach (var region in Memory)
        {
            if (region.Range.Size >= limit)
                return AddressLimit.FromStartAndSize(region.Range.Start.Value, limit);
            limit -= region.Range.Size.Value;
        }
        return null;
    }
}
