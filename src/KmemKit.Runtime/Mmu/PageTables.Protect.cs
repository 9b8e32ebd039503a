using System;
using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Buddy;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Mmu;

/// <summary>Other attributes for what is mapped.</summary>
public sealed unsafe partial class PageTables<TFormat>
{
    // Descriptors that are between break and make at a time.
    private const int BrokenAtOnce = 256;

    /// <summary>
    /// Gives a range other attributes; every page of it has to be mapped. Output addresses, access flags, dirty state and software bits stay. A leaf that reaches
    /// beyond the range is split first.
    /// </summary>
    /// <param name="cpu">Who asks.</param>
    /// <param name="virt">The first address, a multiple of the smallest page.</param>
    /// <param name="size">Bytes, a multiple of the smallest page.</param>
    /// <param name="prot">The attributes, from <see cref="Prot"/>.</param>
    /// <param name="gather">Collects the invalidation; null to invalidate at once.</param>
    /// <returns>What is wrong, if something is; then nothing has changed but that leaves may have been split.</returns>
    /// <remarks>
    /// Where break-before-make is demanded (another memory type, shareability, or becoming global), the addresses fault for a moment on other CPUs, up to
    /// 256 descriptors at a time.
    /// </remarks>
    public PageTableResult Protect(Cpu cpu, VirtAddr virt, ulong size, PageProt prot, TlbGather? gather = null)
    {
        ArgumentNullException.ThrowIfNull(cpu);
        ArgumentNullException.ThrowIfNull(prot);
        if (!ReferenceEquals(prot.Format, _name))
            throw new ArgumentException($"The attributes are encoded for {prot.Format}, the tables are {_name}.", nameof(prot));
        var error = CheckRange(virt.Value, size);
        if (error != PageTableError.None)
            return Refused(error, virt.Value);
        var result = PlanChange(RootTable, _format.RootLevel, virt.Value, size, prot);
        if (result.IsOk)
            result = SplitEnds(cpu, virt.Value, size);
        if (!result.IsOk)
            return result;
        if (Domain.IsWatching)
            Domain.Changes!.Break(MappingChangeKind.Protect, ScopeOf(virt.Value, virt.Value + (size - 1)));
        ProtectIn(RootTable, _format.RootLevel, virt.Value, size, prot, 0);
        Mirror(virt.Value, size);
        var removed = default(RemovedTables);
        Flush(cpu, virt.Value, size, ref removed, gather);
        return default;
    }

    private void ProtectIn(byte* table, int level, ulong virt, ulong size, PageProt prot, ulong limits)
    {
        var shift = _format.LevelShift(level);
        if (level == _format.LastLevel)
        {
            ProtectRun(table, _format.Index(virt, level), (int)(size >> shift), level, virt, prot, limits);
            return;
        }
        var bytes = 1UL << shift;
        while (size != 0)
        {
            var index = _format.Index(virt, level);
            var chunk = Math.Min(size, bytes - (virt & (bytes - 1)));
            var descriptor = Read(table, index);
            if (_format.IsTable(descriptor, level))
            {
                var handed = limits | _format.Limits(descriptor, level);
                ProtectIn(Host(_format.TableAddress(descriptor, level)), _format.NextLevel(level), virt, chunk, prot, handed);
                (virt, size) = (unchecked(virt + chunk), size - chunk);
                continue;
            }
            // Leaves of a level in a row are changed together.
            var count = 1;
            var most = RunOf(virt, size, level);
            while (count < most && !_format.IsTable(Read(table, index + count), level))
                count++;
            ProtectRun(table, index, count, level, virt, prot, limits);
            var done = (ulong)count << shift;
            (virt, size) = (unchecked(virt + done), size - done);
        }
    }

    private void ProtectRun(byte* table, int index, int count, int level, ulong virt, PageProt prot, ulong limits)
    {
        while (count > 0)
        {
            // Groups are changed as a whole: none has more descriptors, and all are aligned to their own size.
            var step = Math.Min(count, BrokenAtOnce - (index & (BrokenAtOnce - 1)));
            ProtectSome(table, index, step, level, virt, prot, limits);
            (index, count, virt) = (index + step, count - step, unchecked(virt + ((ulong)step << _format.LevelShift(level))));
        }
    }

    private void ProtectSome(byte* table, int index, int count, int level, ulong virt, PageProt prot, ulong limits)
    {
        Span<ulong> made = stackalloc ulong[BrokenAtOnce];
        made = made[..count];
        var (known, mask, bits, breaks) = (0UL, 0UL, 0UL, false);
        for (var i = 0; i < count; i++)
        {
            var old = Read(table, index + i);
            // What differs in the address alone gets the same bits.
            if (i == 0 || ((old ^ known) & ~mask) != 0)
            {
                known = old;
                var number = NumberOf(_format.ShapeOf(old, level));
                mask = OutputMask(number);
                bits = Changed(old, level, prot, limits, number);
                breaks |= BreakBeforeMake.IsNeeded(_format, old, bits | (old & mask), level, limits);
            }
            made[i] = bits | (old & mask);
        }
        if (breaks)
        {
            for (var i = 0; i < count; i++)
                made[i] = WithMarksOf(Exchange(table, index + i, 0), made[i], level);
            Domain.Invalidate(ScopeOf(virt, virt + (((ulong)count << _format.LevelShift(level)) - 1)));
        }
        for (var i = 0; i < count; i++)
            Put(table, index + i, level, made[i]);
    }

    // A CPU may mark the leaf as used at the same moment: that mark is not lost.
    private void Put(byte* table, int index, int level, ulong descriptor)
    {
        var old = Read(table, index);
        while (!TryLink(table, index, old, WithMarksOf(old, descriptor, level), out var found))
            old = found;
    }

    // The descriptor, marked as used where the old one was.
    private ulong WithMarksOf(ulong old, ulong descriptor, int level)
    {
        if (old == 0 || _format.MarkUsed(old, level, write: false) != old)
            return descriptor;
        return _format.MarkUsed(descriptor, level, write: _format.MarkUsed(old, level, write: true) == old);
    }

    // The bits of a descriptor that are its output address.
    private ulong OutputMask(int number)
    {
        ref readonly var shape = ref _shapes[number];
        return _format.OutputField(_lastOutputs[number] & ~((shape.Step == 0 ? shape.Bytes : shape.Bytes / shape.Count) - 1), shape);
    }

    private ulong Exchange(byte* table, int index, ulong descriptor) => _format.DescriptorSize == 8
        ? Interlocked.Exchange(ref ((ulong*)table)[index], descriptor)
        : Interlocked.Exchange(ref ((uint*)table)[index], unchecked((uint)descriptor));

    private ulong Changed(ulong old, int level, PageProt prot, ulong limits, int shape)
    {
        var was = _format.DecodeLeaf(old, level, limits);
        var kept = prot.Attributes with { IsAccessed = was.IsAccessed, IsDirty = was.IsDirty, Software = was.Software };
        if (_format.TryEncodeLeaf(0, kept, _shapes[shape], out var bits) == EncodingRefusal.None)
            return bits;
        // Some formats cannot say dirty of what cannot be written.
        return _format.TryEncodeLeaf(0, kept with { IsDirty = false }, _shapes[shape], out bits) == EncodingRefusal.None ? bits : prot[shape];
    }
}
