using System;
using System.Numerics;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Ioremap;
using KmemKit.Runtime.Memory;

namespace KmemKit.Native.Exports;

/// <summary>Who answers an access to registers: <c>struct kmem_io_target</c> of host/kmem_host.c, which makes the access when no managed frame is left.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct IoTarget
{
    /// <summary>Memory: the access is a load or store here.</summary>
    public void* Memory;

    /// <summary>A model's <c>struct kmem_device_ops</c>.</summary>
    public void* Model;

    /// <summary>The model's own pointer.</summary>
    public void* Context;

    /// <summary>Bytes from the model's first register.</summary>
    public ulong Offset;
}

/// <summary>Claims on addresses (include/linux/ioport.h), ioremap and who answers behind it (include/linux/io.h).</summary>
internal static unsafe class IoExports
{
    /// <summary><c>request_mem_region</c>.</summary>
    /// <returns>Null where somebody has a part of it: no report, as in the kernel.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_request_mem_region")]
    public static void* RequestMemRegion(ulong start, ulong size, byte* name, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size - 1 > ulong.MaxValue - start)
                return null;
            var range = new PhysRange(new PhysAddr(start), size);
            var claimant = Marshal.PtrToStringUTF8((nint)name) ?? "";
            machine.Booted.Memory.RequestMemRegion(range, claimant, null);
            return machine.Claims.Add(range, claimant, call.Site);
        }
        catch (ResourceException)
        {
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>release_mem_region</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_release_mem_region")]
    public static void ReleaseMemRegion(ulong start, ulong size, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size - 1 > ulong.MaxValue - start)
            {
                NativeMachine.Warn(ReportKind.Resource, $"Trying to free nonexistent resource <0x{start:x}, {size} bytes>");
                return;
            }
            var range = new PhysRange(new PhysAddr(start), size);
            machine.Booted.Memory.ReleaseMemRegion(range);
            machine.Claims.Remove(range);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>ioremap</c> and its kinds.</summary>
    /// <param name="phys">The first byte.</param>
    /// <param name="size">Bytes.</param>
    /// <param name="use">0 registers, 1 write-combining, 2 cached.</param>
    /// <param name="at">The call.</param>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_ioremap")]
    public static void* Ioremap(ulong phys, nuint size, int use, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size - 1 > ulong.MaxValue - phys || use is < 0 or > 2)
                return null;
            var virt = new VirtAddr(phys);
            if (machine.Virtual is { } kernel)
            {
                var name = $"ioremap by {call.Site}";
                var mapped = use switch
                {
                    1 => kernel.Io.IoremapWc(call.Cpu, new PhysAddr(phys), size, name),
                    2 => kernel.Io.IoremapCache(call.Cpu, new PhysAddr(phys), size, name),
                    _ => kernel.Io.Ioremap(call.Cpu, new PhysAddr(phys), size, name),
                };
                if (mapped is not { } given)
                    return null;
                virt = given;
            }
            var within = (nuint)(phys & (machine.Map.Pages.PageSize - 1));
            var view = HostView.CreateFaulting(within + (ulong)size, machine.Map.Pages.PageSize);
            var pointer = (nuint)view.Base + within;
            machine.Windows.Add(new HostWindow(WindowKind.Io, view, pointer, size, virt, new PhysAddr(phys), call.Site));
            return (void*)pointer;
        }
        catch (IoremapException exception) when (exception.Kind == IoremapErrorKind.BadRange)
        {
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>iounmap</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_iounmap")]
    public static void Iounmap(void* address, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var window = machine.Windows.Find(address);
            if (window is not { Kind: WindowKind.Io })
            {
                NativeMachine.Warn(ReportKind.Ioremap, $"iounmap: bad address {(nuint)address:x16}: ioremap did not give it", (nuint)address);
            }
            else if (window.Gone is { } gone || !machine.Windows.TryEnd(window, call.Site))
            {
                NativeMachine.Warn(ReportKind.Ioremap, $"iounmap: bad address {(nuint)address:x16}: mapped by {window.Site}, unmapped by {window.Gone}", (nuint)address);
            }
            else
            {
                machine.Virtual?.Io.Iounmap(call.Cpu, window.Virt);
            }
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>Who answers an access of readl, writel and their like.</summary>
    /// <param name="address">What C was given by ioremap, and an offset.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    /// <param name="isWrite">Whether it writes.</param>
    /// <param name="target">Who answers.</param>
    /// <param name="at">The call.</param>
    /// <returns>0; else nobody answers, and it is reported.</returns>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_io_target")]
    public static int Target(void* address, int size, int isWrite, IoTarget* target, CallSite* at)
    {
        try
        {
            *target = default;
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var what = isWrite != 0 ? "write" : "read";
            if (machine.Windows.Find(address) is not { Kind: WindowKind.Io } window)
            {
                NativeMachine.Bug(ReportKind.Io, $"bad {what} of {size} bytes at {(nuint)address:x16}: ioremap did not give it. Memory is read and written by its pointer.", (nuint)address);
                return Caught.Efault;
            }
            if (window.Gone is { } gone)
            {
                NativeMachine.Bug(ReportKind.Io, $"Unable to handle kernel paging request at virtual address {BoardOf(window, address):x}: {what} of registers at {window.Phys} that {window.Site} mapped and {gone} unmapped", (nuint)address);
                return Caught.Efault;
            }
            var offset = unchecked((nuint)address - window.Pointer);
            if (offset >= window.Bytes || (ulong)size > window.Bytes - offset)
            {
                NativeMachine.Bug(ReportKind.Io, $"{what} of {size} bytes at {BoardOf(window, address):x}, outside of the {window.Bytes} bytes at {window.Phys} that {window.Site} mapped", (nuint)address);
                return Caught.Efault;
            }
            var phys = new PhysAddr(window.Phys.Value + offset);
            if (!BitOperations.IsPow2(size) || (phys.Value & (uint)(size - 1)) != 0)
            {
                NativeMachine.Bug(ReportKind.Io, $"Alignment trap: {what} of {size} bytes of device memory at {phys}", (nuint)address);
                return Caught.Einval;
            }
            var memory = machine.Booted.Memory.PointerTo(phys, (ulong)size);
            if (memory != null)
            {
                target->Memory = memory;
                return 0;
            }
            if (machine.Devices.TryAnswer(phys, size, out var device, out var offsetInModel))
            {
                target->Model = device.Model;
                target->Context = device.Context;
                target->Offset = offsetInModel;
                return 0;
            }
            NativeMachine.Bug(ReportKind.Io, $"Unhandled fault: external abort on non-linefetch at {BoardOf(window, address):x}: nothing answers the {what} of {size} bytes at {phys}. Put a model there with kmem_bus_add_device.", (nuint)address);
            return Caught.Eio;
        }
        catch (Exception exception)
        {
            return Caught.Report(at, exception);
        }
    }

    private static ulong BoardOf(HostWindow window, void* address) => unchecked(window.Virt.Value + ((nuint)address - window.Pointer));
}
