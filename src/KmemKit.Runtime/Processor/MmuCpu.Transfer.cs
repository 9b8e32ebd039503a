using System;
using System.Numerics;
using System.Runtime.CompilerServices;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.Runtime.Memory;

namespace KmemKit.Runtime.Processor;

/// <summary>Accesses that the front does not know: crossing pages, devices, misses, faults.</summary>
public sealed unsafe partial class MmuCpu<TFormat>
{
    private const ulong SmallestPage = 1UL << 12;

    private void Transfer(ulong virt, byte* bytes, int size, AccessRights access, Privilege privilege)
    {
        var inPage = (int)Math.Min((ulong)size, SmallestPage - (virt & (SmallestPage - 1)));
        // Both pages are resolved before a byte moves, the lower one first.
        var first = ResolveOrThrow(virt, size, access, privilege);
        if (inPage == size)
        {
            Move(virt, first, bytes, size, access, privilege);
            return;
        }
        var second = ResolveOrThrow(unchecked(virt + (uint)inPage), size - inPage, access, privilege, isRest: true);
        // Answering is found out first as well: a store that ends where nobody is writes nothing.
        CheckAnswered(virt, first, inPage, access, privilege);
        CheckAnswered(unchecked(virt + (uint)inPage), second, size - inPage, access, privilege);
        Move(virt, first, bytes, inPage, access, privilege);
        Move(unchecked(virt + (uint)inPage), second, bytes + inPage, size - inPage, access, privilege);
    }

    private void CheckAnswered(ulong virt, ulong output, int size, AccessRights access, Privilege privilege)
    {
        if (_memory.PointerTo(new PhysAddr(output), (uint)size) is null && _memory.Iomem.FindDevice(new PhysAddr(output)) is null)
            throw new MemoryFaultException(FaultOf(new TranslationFault(FaultCause.ExternalAbort, _tree.Format.LastLevel), virt, access, privilege));
    }

    private void Move(ulong virt, ulong output, byte* bytes, int size, AccessRights access, Privilege privilege)
    {
        var host = _memory.PointerTo(new PhysAddr(output), (uint)size);
        if (host is not null)
        {
            if (access == AccessRights.Write)
                Unsafe.CopyBlockUnaligned(host, bytes, (uint)size);
            else
                Unsafe.CopyBlockUnaligned(bytes, host, (uint)size);
            return;
        }
        try
        {
            MoveDevice(output, bytes, size, access == AccessRights.Write);
        }
        catch (BusFaultException)
        {
            throw new MemoryFaultException(FaultOf(new TranslationFault(FaultCause.ExternalAbort, _tree.Format.LastLevel), virt, access, privilege));
        }
    }

    // A device sees up to 8 bytes at a time; 16 are two accesses, as on a 64-bit bus.
    private void MoveDevice(ulong output, byte* bytes, int size, bool isWrite)
    {
        for (var done = 0; done < size;)
        {
            var step = Math.Min(8, size - done);
            var at = new PhysAddr(output + (uint)done);
            var value = 0UL;
            if (isWrite)
            {
                Unsafe.CopyBlockUnaligned(&value, bytes + done, (uint)step);
                _memory.WriteDevice(at, step, value);
            }
            else
            {
                value = _memory.ReadDevice(at, step);
                Unsafe.CopyBlockUnaligned(bytes + done, &value, (uint)step);
            }
            done += step;
        }
    }

    private ulong ResolveOrThrow(ulong virt, int size, AccessRights access, Privilege privilege, bool isRest = false)
    {
        for (var tries = 0; ; tries++)
        {
            var fault = Resolve(virt, size, access, privilege, isRest, out var output);
            if (fault.Cause == FaultCause.None)
                return output;
            var report = FaultOf(fault, virt, access, privilege);
            if (tries == MostRetries || FaultHandler is not { } handler || !handler.Handle(report))
                throw new MemoryFaultException(report);
        }
    }

    private MemoryFault FaultOf(in TranslationFault fault, ulong virt, AccessRights access, Privilege privilege)
    {
        ref readonly var format = ref TreeOf(virt).Format;
        return new MemoryFault(fault.Cause, fault.Level, new VirtAddr(virt), access, privilege, format.Report(fault, virt, access, privilege));
    }

    private ref Tree TreeOf(ulong virt)
    {
        if (_hasKernelTables && !_tree.Format.Translates(virt) && _kernelTree.Format.Translates(virt))
            return ref _kernelTree;
        return ref _tree;
    }

    // Arm: device memory takes aligned accesses only. RISC-V: so does I/O memory, by the usual PMAs.
    private bool IsMisaligned(ulong virt, int size, MemoryType type) =>
        BitOperations.IsPow2(size) && (virt & (uint)(size - 1)) != 0 && (_isAlignmentChecked || (type.IsDevice() && !type.IsX86()));
}
