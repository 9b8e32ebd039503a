using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>Looking for what is mapped.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    /// <summary>The first address of a range at which something is mapped; what has no tables is passed over at once.</summary>
    /// <param name="from">First address.</param>
    /// <param name="last">Last address.</param>
    /// <param name="at">The first mapped one.</param>
    /// <param name="output">Where it is mapped.</param>
    /// <returns>False where nothing is.</returns>
    public bool TryFindMapped(ulong from, ulong last, out VirtAddr at, out PhysAddr output)
    {
        foreach (var range in _format.InputRanges)
        {
            var (first, end) = (Math.Max(from, range.Start.Value), Math.Min(last, range.Last.Value));
            if (first <= end && FindIn(RootTable, _format.RootLevel, first, end, out var found, out var phys))
            {
                (at, output) = (new VirtAddr(found), new PhysAddr(phys));
                return true;
            }
        }
        (at, output) = (default, default);
        return false;
    }

    private bool FindIn(byte* table, int level, ulong from, ulong last, out ulong at, out ulong phys)
    {
        var shift = _format.LevelShift(level);
        var bytes = 1UL << shift;
        while (true)
        {
            var index = _format.Index(from, level);
            var count = (int)Math.Min((ulong)(_format.TableEntries(level) - index), ((last - from) >> shift) + 2);
            var used = FirstUsed(table, index, Math.Min(count, _format.TableEntries(level) - index));
            if (used < 0)
                break;
            var next = used == 0 ? from : unchecked((from & ~(bytes - 1)) + ((ulong)used << shift));
            // Beyond the end, or around it.
            if (next > last || next < from)
                break;
            from = next;
            var descriptor = Read(table, index + used);
            var end = Math.Min(last, from | (bytes - 1));
            if (_format.IsTable(descriptor, level))
            {
                if (FindIn(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), from, end, out at, out phys))
                    return true;
            }
            else if (_format.KindOf(descriptor, level) == DescriptorKind.Leaf)
            {
                at = from;
                phys = _format.LeafAddress(descriptor, level) | (from & ((1UL << _format.LeafShift(descriptor, level)) - 1));
                return true;
            }
            if (end == last || _format.Index(end, level) == _format.TableEntries(level) - 1)
                break;
            from = end + 1;
        }
        (at, phys) = (0, 0);
        return false;
    }
}
