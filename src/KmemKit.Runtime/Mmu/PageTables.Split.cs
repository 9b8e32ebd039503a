using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Large leaves made small.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>Makes every leaf of a range that has more than <paramref name="largestLeaf"/> bytes into smaller ones that map the same. Holes are left alone.</summary>
    /// <param name="cpu">Who asks; tables come from it.</param>
    /// <param name="virt">The first address, a multiple of the smallest page.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <param name="largestLeaf">Bytes of the largest leaf that may stay; at least a page.</param>
    /// <returns>What is wrong, if something is; then nothing has changed.</returns>
    /// <remarks>A leaf that reaches beyond the range is the caller's as a whole.</remarks>
    public PageTableResult Split(Cpu cpu, VirtAddr virt, ulong size, ulong largestLeaf)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentOutOfRangeException.ThrowIfLessThan(largestLeaf, _pageMask + 1);
        var error = CheckRange(virt.Value, size);
        if (error != PageTableError.None)
            return Refused(error, virt.Value);
        var spare = default(TableReserve);
        if (!spare.TryFill(_tables, cpu, TablesToSplit(RootTable, _format.RootLevel, virt.Value, size, largestLeaf)))
            return Refused(PageTableError.NoMemory, virt.Value);
        var result = SplitIn(RootTable, _format.RootLevel, virt.Value, size, largestLeaf, 0, ref spare);
        if (Mirror(virt.Value, size))
            Domain.Invalidate(ScopeOf(virt.Value, virt.Value + (size - 1)));
        spare.GiveAll(_tables, cpu);
        return result;
    }

    private long TablesToSplit(byte* table, int level, ulong virt, ulong size, ulong largest)
    {
        if (level == _format.LastLevel)
            return 0;
        var bytes = 1UL << _format.LevelShift(level);
        var tables = 0L;
        while (size != 0)
        {
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var descriptor = Read(table, _format.Index(virt, level));
            if (_format.IsTable(descriptor, level))
                tables += TablesToSplit(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, largest);
            else if (_format.KindOf(descriptor, level) == DescriptorKind.Leaf)
                tables += TablesBelow(level, chunk, largest);
            (virt, size) = (unchecked(virt + chunk), size - chunk);
        }
        return tables;
    }

    // Tables that a leaf of one descriptor of the level needs where it may be no larger; below it only what is in the range has to be so.
    private long TablesBelow(int level, ulong chunk, ulong largest)
    {
        if (1UL << _format.LevelShift(level) <= largest || level == _format.LastLevel)
            return 0;
        var below = _format.NextLevel(level);
        var shift = _format.LevelShift(below);
        // A chunk need not be aligned: it may touch one more leaf than its size has.
        var leaves = Math.Min(chunk >> shift, (ulong)_format.TableEntries(below)) + 1;
        return 1 + ((long)leaves * TablesBelow(below, 1UL << shift, largest));
    }

    private PageTableResult SplitIn(byte* table, int level, ulong virt, ulong size, ulong largest, ulong limits, ref TableReserve spare)
    {
        var bytes = 1UL << _format.LevelShift(level);
        while (size != 0)
        {
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var index = _format.Index(virt, level);
            var descriptor = Read(table, index);
            if (_format.KindOf(descriptor, level) == DescriptorKind.Leaf && _format.ShapeOf(descriptor, level).Bytes > largest)
            {
                var result = SplitLeaf(table, index, level, virt, largest, limits, ref spare);
                if (!result.IsOk)
                    return result;
                descriptor = Read(table, index);
            }
            if (_format.IsTable(descriptor, level))
            {
                var handed = limits | _format.Limits(descriptor, level);
                var result = SplitIn(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, largest, handed, ref spare);
                if (!result.IsOk)
                    return result;
            }
            (virt, size) = (unchecked(virt + chunk), size - chunk);
        }
        return default;
    }

    // Makes the leaf at an address one step smaller: a group becomes single leaves of its level, and those become a table where they are still too large.
    private PageTableResult SplitLeaf(byte* table, int index, int level, ulong virt, ulong largest, ulong limits, ref TableReserve spare)
    {
        var descriptor = Read(table, index);
        var shape = _format.ShapeOf(descriptor, level);
        if (shape.Count > 1)
        {
            var result = Ungroup(table, index & ~(shape.Count - 1), level, virt & ~(shape.Bytes - 1), shape, limits);
            if (!result.IsOk || shape.Bytes / shape.Count <= largest)
                return result;
            descriptor = Read(table, index);
        }
        return MakeTable(table, index, level, virt & ~((1UL << _format.LevelShift(level)) - 1), descriptor, limits, ref spare);
    }

    private PageTableResult Ungroup(byte* table, int index, int level, ulong virt, in LeafShape shape, ulong limits)
    {
        if (!TrySingle(level, out var single))
            return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, EncodingRefusal.BadLevel);
        Span<ulong> members = stackalloc ulong[shape.Count];
        for (var i = 0; i < shape.Count; i++)
        {
            members[i] = Read(table, index + i);
            var refusal = TrySingleOf(members[i], level, i, shape, single, limits, default, out _);
            if (refusal != EncodingRefusal.None)
                return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, refusal);
        }
        var scope = ScopeOf(virt, virt + (shape.Bytes - 1));
        if (Domain.IsWatching)
            Domain.Changes!.Break(MappingChangeKind.Split, scope);
        if (_breaks)
        {
            // A CPU that marks one of them as used does so before it is taken out, or not at all.
            for (var i = 0; i < shape.Count; i++)
                members[i] = Exchange(table, index + i, 0);
            Domain.Invalidate(scope);
            PutSingles(table, index, level, members, shape, single, limits);
            return default;
        }
        PutSingles(table, index, level, members, shape, single, limits);
        Domain.Invalidate(scope);
        // Until now one translation stood for all: whoever got a mark by it, got it for the others.
        for (var i = 0; i < shape.Count; i++)
            members[i] = Read(table, index + i);
        PutSingles(table, index, level, members, single, single, limits);
        return default;
    }

    // The members of a group, or what was made of them, as leaves of their own: what was used or written in one of them is so in all.
    private void PutSingles(byte* table, int index, int level, ReadOnlySpan<ulong> members, in LeafShape shape, in LeafShape single, ulong limits)
    {
        var marks = default(PageAttributes);
        foreach (var member in members)
        {
            var was = _format.DecodeLeaf(member, level, limits);
            marks = marks with { IsAccessed = marks.IsAccessed || was.IsAccessed, IsDirty = marks.IsDirty || was.IsDirty };
        }
        for (var i = 0; i < members.Length; i++)
        {
            _ = TrySingleOf(members[i], level, i, shape, single, limits, marks, out var made);
            Put(table, index + i, level, made);
        }
    }

    private EncodingRefusal TrySingleOf(
        ulong old, int level, int place, in LeafShape shape, in LeafShape single, ulong limits, in PageAttributes marks, out ulong made)
    {
        var output = _format.LeafAddress(old, level) + (shape.Step == 0 && shape.Count > 1 ? (ulong)place << _format.LevelShift(level) : 0);
        var was = _format.DecodeLeaf(old, level, limits);
        return _format.TryEncodeLeaf(output, was with { IsAccessed = was.IsAccessed || marks.IsAccessed, IsDirty = was.IsDirty || marks.IsDirty }, single, out made);
    }

    private PageTableResult MakeTable(byte* table, int index, int level, ulong virt, ulong descriptor, ulong limits, ref TableReserve spare)
    {
        var below = _format.NextLevel(level);
        if (!TrySingle(below, out var single))
            return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, EncodingRefusal.BadLevel);
        var scope = ScopeOf(virt, virt + ((1UL << _format.LevelShift(level)) - 1));
        var fresh = spare.Pop(out var address);
        var isWatched = Domain.IsWatching;
        while (true)
        {
            var attributes = _format.DecodeLeaf(descriptor, level, limits);
            var refusal = _format.TryEncodeLeaf(0, attributes, single, out var template);
            var link = 0UL;
            if (refusal == EncodingRefusal.None)
                refusal = _format.TryEncodeTable(address, level, _format.TableFor(attributes, single), out link);
            if (refusal != EncodingRefusal.None)
            {
                spare.Push(fresh, address);
                return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, refusal);
            }
            FillSingles(fresh, 0, _format.TableEntries(below), _format.LeafAddress(descriptor, level), template, single);
            if (isWatched)
                Domain.Changes!.Break(MappingChangeKind.Split, scope);
            isWatched = false;
            // Where a CPU marks the leaf as used meanwhile, its pages are made anew with the mark.
            if (!TryLink(table, index, descriptor, _breaks ? 0 : link, out var found))
            {
                descriptor = found;
                continue;
            }
            Domain.Invalidate(scope);
            if (_breaks)
                Write(table, index, link);
            return default;
        }
    }

    // Splits the leaves that reach over an end of the range, until none does.
    private PageTableResult SplitEnds(Cpu cpu, ulong virt, ulong size)
    {
        var needed = TablesAtEnd(virt) + TablesAtEnd(unchecked(virt + size));
        if (needed == 0)
            return default;
        var spare = default(TableReserve);
        // Groups alone need no table: they count as one that is given back.
        if (!spare.TryFill(_tables, cpu, needed))
            return Refused(PageTableError.NoMemory, virt);
        var result = SplitAt(virt, ref spare);
        if (result.IsOk)
            result = SplitAt(unchecked(virt + size), ref spare);
        spare.GiveAll(_tables, cpu);
        return result;
    }

    private long TablesAtEnd(ulong end)
    {
        if ((end & ((1UL << _largestShift) - 1)) == 0 || !_format.Translates(end))
            return 0;
        var found = Walk(new VirtAddr(end));
        if (!found.IsMapped || (end & (_format.ShapeOf(found.Descriptor, found.Level).Bytes - 1)) == 0)
            return 0;
        var tables = 1L;
        for (var level = found.Level; level != _format.LastLevel && (end & ((1UL << _format.LevelShift(level)) - 1)) != 0; level = _format.NextLevel(level))
            tables++;
        return tables;
    }

    private PageTableResult SplitAt(ulong end, ref TableReserve spare)
    {
        if (!_format.Translates(end))
            return default;
        var table = RootTable;
        var limits = 0UL;
        for (var level = _format.RootLevel; ;)
        {
            var index = _format.Index(end, level);
            var descriptor = Read(table, index);
            if (_format.IsTable(descriptor, level))
            {
                limits |= _format.Limits(descriptor, level);
                table = Host(_format.TableAddress(descriptor, level));
                level = _format.NextLevel(level);
                continue;
            }
            if (_format.KindOf(descriptor, level) != DescriptorKind.Leaf || (end & (_format.ShapeOf(descriptor, level).Bytes - 1)) == 0)
                return default;
            // As large as the place of the end allows.
            var result = SplitLeaf(table, index, level, end, end & unchecked(0 - end), limits, ref spare);
            if (!result.IsOk)
                return result;
        }
    }

    private bool TrySingle(int level, out LeafShape single)
    {
        foreach (var shape in _shapes)
        {
            if (shape.Level == level && shape.Count == 1)
            {
                single = shape;
                return true;
            }
        }
        single = default;
        return false;
    }
}
