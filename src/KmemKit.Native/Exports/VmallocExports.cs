using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Memory;
using KmemKit.Runtime.Pages;
using KmemKit.Runtime.Vmalloc;

namespace KmemKit.Native.Exports;

/// <summary>vmalloc (include/linux/vmalloc.h): pages from anywhere, in a row for the board and for the host, with a guard that faults on both.</summary>
internal static unsafe class VmallocExports
{
    /// <summary><c>vmalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_vmalloc")]
    public static void* Vmalloc(nuint size, CallSite* at) => Alloc(size, GfpFlags.Kernel | GfpFlags.HighMem, at);

    /// <summary><c>vzalloc</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_vzalloc")]
    public static void* Vzalloc(nuint size, CallSite* at) => Alloc(size, GfpFlags.Kernel | GfpFlags.HighMem | GfpFlags.Zero, at);

    /// <summary><c>vfree</c>. Null is ignored.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_vfree")]
    public static void Vfree(void* address, CallSite* at)
    {
        try
        {
            if (address == null)
                return;
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (machine.Virtual is not { } kernel)
            {
                // mm/nommu.c: vfree is kfree.
                machine.Objects.Kfree(call.Cpu, address, call.Site.Shown.File ?? "", call.Site.Shown.Line);
                return;
            }
            var window = machine.Windows.Find(address);
            if (window is not { Kind: WindowKind.Vmalloc })
            {
                NativeMachine.Warn(ReportKind.Vmalloc, $"Trying to vfree() nonexistent vm area ({(nuint)address:x16})", (nuint)address);
                return;
            }
            if (window.Gone is { } gone)
            {
                NativeMachine.Warn(ReportKind.Vmalloc, $"Trying to vfree() nonexistent vm area ({(nuint)address:x16}): allocated by {window.Site}, freed by {gone}", (nuint)address);
                return;
            }
            if (window.Pointer != (nuint)address)
            {
                NativeMachine.Warn(ReportKind.Vmalloc, $"Trying to vfree() bad address ({(nuint)address:x16}): the area of {window.Site} starts at {window.Pointer:x16}", (nuint)address);
                return;
            }
            if (machine.Windows.TryEnd(window, call.Site))
                kernel.Vmalloc.Vfree(call.Cpu, window.Virt);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>is_vmalloc_addr</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_is_vmalloc_addr")]
    public static int IsVmalloc(void* address, CallSite* at)
    {
        try
        {
            return NativeMachine.Current.Windows.Find(address) is { Kind: WindowKind.Vmalloc or WindowKind.Io } ? 1 : 0;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    /// <summary><c>vmalloc_to_page</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_vmalloc_to_page")]
    public static void* VmallocToPage(void* address, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (machine.Virtual is not { } kernel)
                return PageExports.TryPage(machine, address, out var direct) ? PageExports.Descriptor(machine, direct) : null;
            if (machine.Windows.Find(address) is not { Kind: WindowKind.Vmalloc, Gone: null } window)
                return null;
            var page = kernel.Vmalloc.VmallocToPage(new VirtAddr(unchecked(window.Virt.Value + ((nuint)address - window.Pointer))));
            return page.IsNull ? null : PageExports.Descriptor(machine, page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary>Pages of the board in a row on the host.</summary>
    internal static HostView ViewOf(NativeMachine machine, IEnumerable<PhysAddr> pages)
    {
        var size = machine.Map.Pages.PageSize;
        var rows = new List<PhysRange>();
        foreach (var page in pages)
        {
            if (rows.Count > 0 && rows[^1].End == page.Value)
                rows[^1] = new PhysRange(rows[^1].Start, rows[^1].Size.Value + size);
            else
                rows.Add(new PhysRange(page, size));
        }
        return machine.Booted.Memory.CreateView(rows, size);
    }

    private static void* Alloc(nuint size, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size > machine.Booted.Memory.TotalBytes)
                return null;
            if (machine.Virtual is not { } kernel)
            {
                // mm/nommu.c: __vmalloc is kmalloc, without highmem.
                return machine.Objects.Kmalloc(call.Cpu, size, flags & ~GfpFlags.HighMem, call.Site.Shown.File ?? "", call.Site.Shown.Line);
            }
            if (kernel.Vmalloc.Vmalloc(call.Cpu, size, flags, caller: call.Site.ToString()) is not { } virt)
                return null;
            try
            {
                Page[] pages = [.. kernel.Vmalloc.FindArea(virt)!.Pages];
                var view = ViewOf(machine, pages.Select(machine.Map.PageToPhys));
                machine.Windows.Add(new HostWindow(WindowKind.Vmalloc, view, (nuint)view.Base, size, virt, default, call.Site) { Pages = pages });
                return view.Base;
            }
            catch (PhysicalMemoryException exception)
            {
                kernel.Vmalloc.Vfree(call.Cpu, virt);
                Log.Add($"vmalloc of {size} bytes: {exception.Message}");
                return null;
            }
        }
        catch (VmallocException exception)
        {
            Log.Add(exception.Message);
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }
}
