using System;
using KmemKit.Architecture;
using KmemKit.Architecture.Mmu;
using KmemKit.BoardCompiler.Policies;
using KmemKit.Runtime.Processor;

namespace KmemKit.Runtime.Processes;

/// <summary>User memory from the kernel's side (<c>uaccess</c>): checked against TASK_SIZE, and what faults is counted and not an oops.</summary>
/// <remarks>
/// The kernel reads and writes through the same CPU with the process's tables, which is open for it meanwhile (sstatus.SUM set, PAN and SMAP lifted), so copies are broken and pages brought in as for the process itself. With 4G/4G the
/// process's addresses are not the kernel's: page by page they are walked and reached through the kernel's own mapping.
/// </remarks>
public sealed unsafe class UserMemory
{
    private readonly ProcessTable _table;
    private readonly Process _process;
    private readonly TranslationControls _opens;

    internal UserMemory(ProcessTable table, Process process)
    {
        (_table, _process) = (table, process);
        _opens = table.Kernel.Layout.Board.Architecture is TargetArchitecture.RiscV32 or TargetArchitecture.RiscV64 ? TranslationControls.Sum : 0;
    }

    /// <summary>Whether a range is wholly below TASK_SIZE (<c>access_ok</c>): no more than that. Whether anything is mapped there, the access shows.</summary>
    public bool AccessOk(VirtAddr address, ulong size)
    {
        var limit = _process.Space.Layout.TaskSize;
        return size <= limit && address.Value <= limit - size;
    }

    /// <summary>Copies to the process (<c>copy_to_user</c>).</summary>
    /// <returns>Bytes that were not copied; 0 where all were.</returns>
    public int CopyTo(VirtAddr address, ReadOnlySpan<byte> bytes, int cpu = 0)
    {
        fixed (byte* data = bytes)
            return Copy(address, data, bytes.Length, AccessRights.Write, cpu);
    }

    /// <summary>Copies from the process (<c>copy_from_user</c>); what could not be copied is zeroed.</summary>
    /// <returns>Bytes that were not copied; 0 where all were.</returns>
    public int CopyFrom(VirtAddr address, Span<byte> bytes, int cpu = 0)
    {
        fixed (byte* data = bytes)
        {
            var left = Copy(address, data, bytes.Length, AccessRights.Read, cpu);
            bytes[(bytes.Length - left)..].Clear();
            return left;
        }
    }

    private int Copy(VirtAddr address, byte* data, int length, AccessRights access, int cpu)
    {
        if (length == 0 || !_process.IsAlive || !AccessOk(address, (ulong)length))
            return length;
        var state = _table.Switch(cpu, _process.Space);
        _table.EnterKernel(state);
        var done = _table.Options.Split == AddressSplit.FourGigabytesEach ? CopyByWalk(address.Value, data, length, access) : CopyByPort(state, address.Value, data, length, access);
        _table.LeaveKernel(state);
        return length - done;
    }

    private int CopyByPort(CpuState state, ulong address, byte* data, int length, AccessRights access)
    {
        // uaccess_enable: the kernel is let at user pages for as long as it copies.
        var controls = state.Port.Controls;
        SetControls(state.Port, (controls & ~(TranslationControls.Smap | TranslationControls.Pan)) | _opens);
        state.InUserAccess = true;
        var (done, step) = (0, 8);
        try
        {
            while (done < length)
            {
                var size = Math.Min(step, length - done);
                try
                {
                    Move(state.Port, new VirtAddr(address + (uint)done), data + done, size, access);
                    done += size;
                }
                catch (MemoryFaultException) when (size > 1)
                {
                    // Byte by byte up to the one that faults.
                    step = 1;
                }
                catch (MemoryFaultException)
                {
                    break;
                }
            }
        }
        finally
        {
            state.InUserAccess = false;
            SetControls(state.Port, controls);
        }
        return done;
    }

    // What differs costs the CPU what it has at hand.
    private static void SetControls(IMmuCpu port, TranslationControls controls)
    {
        if (port.Controls != controls)
            port.Controls = controls;
    }

    private static void Move(IMmuCpu port, VirtAddr address, byte* data, int size, AccessRights access)
    {
        if (access == AccessRights.Write)
            port.Store(address, new ReadOnlySpan<byte>(data, size), Privilege.Privileged);
        else
            port.Load(address, new Span<byte>(data, size), Privilege.Privileged);
    }

    private int CopyByWalk(ulong address, byte* data, int length, AccessRights access)
    {
        var space = _process.Space;
        var page = _table.Kernel.Layout.Pages.PageSize;
        var done = 0;
        for (var tries = 0; done < length && tries < 4;)
        {
            var at = new VirtAddr(address + (uint)done);
            var part = (int)Math.Min((ulong)(length - done), page - (at.Value & (page - 1)));
            if (space.Tables.AttributesAt(at) is { } attributes && (attributes.User & access) == access && space.Tables.TryTranslate(at, out var phys)
                && _table.Kernel.Memory.PointerTo(phys, (ulong)part) is not null and var host)
            {
                if (access == AccessRights.Write)
                    Buffer.MemoryCopy(data + done, host, part, part);
                else
                    Buffer.MemoryCopy(host, data + done, part, part);
                (done, tries) = (done + part, 0);
                continue;
            }
            tries++;
            if (space.Fault(at, access) != FaultResult.Retry)
                break;
        }
        return done;
    }
}
