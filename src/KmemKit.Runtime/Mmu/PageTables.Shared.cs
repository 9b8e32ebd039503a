using System;
using System.Collections.Generic;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;

namespace KmemKit.Runtime.Mmu;

/// <summary>Trees that have the kernel's addresses from another tree: with one base register, every process's root points to the kernel's tables as well.</summary>
/// <remarks>
/// <para>The descriptors of the kernel's part are copied when the tree is made (<c>pgd_ctor</c>, <c>pgd_alloc</c>), and whenever the kernel's tree changes one of
/// them, before the tables that were taken out are given back (<c>arch_sync_kernel_mappings</c>). Everything below a copied descriptor is the kernel's own table.</para>
/// <para>Where the kernel's part begins inside what one descriptor of the root spans (modules under 3G/1G with LPAE), the table below is each tree's own,
/// and its upper descriptors are copied. It begins with a table of pages at least: single pages come and go without anybody being told. A leaf of the kernel's that
/// reaches over the beginning is nobody's but the kernel's.</para>
/// </remarks>
public sealed unsafe partial class PageTables<TFormat>
{
    private readonly List<PageTables<TFormat>> _followers = [];
    private readonly Lock _following = new();
    private PageTables<TFormat>? _shares;
    private ulong? _sharedFrom;

    // Bytes that all pages of a table have together.
    private ulong TableOfPages => 1UL << (_format.LevelShift(_format.LastLevel) + _format.IndexBits(_format.LastLevel));

    /// <summary>Takes over another tree's mappings of all addresses from one on, now and as they change.</summary>
    /// <param name="cpu">Where a table comes from, if one is needed.</param>
    /// <param name="kernel">The other tree, of the same format.</param>
    /// <param name="from">The first address of the kernel's part.</param>
    /// <returns>False where there is no memory; nothing is shared then.</returns>
    /// <exception cref="ArgumentException">The other tree is of another format, or the kernel's part begins within a table of pages.</exception>
    /// <exception cref="InvalidOperationException">This tree shares already.</exception>
    public bool TryShare(Cpu cpu, IPageTables kernel, VirtAddr from)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        if (kernel is not PageTables<TFormat> other || ReferenceEquals(other, this))
            throw new ArgumentException("Only another tree of the same format can be shared.", nameof(kernel));
        if (_sharedFrom is not null)
            throw new InvalidOperationException("The tree shares another one's mappings already.");
        if ((from.Value & (TableOfPages - 1)) != 0)
            throw new ArgumentException($"The kernel's part begins at {from}, within the 0x{TableOfPages:x} bytes of a table of pages.", nameof(from));
        if (!TryCut(cpu, RootTable, _format.RootLevel, from.Value))
            return false;
        lock (other._following)
        {
            (_shares, _sharedFrom) = (other, from.Value);
            other._followers.Add(this);
            CopyAbove(other.RootTable, RootTable, _format.RootLevel, from.Value, from.Value, other.LastHigh);
        }
        return true;
    }

    // Tables of this tree's own on the way down to where the kernel's part begins.
    private bool TryCut(Cpu cpu, byte* table, int level, ulong from)
    {
        if ((from & ((1UL << _format.LevelShift(level)) - 1)) == 0)
            return true;
        var fresh = _tables.TryTake(cpu, out var address);
        if (fresh is null)
            return false;
        System.Runtime.CompilerServices.Unsafe.InitBlockUnaligned(fresh, 0, (uint)_tables.Bytes);
        if (!TryCut(cpu, fresh, _format.NextLevel(level), from))
        {
            _tables.Give(cpu, address);
            return false;
        }
        _format.TryEncodeTable(address, level, default, out var link);
        Write(table, _format.Index(from, level), link);
        return true;
    }

    private void StopSharing()
    {
        if (_shares is not { } kernel)
            return;
        lock (kernel._following)
            kernel._followers.Remove(this);
        _shares = null;
    }

    // After a change of this tree: the descriptors of the range, and of leaves that reach beyond it, of which followers have a copy. False where there is none.
    private bool Mirror(ulong virt, ulong size)
    {
        if (_followers.Count == 0)
            return false;
        lock (_following)
        {
            var leaf = (1UL << _largestShift) - 1;
            var last = unchecked(virt + size - 1) | leaf;
            virt &= ~leaf;
            foreach (var follower in _followers)
            {
                if (last >= follower._sharedFrom!.Value)
                    CopyAbove(RootTable, follower.RootTable, _format.RootLevel, follower._sharedFrom.Value, Math.Max(virt, follower._sharedFrom.Value), last);
            }
            return _followers.Count != 0;
        }
    }

    // Descriptors of [first, last], none of which is below from. Null: the other tree has no table there, and so nothing.
    private void CopyAbove(byte* kernel, byte* mine, int level, ulong from, ulong first, ulong last)
    {
        var shift = _format.LevelShift(level);
        var (index, end) = (_format.Index(first, level), _format.Index(last, level));
        if (first >> shift == from >> shift && (from & ((1UL << shift) - 1)) != 0)
        {
            var descriptor = kernel is null ? 0 : Read(kernel, index);
            var below = _format.IsTable(descriptor, level) ? Host(_format.TableAddress(descriptor, level)) : null;
            CopyAbove(below, Host(_format.TableAddress(Read(mine, index), level)), _format.NextLevel(level), from, first, Math.Min(last, first | ((1UL << shift) - 1)));
            index++;
        }
        for (; index <= end; index++)
            Write(mine, index, kernel is null ? 0 : Read(kernel, index));
    }
}
