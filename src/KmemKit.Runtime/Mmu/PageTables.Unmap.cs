using System;
using System.Runtime.CompilerServices;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Unmapping, and giving tables back.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>Takes the mappings of a range away; every page of it has to be mapped. A leaf that reaches beyond the range is split first.</summary>
    /// <param name="cpu">Who asks.</param>
    /// <param name="virt">The first address, a multiple of the smallest page.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <param name="gather">Collects the invalidation; null to invalidate at once.</param>
    /// <returns>What is wrong, if something is; then no mapping has changed.</returns>
    public PageTableResult Unmap(Cpu cpu, VirtAddr virt, ulong size, TlbGather? gather = null)
    {
        var removed = default(RemovedTables);
        var result = size == _pageMask + 1 && TryUnmapPage(virt.Value) ? default : UnmapRange(cpu, virt.Value, size, keepsTables: false, ref removed);
        if (result.IsOk)
            Flush(cpu, virt.Value, size, ref removed, gather);
        return result;
    }

    /// <summary>Takes the mappings of a range away and leaves their translations to TLBs and their tables where they are.</summary>
    /// <param name="cpu">Who asks.</param>
    /// <param name="virt">The first address, a multiple of the smallest page.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <returns>What is wrong, if something is; then no mapping has changed.</returns>
    /// <remarks>The caller invalidates before the addresses are used again, and may call <see cref="ReclaimTables"/> then.</remarks>
    public PageTableResult UnmapOnly(Cpu cpu, VirtAddr virt, ulong size)
    {
        var removed = default(RemovedTables);
        return UnmapRange(cpu, virt.Value, size, keepsTables: true, ref removed);
    }

    /// <summary>
    /// Takes away the usual mapping of a device's or driver's buffer: one page, by a leaf of its own, its table where the straight walk gets to. Its translation is left to
    /// TLBs, as by <see cref="UnmapOnly"/>.
    /// </summary>
    /// <returns>False where something is not so, and nothing changed: <see cref="Unmap"/> then does it, or says what is wrong.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal bool TryUnmapPage(ulong virt)
    {
        if ((virt & _pageMask) != 0 || Domain.IsWatching)
            return false;
        var descent = default(AnyTable);
        if (!StraightWalk.TryReach(_format, _window, _start, virt, ref descent, out var slot))
            return false;
        var descriptor = Read(slot, 0);
        // A descriptor that differs from a single page's in its address alone is one as well.
        if (((descriptor ^ _singlePage) & _pageBits) != 0 && !LearnSinglePage(descriptor))
            return false;
        Write(slot, 0, 0);
        return true;
    }

    // Apart from the page that translations know: to them a member of a contiguous group is a page, and here it is not.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool LearnSinglePage(ulong descriptor)
    {
        if (_format.KindOf(descriptor, _format.LastLevel) != DescriptorKind.Leaf || !_format.ShapeOf(descriptor, _format.LastLevel).Equals(_pageShape))
            return false;
        Volatile.Write(ref _singlePage, descriptor);
        return true;
    }

    private PageTableResult UnmapRange(Cpu cpu, ulong virt, ulong size, bool keepsTables, ref RemovedTables removed)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        var error = CheckRange(virt, size);
        if (error != PageTableError.None)
            return Refused(error, virt);
        var result = PlanChange(RootTable, _format.RootLevel, virt, size, null);
        if (result.IsOk)
            result = SplitEnds(cpu, virt, size);
        if (!result.IsOk)
            return result;
        if (Domain.IsWatching)
            Domain.Changes!.Break(MappingChangeKind.Unmap, ScopeOf(virt, virt + (size - 1)));
        UnmapIn(RootTable, _format.RootLevel, virt, size, keepsTables, ref removed);
        Mirror(virt, size);
        return default;
    }

    /// <summary>Gives back the tables that map nothing and whose addresses are all in a range.</summary>
    /// <param name="cpu">Where they go.</param>
    /// <param name="owned">Addresses that no other thread maps anything at meanwhile.</param>
    /// <returns>Tables that were given back.</returns>
    /// <remarks>
    /// Unmapping gives a table back at once when its range has the whole table. What was emptied piece by piece stays for the next mapping, until this is called: as
    /// free_pgtables does for a process, up to the neighbours of what was unmapped.
    /// </remarks>
    public int ReclaimTables(Cpu cpu, VirtRange owned)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (owned.IsEmpty)
            return 0;
        var removed = default(RemovedTables);
        foreach (var range in _format.InputRanges)
        {
            var part = range.Intersect(owned);
            if (!part.IsEmpty)
                ReclaimIn(RootTable, _format.RootLevel, part.Start.Value, part.Last.Value, ref removed);
        }
        var count = removed.Count;
        if (count != 0)
        {
            Mirror(owned.Start.Value, owned.Size.Wrapped);
            Domain.Invalidate(ScopeOf(owned.Start.Value, owned.Last.Value));
            removed.GiveAll(_tables, cpu);
        }
        return count;
    }

    private void Flush(Cpu cpu, ulong first, ulong size, ref RemovedTables removed, TlbGather? gather)
    {
        var scope = ScopeOf(first, first + (size - 1));
        if (gather is not null)
        {
            gather.Add(Domain, _tables, scope, ref removed);
            return;
        }
        Domain.Invalidate(scope);
        if (removed.Count != 0)
            removed.GiveAll(_tables, cpu);
    }

    // Whether every page is mapped; with attributes, whether the tables above them agree with those.
    private PageTableResult PlanChange(byte* table, int level, ulong virt, ulong size, PageProt? prot)
    {
        var bytes = 1UL << _format.LevelShift(level);
        if (level == _format.LastLevel)
            return PlanPages(table, virt, size, prot);
        while (size != 0)
        {
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var descriptor = Read(table, _format.Index(virt, level));
            switch (_format.KindOf(descriptor, level))
            {
                case DescriptorKind.Table when prot is not null && _format.Limits(descriptor, level) != prot.Limits:
                    return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, EncodingRefusal.DomainNotAvailable);
                case DescriptorKind.Table:
                    var result = PlanChange(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, prot);
                    if (!result.IsOk)
                        return result;
                    break;
                case DescriptorKind.Leaf when prot is not null && prot[NumberOf(_format.ShapeOf(descriptor, level))] == 0:
                    return new PageTableResult(new VirtAddr(virt), PageTableError.Attributes, EncodingRefusal.BadLevel);
                case DescriptorKind.Leaf:
                    break;
                case DescriptorKind.Invalid:
                    return Refused(PageTableError.NotMapped, virt);
                default:
                    return Refused(PageTableError.Damaged, virt);
            }
            (virt, size) = (unchecked(virt + chunk), size - chunk);
        }
        return default;
    }

    private PageTableResult PlanPages(byte* table, ulong virt, ulong size, PageProt? prot)
    {
        var level = _format.LastLevel;
        var shift = _format.LevelShift(level);
        var index = _format.Index(virt, level);
        var count = (int)(size >> shift);
        // Descriptors that differ in their address alone are all what the first one is.
        var known = Read(table, index);
        if (_format.KindOf(known, level) == DescriptorKind.Leaf && !DifferBeyond(table, index, count, known, _addressMask))
            count = 1;
        for (var i = 0; i < count; i++)
        {
            var descriptor = Read(table, index + i);
            if (i != 0 && ((descriptor ^ known) & ~_addressMask) == 0)
                continue;
            known = descriptor;
            switch (_format.KindOf(descriptor, level))
            {
                case DescriptorKind.Leaf when prot is not null && prot[NumberOf(_format.ShapeOf(descriptor, level))] == 0:
                    return new PageTableResult(new VirtAddr(virt + ((ulong)i << shift)), PageTableError.Attributes, EncodingRefusal.BadLevel);
                case DescriptorKind.Leaf:
                    break;
                case DescriptorKind.Invalid:
                    return Refused(PageTableError.NotMapped, virt + ((ulong)i << shift));
                default:
                    return Refused(PageTableError.Damaged, virt + ((ulong)i << shift));
            }
        }
        return default;
    }

    private int NumberOf(LeafShape shape) => Array.IndexOf(_shapes, shape);

    private void UnmapIn(byte* table, int level, ulong virt, ulong size, bool keepsTables, ref RemovedTables removed)
    {
        var shift = _format.LevelShift(level);
        if (level == _format.LastLevel)
        {
            Clear(table, _format.Index(virt, level), (int)(size >> shift));
            return;
        }
        var bytes = 1UL << shift;
        while (size != 0)
        {
            var index = _format.Index(virt, level);
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var descriptor = Read(table, index);
            if (!_format.IsTable(descriptor, level))
            {
                Write(table, index, 0);
            }
            else if (chunk == bytes && !keepsTables)
            {
                // The whole table goes, as it is.
                Write(table, index, 0);
                CollectBelow(_format.TableAddress(descriptor, level), _format.NextLevel(level), ref removed);
            }
            else
            {
                UnmapIn(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, keepsTables, ref removed);
            }
            (virt, size) = (unchecked(virt + chunk), size - chunk);
        }
    }

    private void CollectBelow(ulong address, int level, ref RemovedTables removed)
    {
        removed.Add(address);
        if (level == _format.LastLevel)
            return;
        var table = Host(address);
        for (var i = 0; i < _format.TableEntries(level); i++)
        {
            var descriptor = Read(table, i);
            if (_format.IsTable(descriptor, level))
                CollectBelow(_format.TableAddress(descriptor, level), _format.NextLevel(level), ref removed);
        }
    }

    // Tables whose addresses are all in [first, last] and that map nothing.
    private void ReclaimIn(byte* table, int level, ulong first, ulong last, ref RemovedTables removed)
    {
        if (level == _format.LastLevel)
            return;
        var shift = _format.LevelShift(level);
        var bytes = 1UL << shift;
        for (var virt = first & ~(bytes - 1); ; virt += bytes)
        {
            var index = _format.Index(virt, level);
            var descriptor = Read(table, index);
            if (_format.IsTable(descriptor, level))
            {
                var address = _format.TableAddress(descriptor, level);
                var below = _format.NextLevel(level);
                ReclaimIn(Host(address), below, Math.Max(first, virt), Math.Min(last, virt + (bytes - 1)), ref removed);
                if (virt >= first && virt + (bytes - 1) <= last && FirstUsed(Host(address), 0, _format.TableEntries(below)) < 0)
                {
                    Write(table, index, 0);
                    removed.Add(address);
                }
            }
            if (virt + (bytes - 1) >= last)
                return;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Clear(byte* table, int index, int count) =>
        Unsafe.InitBlockUnaligned(table + ((long)index * _format.DescriptorSize), 0, (uint)(count * _format.DescriptorSize));
}
