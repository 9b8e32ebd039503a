using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Mmu;

/// <summary>Mapping.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>Maps a range of virtual addresses to physical ones in a row, with the largest leaves that fit and <paramref name="prot"/> allows.</summary>
    /// <param name="cpu">Who asks; tables that are missing come from it.</param>
    /// <param name="virt">The first address, a multiple of the smallest page.</param>
    /// <param name="phys">Where it is mapped to, a multiple of the smallest page.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <param name="prot">The attributes, from <see cref="Prot"/>.</param>
    /// <returns>What is wrong, if something is; then no mapping has changed.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public PageTableResult Map(Cpu cpu, VirtAddr virt, PhysAddr phys, ulong size, PageProt prot) =>
        TryMapPages(virt.Value, phys.Value, size, prot) ? default : MapRange(cpu, virt.Value, phys.Value, size, prot);

    // The usual case: a page or some, fewer than a larger leaf has, in a table that is there. Whatever is not so is left to MapRange, which also says what is wrong.
    private bool TryMapPages(ulong virt, ulong phys, ulong size, PageProt prot)
    {
        // Size 0 wraps to a large number; the last output of pages is all ones from some bit down.
        if (((virt | phys | size) & _pageMask) != 0 || unchecked(size - 1) >= _fewPages
            || (phys | unchecked(phys + (size - 1))) > _lastOutput || !ReferenceEquals(prot.Format, _name))
        {
            return false;
        }
        var descent = new TablesThatLimit(prot.Limits);
        if (!StraightWalk.TryReach(_format, _window, _start, virt, ref descent, out var slot))
            return false;
        var count = (int)(size >> _format.PageShift);
        if (count == 1)
        {
            if (StraightWalk.Read(_format, slot) != 0 || Domain.IsWatching)
                return false;
            Write(slot, 0, prot.Page | _format.OutputField(phys, _pageShape));
            return true;
        }
        if (count > _lastEntries - _format.Index(virt, _format.LastLevel) || FirstUsed(slot, 0, count) >= 0 || Domain.IsWatching)
            return false;
        FillSingles(slot, 0, count, phys, prot.Page, _pageShape);
        return true;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private PageTableResult MapRange(Cpu cpu, ulong virt, ulong phys, ulong size, PageProt prot)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(prot);
        if (!ReferenceEquals(prot.Format, _name))
            throw new ArgumentException($"The attributes are encoded for {prot.Format}, the tables are {_name}.", nameof(prot));
        var error = CheckRange(virt, size);
        if (error == PageTableError.None && (phys & _pageMask) != 0)
            error = PageTableError.Unaligned;
        if (error != PageTableError.None)
            return Refused(error, virt);
        if (size - 1 > ulong.MaxValue - phys)
            return Refused(PageTableError.OutputOutOfRange, virt);
        var result = PlanMap(RootTable, _format.RootLevel, virt, phys, size, prot, out var needed);
        if (!result.IsOk)
            return result;
        var spare = default(TableReserve);
        if (!spare.TryFill(_tables, cpu, needed))
            return Refused(PageTableError.NoMemory, virt);
        if (Domain.IsWatching)
            Domain.Changes!.Make(virt, virt + (size - 1), phys, IsShared ? null : Asid, _breaks);
        MapIn(RootTable, _format.RootLevel, virt, phys, size, prot, cpu, ref spare, isFresh: false);
        Mirror(virt, size);
        spare.GiveAll(_tables, cpu);
        return default;
    }

    // What the range needs, and whether something is in its way. A null table is one that is still to be made.
    private PageTableResult PlanMap(byte* table, int level, ulong virt, ulong phys, ulong size, PageProt prot, out long tables)
    {
        tables = 0;
        while (size != 0)
        {
            var bytes = 1UL << _format.LevelShift(level);
            var shape = ShapeFor(level, virt, phys, size, prot);
            if (shape < 0 && level == _format.LastLevel)
                return Refused(PageTableError.OutputOutOfRange, virt);
            if (shape >= 0)
            {
                var count = RunOf(virt, size, level);
                if (phys + (((ulong)count * bytes) - 1) > _lastOutputs[shape])
                    return Refused(PageTableError.OutputOutOfRange, virt);
                if (table is not null && FirstLive(table, _format.Index(virt, level), count, level) is var live and >= 0)
                    return Refused(PageTableError.AlreadyMapped, FirstLiveAddress(table, _format.Index(virt, level) + live, level, virt + ((ulong)live * bytes)));
                var done = (ulong)count * bytes;
                (virt, phys, size) = (unchecked(virt + done), unchecked(phys + done), size - done);
                continue;
            }
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            byte* next = null;
            if (table is not null)
            {
                var descriptor = Read(table, _format.Index(virt, level));
                switch (_format.KindOf(descriptor, level))
                {
                    case DescriptorKind.Table when _format.Limits(descriptor, level) != prot.Limits:
                        return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, EncodingRefusal.DomainNotAvailable);
                    case DescriptorKind.Table:
                        next = Host(_format.TableAddress(descriptor, level));
                        break;
                    case DescriptorKind.Invalid:
                        break;
                    case DescriptorKind.Leaf:
                        return Refused(PageTableError.AlreadyMapped, virt);
                    default:
                        return Refused(PageTableError.Damaged, virt);
                }
            }
            var result = PlanMap(next, _format.NextLevel(level), virt, phys, chunk, prot, out var below);
            if (!result.IsOk)
                return result;
            tables += below + (next is null ? 1 : 0);
            (virt, phys, size) = (unchecked(virt + chunk), unchecked(phys + chunk), size - chunk);
        }
        return default;
    }

    // A fresh table holds what its page held before: nothing of it is read, and all of it is written.
    private void MapIn(
        byte* table, int level, ulong virt, ulong phys, ulong size, PageProt prot, Cpu cpu, ref TableReserve spare, bool isFresh)
    {
        while (size != 0)
        {
            var bytes = 1UL << _format.LevelShift(level);
            var shape = ShapeFor(level, virt, phys, size, prot);
            if (shape >= 0)
            {
                var count = RunFor(shape, virt, phys, size, prot);
                var index = _format.Index(virt, level);
                if (level != _format.LastLevel && !isFresh)
                    TakeEmptyTablesOut(table, index, count, level, virt, cpu);
                FillRun(table, index, count, phys, prot[shape], shape);
                var done = (ulong)count * bytes;
                (virt, phys, size) = (unchecked(virt + done), unchecked(phys + done), size - done);
                continue;
            }
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            MapBelow(table, level, virt, phys, chunk, bytes, prot, cpu, ref spare, isFresh);
            (virt, phys, size) = (unchecked(virt + chunk), unchecked(phys + chunk), size - chunk);
        }
    }

    private void MapBelow(
        byte* table, int level, ulong virt, ulong phys, ulong chunk, ulong bytes, PageProt prot, Cpu cpu, ref TableReserve spare, bool isFresh)
    {
        var index = _format.Index(virt, level);
        var below = _format.NextLevel(level);
        var descriptor = isFresh ? 0 : Read(table, index);
        if (!_format.IsTable(descriptor, level))
        {
            var fresh = spare.Pop(out var address);
            _format.TryEncodeTable(address, level, prot.Table, out var link);
            if (chunk == bytes)
            {
                // All of it is this operation's: nobody else links one here, every descriptor is about to be written, and none is seen before all are.
                MapIn(fresh, below, virt, phys, chunk, prot, cpu, ref spare, isFresh: true);
                Write(table, index, link);
                return;
            }
            Unsafe.InitBlockUnaligned(fresh, 0, (uint)_tables.Bytes);
            if (TryLink(table, index, descriptor, link, out descriptor))
                descriptor = link;
            else
                spare.Push(fresh, address);
        }
        MapIn(Host(_format.TableAddress(descriptor, level)), below, virt, phys, chunk, prot, cpu, ref spare, isFresh: false);
    }

    private bool TryLink(byte* table, int index, ulong expected, ulong link, out ulong found)
    {
        if (_format.DescriptorSize == 8)
            found = Interlocked.CompareExchange(ref ((ulong*)table)[index], link, expected);
        else
            found = Interlocked.CompareExchange(ref ((uint*)table)[index], unchecked((uint)link), unchecked((uint)expected));
        return found == expected;
    }

    // A table without a live descriptor may stand where a block is to be: it goes, and no walk may be in it any longer when the block comes.
    private void TakeEmptyTablesOut(byte* table, int index, int count, int level, ulong virt, Cpu cpu)
    {
        var removed = default(RemovedTables);
        for (var i = 0; i < count; i++)
        {
            var descriptor = Read(table, index + i);
            if (!_format.IsTable(descriptor, level))
                continue;
            Write(table, index + i, 0);
            CollectBelow(_format.TableAddress(descriptor, level), _format.NextLevel(level), ref removed);
        }
        if (removed.Count == 0)
            return;
        Mirror(virt, (ulong)count << _format.LevelShift(level));
        Domain.Invalidate(ScopeOf(virt, virt + (((ulong)count << _format.LevelShift(level)) - 1)));
        removed.GiveAll(_tables, cpu);
    }

    // The number of the largest shape of the level that fits at the addresses; -1 where none does.
    private int ShapeFor(int level, ulong virt, ulong phys, ulong size, PageProt prot)
    {
        for (var i = _shapes.Length - 1; i >= 0; i--)
        {
            var bytes = _shapes[i].Bytes;
            if (_shapes[i].Level == level && prot[i] != 0 && bytes <= prot.LargestLeaf && size >= bytes && phys <= _lastOutputs[i] && ((virt | phys) & (bytes - 1)) == 0)
                return i;
        }
        return -1;
    }

    // How many descriptors get that shape: whole leaves, and not beyond where a larger one of the level fits.
    private int RunFor(int shape, ulong virt, ulong phys, ulong size, PageProt prot)
    {
        ref readonly var leaf = ref _shapes[shape];
        var run = RunOf(virt, size, leaf.Level) & ~(leaf.Count - 1);
        var shift = _format.LevelShift(leaf.Level);
        for (var i = shape + 1; i < _shapes.Length && _shapes[i].Level == leaf.Level; i++)
        {
            var bytes = _shapes[i].Bytes;
            if (prot[i] == 0 || bytes > prot.LargestLeaf || ((virt ^ phys) & (bytes - 1)) != 0)
                continue;
            var ahead = unchecked(0 - virt) & (bytes - 1);
            if (ahead != 0 && size >= ahead && size - ahead >= bytes)
                run = (int)Math.Min((ulong)run, ahead >> shift);
        }
        return run;
    }

    // Place of the first descriptor that maps something, itself or below; -1 where none does.
    private int FirstLive(byte* table, int index, int count, int level)
    {
        for (var i = 0; i < count; i++)
        {
            var used = FirstUsed(table, index + i, count - i);
            if (used < 0)
                return -1;
            i += used;
            var descriptor = Read(table, index + i);
            var kind = _format.KindOf(descriptor, level);
            if (kind == DescriptorKind.Invalid)
                continue;
            if (kind == DescriptorKind.Table && IsEmpty(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level)))
                continue;
            return i;
        }
        return -1;
    }

    // The first address that a descriptor which is live, itself or below, maps.
    private ulong FirstLiveAddress(byte* table, int index, int level, ulong virt)
    {
        while (true)
        {
            var descriptor = Read(table, index);
            if (!_format.IsTable(descriptor, level))
                return virt;
            table = Host(_format.TableAddress(descriptor, level));
            level = _format.NextLevel(level);
            index = FirstLive(table, 0, _format.TableEntries(level), level);
            virt += (ulong)index << _format.LevelShift(level);
        }
    }

    private bool IsEmpty(byte* table, int level) => FirstLive(table, 0, _format.TableEntries(level), level) < 0;

    private int FirstUsed(byte* table, int index, int count) => _format.DescriptorSize == 8
        ? new ReadOnlySpan<ulong>((ulong*)table + index, count).IndexOfAnyExcept(0UL)
        : new ReadOnlySpan<uint>((uint*)table + index, count).IndexOfAnyExcept(0u);
}
