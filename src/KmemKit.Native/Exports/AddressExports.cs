using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Pages;

namespace KmemKit.Native.Exports;

/// <summary>Between what C holds (host pointers), the board's virtual addresses and physical ones (asm/memory.h).</summary>
internal static unsafe class AddressExports
{
    private const ulong NoAddress = ulong.MaxValue;

    /// <summary><c>virt_to_phys</c>: of lowmem alone, as CONFIG_DEBUG_VIRTUAL has it.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_virt_to_phys")]
    public static ulong VirtToPhys(void* address, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (machine.Booted.Memory.TryToPhys(address, out var phys) && IsLinear(machine, phys))
                return phys.Value;
            WarnNotLinear(machine, "virt_to_phys", address);
            return NoAddress;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return NoAddress;
        }
    }

    /// <summary><c>phys_to_virt</c>: the host pointer of lowmem.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_phys_to_virt")]
    public static void* PhysToVirt(ulong phys, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var host = machine.Booted.Memory.PointerTo(new PhysAddr(phys));
            if (host != null && IsLinear(machine, new PhysAddr(phys)))
                return host;
            NativeMachine.Warn(ReportKind.Address, host == null
                ? $"phys_to_virt of 0x{phys:x}: no RAM is there. Registers are mapped with ioremap."
                : $"phys_to_virt of 0x{phys:x}: it is highmem, which has no address until kmap gives it one.");
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary>The board's virtual address of what C holds: lowmem, vmalloc, ioremap.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_board_address")]
    public static ulong BoardAddress(void* address, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (machine.Booted.Memory.TryToPhys(address, out var phys) && machine.Map.TryPfnToPage(machine.Map.Pages.ToFrame(phys), out var page)
                && machine.Map.PageAddress(page) is { } first)
                return first.Value + (phys.Value & (machine.Map.Pages.PageSize - 1));
            if (machine.Windows.Find(address) is { Gone: null } window && window.Contains((nuint)address))
                return unchecked(window.Virt.Value + ((nuint)address - window.Pointer));
            NativeMachine.Warn(ReportKind.Address, $"kmem_board_address of {(nuint)address:x16}: it is no address of the board.", (nuint)address);
            return NoAddress;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return NoAddress;
        }
    }

    /// <summary>The host pointer of the board's virtual address.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmem_host_pointer")]
    public static void* HostPointer(ulong virt, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var linear = machine.Objects.PointerTo(new VirtAddr(virt));
            if (linear != null)
                return linear;
            foreach (var window in machine.Windows.Live)
            {
                if (unchecked(virt - window.Virt.Value) < window.Bytes)
                    return (void*)(window.Pointer + (nuint)(virt - window.Virt.Value));
            }
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary>Reports an address that has no fixed physical one.</summary>
    internal static void WarnNotLinear(NativeMachine machine, string what, void* address)
    {
        var meaning = machine.Windows.Find(address) switch
        {
            { Kind: WindowKind.Vmalloc } window => $"it is vmalloc memory of {window.Site}; use vmalloc_to_page",
            { Kind: WindowKind.Io } window => $"it is registers that {window.Site} mapped",
            { Kind: WindowKind.User } => "it is a process's address",
            { } window => $"it is coherent memory of {window.Site}; the device's address came with it",
            null => "it is no memory of the board: a variable of the host program, or a wild pointer",
        };
        NativeMachine.Warn(ReportKind.Address, $"{what} used for non-linear address: {(nuint)address:x16}: {meaning}.", (nuint)address);
    }

    private static bool IsLinear(NativeMachine machine, PhysAddr phys) =>
        machine.Map.TryPfnToPage(machine.Map.Pages.ToFrame(phys), out var page) && machine.Map.PageAddress(page) is not null;
}
