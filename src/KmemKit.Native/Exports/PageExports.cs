using System;
using System.Runtime.InteropServices;
using KmemKit.Architecture;
using KmemKit.Native.Machine;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Gfp;
using KmemKit.Runtime.Pages;

namespace KmemKit.Native.Exports;

/// <summary>Pages by order (include/linux/gfp.h), <c>struct page</c> and back (include/linux/mm.h), kmap (include/linux/highmem.h).</summary>
internal static unsafe class PageExports
{
    /// <summary><c>alloc_pages</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_alloc_pages")]
    public static void* AllocPages(GfpFlags flags, uint order, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var page = Take(machine, call, flags, order);
            return page.IsNull ? null : Descriptor(machine, page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>__free_pages</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet___free_pages")]
    public static void FreePagesOf(void* descriptor, uint order, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (PageOf(machine, descriptor, "__free_pages") is { IsNull: false } page)
                Give(machine, call, page, order);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>__get_free_pages</c>: an address of lowmem.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet___get_free_pages")]
    public static nuint GetFreePages(GfpFlags flags, uint order, CallSite* at) => GetPages(flags, order, at);

    /// <summary><c>get_zeroed_page</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_get_zeroed_page")]
    public static nuint GetZeroedPage(GfpFlags flags, CallSite* at) => GetPages(flags | GfpFlags.Zero, 0, at);

    /// <summary><c>free_pages</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_free_pages")]
    public static void FreePages(nuint address, uint order, CallSite* at)
    {
        try
        {
            if (address == 0)
                return;
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (!TryPage(machine, (void*)address, out var page) || (address & (nuint)(machine.Map.Pages.PageSize - 1)) != 0)
                NativeMachine.Warn(ReportKind.Page, $"free_pages of {address:x16}: it is not the first byte of a page of RAM.", address);
            else
                Give(machine, call, page, order);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>alloc_pages_exact</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_alloc_pages_exact")]
    public static void* AllocPagesExact(nuint size, GfpFlags flags, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size > machine.Booted.Memory.TotalBytes || call.Cpu.GetOrder(size) > machine.Map.MaxOrder
                || call.Cpu.AllocPagesExact(size, Gfp.Checked(flags)) is not { } address)
                return null;
            var first = machine.Map.VirtToPage(address);
            for (var i = 0u; i < PagesIn(machine, size); i++)
                Remember(machine, machine.Map.PfnToPage(machine.Map.PageToPfn(first) + i), 0, call.Site);
            return machine.Map.PageData(first);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>free_pages_exact</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_free_pages_exact")]
    public static void FreePagesExact(void* address, nuint size, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (size == 0 || size > machine.Booted.Memory.TotalBytes || !TryPage(machine, address, out var first)
                || ((nuint)address & (nuint)(machine.Map.Pages.PageSize - 1)) != 0)
            {
                NativeMachine.Warn(ReportKind.Page, $"free_pages_exact of {(nuint)address:x16}, {size} bytes: there are no such pages.", (nuint)address);
                return;
            }
            for (var i = 0u; i < PagesIn(machine, size); i++)
                Give(machine, call, machine.Map.PfnToPage(machine.Map.PageToPfn(first) + i), 0);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary><c>page_address</c>: null for highmem, as in the kernel.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_page_address")]
    public static void* PageAddress(void* descriptor, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var page = PageOf(machine, descriptor, "page_address");
            return page.IsNull || (machine.Map.PageAddress(page) is null && machine.Virtual?.PkMap?.AddressOf(page) is null) ? null : machine.Map.PageData(page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>virt_to_page</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_virt_to_page")]
    public static void* VirtToPage(void* address, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (TryPage(machine, address, out var page) && machine.Map.PageAddress(page) is not null)
                return Descriptor(machine, page);
            AddressExports.WarnNotLinear(machine, "virt_to_page", address);
            return null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>page_to_pfn</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_page_to_pfn")]
    public static ulong PageToPfn(void* descriptor, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var page = PageOf(machine, descriptor, "page_to_pfn");
            return page.IsNull ? ulong.MaxValue : machine.Map.PageToPfn(page).Number;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return ulong.MaxValue;
        }
    }

    /// <summary><c>pfn_to_page</c>: null where <c>pfn_valid</c> is not.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_pfn_to_page")]
    public static void* PfnToPage(ulong frame, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            return machine.Map.TryPfnToPage(new PageFrame(frame), out var page) ? Descriptor(machine, page) : null;
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>kmap</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kmap")]
    public static void* Kmap(void* descriptor, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var page = PageOf(machine, descriptor, "kmap");
            if (page.IsNull)
                return null;
            machine.Virtual?.PkMap?.Map(call.Cpu, page);
            return machine.Map.PageData(page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return null;
        }
    }

    /// <summary><c>kunmap</c>.</summary>
    [UnmanagedCallersOnly(EntryPoint = "kmemnet_kunmap")]
    public static void Kunmap(void* descriptor, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            if (PageOf(machine, descriptor, "kunmap") is { IsNull: false } page)
                machine.Virtual?.PkMap?.Unmap(page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
        }
    }

    /// <summary>What C holds of a page: its descriptor, which lies in the board's RAM.</summary>
    internal static void* Descriptor(NativeMachine machine, Page page)
    {
        fixed (PageDescriptor* descriptor = &machine.Map.Descriptor(page))
            return descriptor;
    }

    /// <summary>The page that C means; the null page, and a report, where it is none.</summary>
    internal static Page PageOf(NativeMachine machine, void* descriptor, string what)
    {
        if (!machine.Map.TryDescriptorToPage((PageDescriptor*)descriptor, out var page))
            NativeMachine.Warn(ReportKind.Page, $"{what} of {(nuint)descriptor:x16}: it is no struct page.", (nuint)descriptor);
        return page;
    }

    /// <summary>The page of a pointer into RAM.</summary>
    internal static bool TryPage(NativeMachine machine, void* address, out Page page)
    {
        page = default;
        return machine.Booted.Memory.TryToPhys(address, out var phys) && machine.Map.TryPfnToPage(machine.Map.Pages.ToFrame(phys), out page);
    }

    private static nuint GetPages(GfpFlags flags, uint order, CallSite* at)
    {
        try
        {
            var machine = NativeMachine.Current;
            using var call = machine.Enter(at);
            var page = Take(machine, call, flags & ~GfpFlags.HighMem, order);
            return page.IsNull ? 0 : (nuint)machine.Map.PageData(page);
        }
        catch (Exception exception)
        {
            _ = Caught.Report(at, exception);
            return 0;
        }
    }

    private static Page Take(NativeMachine machine, in CpuLease call, GfpFlags flags, uint order)
    {
        var page = call.Cpu.AllocPages(Gfp.Checked(flags), order > int.MaxValue ? int.MaxValue : (int)order);
        if (!page.IsNull)
            Remember(machine, page, (int)order, call.Site);
        return page;
    }

    private static void Give(NativeMachine machine, in CpuLease call, Page page, uint order)
    {
        call.Cpu.FreePages(page, order > int.MaxValue ? int.MaxValue : (int)order);
        machine.PageSites.TryRemove(Key(machine, page), out _);
    }

    private static void Remember(NativeMachine machine, Page page, int order, KnownSite site) => machine.PageSites[Key(machine, page)] = (page, order, site);

    private static ulong Key(NativeMachine machine, Page page) => machine.Map.PageToPfn(page).Number;

    private static ulong PagesIn(NativeMachine machine, nuint size) => ((size - 1) >> machine.Map.Pages.PageShift) + 1;
}
