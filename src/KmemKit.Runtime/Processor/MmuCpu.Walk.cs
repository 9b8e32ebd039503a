using System.Threading;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Mmu;
using KmemKit.Runtime.Tlb;

namespace KmemKit.Runtime.Processor;

/// <summary>From an address to a translation: TLB, walk, marks, rights.</summary>
public sealed unsafe partial class MmuCpu<TFormat>
{
    private TranslationFault Resolve(ulong virt, int size, AccessRights access, Privilege privilege, bool isRest, out ulong output)
    {
        output = 0;
        ref var tree = ref TreeOf(virt);
        ref readonly var format = ref tree.Format;
        _tlb.Enter();
        try
        {
            var place = _tlb.Find(virt, _context);
            if (place >= 0 && _tlb.Domain.IsWatching)
                CheckStale(virt, _tlb.At(place), tree);
            var found = false;
            if (place >= 0)
            {
                // The first store through a translation marks the leaf: it walks, and finds what is there by then.
                if ((access & AccessRights.Write) != 0 && _tlb.At(place) is { IsWritten: false } clean
                    && format.Check(clean.Attributes, access, privilege, _controls) == FaultCause.None)
                {
                    _tlb.Remove(place);
                }
                else
                {
                    found = true;
                }
            }
            if (found)
            {
                _tlb.CountHit();
            }
            else
            {
                _tlb.CountMiss();
                var fault = Walk(virt, access, privilege, ref tree, out var entry, out var serial);
                if (fault.Cause is not (FaultCause.None or FaultCause.Permission or FaultCause.Domain))
                    return fault;
                // x86 keeps no translation of what faulted.
                if (fault.Cause != FaultCause.None && entry.Attributes.Memory.IsX86())
                    return fault;
                place = _tlb.Fill(entry, serial);
            }
            var translation = _tlb.At(place);
            var attributes = translation.Attributes;
            var cause = format.Check(attributes, access, privilege, _controls);
            if (cause != FaultCause.None)
            {
                var refused = new TranslationFault(cause, translation.Level, attributes.Domain);
                if (attributes.Memory.IsX86())
                    _tlb.Remove(place);
                return refused;
            }
            if (!isRest && IsMisaligned(virt, size, attributes.Memory))
                return new TranslationFault(FaultCause.Alignment, translation.Level, attributes.Domain);
            output = translation.Output.Value + (virt - translation.First.Value);
            if (!_tlb.Domain.IsWatching && !_isAlignmentChecked && (attributes.Memory.IsX86() || !attributes.Memory.IsDevice()))
                FillFront(place, virt, output, privilege, format);
            return default;
        }
        finally
        {
            _tlb.Leave();
        }
    }

    private void FillFront(int place, ulong virt, ulong output, Privilege privilege, in TFormat format)
    {
        var translation = _tlb.At(place);
        var page = virt & ~(SmallestPage - 1);
        var host = _memory.PointerTo(new PhysAddr(output & ~(SmallestPage - 1)), SmallestPage);
        if (host is null)
            return;
        var allowed = Allowed(translation.Attributes, privilege, translation.IsWritten, format);
        _tlb.FillFront(FrontOf(virt, privilege), place, (int)privilege, page, new FrontRights(allowed), (nuint)host, output & ~(SmallestPage - 1));
    }

    // The walk of the hardware: what it reads, it may mark as used, unless software has changed it at the same moment; then it starts again.
    private TranslationFault Walk(ulong virt, AccessRights access, Privilege privilege, ref Tree tree, out TlbEntry entry, out uint serial)
    {
        entry = default;
        serial = 0;
        ref readonly var format = ref tree.Format;
        if (!format.Translates(virt))
            return format.OutOfRange;
        var isWrite = (access & AccessRights.Write) != 0;
        while (true)
        {
            var table = tree.Root;
            var (limits, above) = (0UL, 0UL);
            var level = format.RootLevel;
            ulong* slot;
            ulong descriptor;
            DescriptorKind kind;
            while (true)
            {
                slot = SlotOf(table, format.Index(virt, level), format);
                if (slot is null)
                    return new TranslationFault(FaultCause.ExternalAbortOnWalk, level);
                descriptor = ReadSlot(slot, format);
                kind = format.KindOf(descriptor, level);
                if (kind != DescriptorKind.Table)
                    break;
                limits |= format.Limits(descriptor, level);
                above = format.MarkTableUsed(descriptor, level);
                Mark(slot, descriptor, above, format);
                table = format.TableAddress(descriptor, level);
                level = format.NextLevel(level);
            }
            if (kind != DescriptorKind.Leaf)
                return new TranslationFault(format.CauseOf(descriptor, level), level);
            var marked = format.MarkUsed(descriptor, level, isWrite);
            var attributes = format.DecodeLeaf(marked, level, limits);
            var cause = format.Check(attributes, access, privilege, _controls);
            if (cause != FaultCause.None)
                (marked, attributes) = (descriptor, format.DecodeLeaf(descriptor, level, limits));
            else if (!Mark(slot, descriptor, marked, format))
                continue;
            var shift = format.LeafShift(marked, level);
            var first = virt & ~((1UL << shift) - 1);
            entry = new TlbEntry
            {
                First = new VirtAddr(first),
                Output = new PhysAddr(format.LeafAddress(marked, level)),
                Shift = (byte)shift,
                Level = (sbyte)level,
                IsWritten = format.MarkUsed(marked, level, write: true) == marked,
                Attributes = attributes,
                Asid = _asid,
                Vmid = _vmid,
                Filled = _tlb.Domain.Changes?.Now ?? 0,
            };
            if (cause == FaultCause.None)
                serial = Learn(marked, limits, above, entry, ref tree);
            return new TranslationFault(cause, level, attributes.Domain);
        }
    }

    private ulong* SlotOf(ulong table, int index, in TFormat format)
    {
        var address = table + ((ulong)index * (uint)format.DescriptorSize);
        return (ulong*)(_window.TryReach(address, out var host) ? host : _memory.PointerTo(new PhysAddr(address), (uint)format.DescriptorSize));
    }

    private static ulong ReadSlot(ulong* slot, in TFormat format) =>
        format.DescriptorSize == 8 ? Volatile.Read(ref *slot) : Volatile.Read(ref *(uint*)slot);

    private static bool Mark(ulong* slot, ulong descriptor, ulong marked, in TFormat format)
    {
        if (marked == descriptor)
            return true;
        return format.DescriptorSize == 8
            ? Interlocked.CompareExchange(ref *slot, marked, descriptor) == descriptor
            : Interlocked.CompareExchange(ref *(uint*)slot, unchecked((uint)marked), unchecked((uint)descriptor)) == unchecked((uint)descriptor);
    }

    // Whether the tables still say what the TLB says.
    private void CheckStale(ulong virt, in TlbEntry entry, in Tree tree)
    {
        var memory = new RamDescriptors(_memory);
        ref readonly var format = ref tree.Format;
        var now = Walker.Walk(format, ref memory, tree.Root, virt);
        var output = entry.Output.Value + (virt - entry.First.Value);
        if (now.IsMapped)
        {
            var attributes = format.DecodeLeaf(now.Descriptor, now.Level, now.Limits);
            var same = attributes with { IsAccessed = entry.Attributes.IsAccessed, IsDirty = entry.Attributes.IsDirty, Software = entry.Attributes.Software };
            if (now.Output == output && same == entry.Attributes)
                return;
        }
        var change = _tlb.Domain.Changes!.LastOf(new VirtAddr(virt));
        var tables = now.IsMapped
            ? $"{new PhysAddr(now.Output)}, {format.DecodeLeaf(now.Descriptor, now.Level, now.Limits)}"
            : $"nothing ({now.Fault.Cause} at level {now.Level})";
        _tlb.Domain.Report(new TranslationBug(
            TranslationBugKind.StaleEntry,
            $"CPU {_tlb.Number} used a stale translation of {new VirtAddr(virt)}: {entry}, filled after change {entry.Filled}; the tables say {tables} since {change?.ToString() ?? "a change that was not recorded"}.",
            change));
    }
}
