using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Small leaves made large.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>
    /// Puts one leaf in the place of small ones that map memory in a row with the same attributes, wherever a larger one fits: pages to groups, tables to blocks.
    /// What was used or written in one of them is so in the whole.
    /// </summary>
    /// <param name="cpu">Where tables go.</param>
    /// <param name="virt">The first address, a multiple of the smallest page. Only leaves wholly in the range are joined.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <param name="largestLeaf">No leaf that is made has more bytes than this.</param>
    /// <param name="joined">Leaves that were made.</param>
    /// <returns>What is wrong with the range, if something is.</returns>
    /// <remarks>Where break-before-make is demanded, the addresses fault for a moment on other CPUs.</remarks>
    public PageTableResult Join(Cpu cpu, VirtAddr virt, ulong size, out int joined, ulong largestLeaf = ulong.MaxValue)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        joined = 0;
        var error = CheckRange(virt.Value, size);
        if (error != PageTableError.None)
            return Refused(error, virt.Value);
        joined = JoinIn(cpu, RootTable, _format.RootLevel, virt.Value, size, largestLeaf, 0);
        return default;
    }

    private int JoinIn(Cpu cpu, byte* table, int level, ulong virt, ulong size, ulong largest, ulong limits)
    {
        var bytes = 1UL << _format.LevelShift(level);
        var joined = 0;
        var (first, all) = (virt, size);
        while (size != 0)
        {
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var index = _format.Index(virt, level);
            var descriptor = Read(table, index);
            if (level != _format.LastLevel && _format.IsTable(descriptor, level))
            {
                var handed = limits | _format.Limits(descriptor, level);
                joined += JoinIn(cpu, Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, largest, handed);
                if (chunk == bytes && bytes <= largest && TryJoinTable(cpu, table, index, level, virt, limits))
                    joined++;
            }
            (virt, size) = (unchecked(virt + chunk), size - chunk);
        }
        foreach (var shape in _shapes)
        {
            if (shape.Level == level && shape.Count > 1 && shape.Bytes <= largest)
                joined += GroupIn(table, level, first, all, shape, limits);
        }
        return joined;
    }

    private bool TryJoinTable(Cpu cpu, byte* table, int index, int level, ulong virt, ulong limits)
    {
        var descriptor = Read(table, index);
        var address = _format.TableAddress(descriptor, level);
        var below = _format.NextLevel(level);
        var count = _format.TableEntries(below);
        var sub = Host(address);
        if (!TrySingle(level, out var single) || !AreOne(sub, 0, count, below, limits | _format.Limits(descriptor, level), single.Bytes, out var output, out var attributes)
            || _format.TryEncodeLeaf(output, attributes, single, out var block) != EncodingRefusal.None)
        {
            return false;
        }
        var scope = ScopeOf(virt, virt + (single.Bytes - 1));
        if (Domain.IsWatching)
            Domain.Changes!.Break(MappingChangeKind.Join, scope);
        Write(table, index, _breaks ? 0 : block);
        Domain.Invalidate(scope);
        // Now no walk is in the table any longer: what it was marked with meanwhile counts.
        _ = AreOne(sub, 0, count, below, limits | _format.Limits(descriptor, level), single.Bytes, out _, out attributes);
        _ = _format.TryEncodeLeaf(output, attributes, single, out block);
        Put(table, index, level, block);
        // Followers pointed to the table until now.
        if (Mirror(virt, single.Bytes))
            Domain.Invalidate(scope);
        _tables.Give(cpu, address);
        return true;
    }

    private int GroupIn(byte* table, int level, ulong virt, ulong size, LeafShape shape, ulong limits)
    {
        var made = 0;
        var bytes = shape.Bytes;
        var start = (virt + (bytes - 1)) & ~(bytes - 1);
        var end = virt + (size - 1);
        for (var at = start; at >= virt && at <= end && end - at >= bytes - 1; at = unchecked(at + bytes))
        {
            var index = _format.Index(at, level);
            if (_format.KindOf(Read(table, index), level) != DescriptorKind.Leaf || _format.ShapeOf(Read(table, index), level).Bytes >= bytes)
                continue;
            if (!AreOne(table, index, shape.Count, level, limits, bytes, out var output, out var attributes)
                || _format.TryEncodeLeaf(output, attributes, shape, out var first) != EncodingRefusal.None)
            {
                continue;
            }
            var scope = ScopeOf(at, at + (bytes - 1));
            if (Domain.IsWatching)
                Domain.Changes!.Break(MappingChangeKind.Join, scope);
            var (wasUsed, wasWritten) = (attributes.IsAccessed, attributes.IsDirty);
            if (_breaks)
            {
                for (var i = 0; i < shape.Count; i++)
                {
                    var was = _format.DecodeLeaf(Exchange(table, index + i, 0), level, limits);
                    wasUsed |= was.IsAccessed;
                    wasWritten |= was.IsDirty;
                }
                Domain.Invalidate(scope);
                _ = _format.TryEncodeLeaf(output, attributes with { IsAccessed = wasUsed, IsDirty = wasWritten }, shape, out first);
            }
            for (var i = 0; i < shape.Count; i++)
                Put(table, index + i, level, unchecked(first + ((ulong)i * shape.Step)));
            if (Mirror(at, bytes) || !_breaks)
                Domain.Invalidate(scope);
            made++;
        }
        return made;
    }

    // Whether descriptors in a row are leaves that one of so many bytes can stand for.
    private bool AreOne(byte* table, int index, int count, int level, ulong limits, ulong bytes, out ulong output, out PageAttributes attributes)
    {
        (output, attributes) = (0, default);
        var shift = _format.LevelShift(level);
        for (var i = 0; i < count; i++)
        {
            var descriptor = Read(table, index + i);
            if (_format.KindOf(descriptor, level) != DescriptorKind.Leaf)
                return false;
            var offset = (ulong)i << shift;
            var at = _format.LeafAddress(descriptor, level) + (offset & ((1UL << _format.LeafShift(descriptor, level)) - 1));
            var here = _format.DecodeLeaf(descriptor, level, limits);
            if (i == 0)
            {
                if ((at & (bytes - 1)) != 0)
                    return false;
                (output, attributes) = (at, here);
                continue;
            }
            if (at != output + offset || here with { IsAccessed = attributes.IsAccessed, IsDirty = attributes.IsDirty } != attributes)
                return false;
            attributes = attributes with { IsAccessed = attributes.IsAccessed || here.IsAccessed, IsDirty = attributes.IsDirty || here.IsDirty };
        }
        return true;
    }
}
