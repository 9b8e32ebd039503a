using System.Globalization;
using System.Linq;
using KmemKit.Native.Reports;
using KmemKit.Runtime.Dma;
using KmemKit.Runtime.Dma.Debug;

namespace KmemKit.Native.Machine;

/// <summary>Finds what C did not give back.</summary>
internal static class LeakSearch
{
    /// <summary>Reports each; the site of a report is the call that took it.</summary>
    /// <returns>How many.</returns>
    public static unsafe int Report(NativeMachine machine, in CpuLease lease)
    {
        var thread = ThreadState.Current;
        var before = thread.Pending.Count;
        // Objects come first, by their own search, which reports them itself.
        machine.Checks.FindLeaks(lease.Cpu, lease.Site.Shown.File ?? "", lease.Site.Shown.Line);
        foreach (var (_, block) in machine.PageSites.OrderBy(static entry => entry.Key))
            Add($"unreferenced pages at {machine.Map.PageToPhys(block.Page)} (order {block.Order.ToString(CultureInfo.InvariantCulture)})", block.Site, 0);
        foreach (var window in machine.Windows.Live.Where(static w => w.Kind != WindowKind.Coherent))
        {
            var what = window.Kind switch { WindowKind.Vmalloc => "vmalloc area", WindowKind.Io => "ioremap mapping", _ => "user memory" };
            Add($"unreferenced {what} at {window.Virt} (size {window.Bytes.ToString(CultureInfo.InvariantCulture)})", window.Site, window.Pointer);
        }
        foreach (var claim in machine.Claims.All)
            Add($"claimed region {claim.Range} of {claim.Name} was not released", claim.Site, 0);
        foreach (var device in machine.Devices.All)
            machine.Dma.Debug!.ReleaseDevice(device.Master);
        return thread.Pending.Count - before;

        void Add(string what, KnownSite site, nuint address) =>
            thread.Report(new NativeReport(ReportKind.Leak, $"{what}\n  backtrace:\n    {site}\n", site, address));
    }
}
