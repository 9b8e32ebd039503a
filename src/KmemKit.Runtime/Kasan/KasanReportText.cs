using System.Globalization;
using System.Text;
using KmemKit.Architecture;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kasan;

/// <summary>Writes reports as mm/kasan/report.c of 6.x does (print_error_description, describe_object, print_memory_metadata).</summary>
internal static class KasanReportText
{
    private const int BarLength = 66;
    private const int RowGranules = 16;

    public static string Write(KasanReport report)
    {
        var text = new StringBuilder();
        var by = report.By;
        text.Append('=', BarLength).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"BUG: KASAN: {report.BugType} in {KernelSymbols.Describe(by.Site)}\n");
        text.Append(report.Size == 0
            ? $"Free of addr {Address(report, report.Address)} by task {by.Task}\n\n"
            : $"{(report.IsWrite ? "Write" : "Read")} of size {report.Size} at addr {Address(report, report.Address)} by task {by.Task}\n\n");
        AppendStack(text, report);
        if (report.Object is { } item)
            AppendObject(text, report, item);
        if (report.Page is { } page)
            text.Append(CultureInfo.InvariantCulture, $"The buggy address belongs to the physical page:\npage:{Address(report, page)}\npage dumped because: kasan: bad access detected\n\n");
        if (report.Shadow is { } shadow)
            AppendShadow(text, report, shadow);
        return text.Append('=', BarLength).Append('\n').ToString();
    }

    /// <summary>In the form of mm/kmsan/report.c.</summary>
    public static string WriteUninitialized(KasanReport report)
    {
        const int Bar = 53;
        var text = new StringBuilder();
        var site = KernelSymbols.Describe(report.By.Site);
        text.Append('=', Bar).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"BUG: KMSAN: uninit-value in {site}\n {site}\n\n");
        if (report.Object?.Allocated is { } created)
            text.Append(CultureInfo.InvariantCulture, $"Uninit was created at:\n {KernelSymbols.Describe(created.Site)}\n\n");
        var first = report.FirstBad.Value - report.Address.Value;
        text.Append(CultureInfo.InvariantCulture, $"Byte {first} of {report.Size} is the first that is uninitialized\n");
        text.Append(CultureInfo.InvariantCulture, $"Memory access of size {report.Size} starts at {Address(report, report.Address)}\n\n");
        text.Append(CultureInfo.InvariantCulture, $"CPU: {report.By.Cpu} PID: {report.By.Task.Pid} Comm: {report.By.Task.Comm} {SlabReportText.Taint(report.IsTainted, report.Style).TrimEnd()}\n");
        return text.Append('=', Bar).Append('\n').ToString();
    }

    private static string Address(KasanReport report, VirtAddr address) => report.Style.Pointer(address)[2..];

    private static void AppendStack(StringBuilder text, KasanReport report)
    {
        var by = report.By;
        text.Append(CultureInfo.InvariantCulture, $"CPU: {by.Cpu} PID: {by.Task.Pid} Comm: {by.Task.Comm} {SlabReportText.Taint(report.IsTainted, report.Style).TrimEnd()}\n");
        text.Append(CultureInfo.InvariantCulture, $"Call Trace:\n {KernelSymbols.Describe(by.Site)}\n\n");
    }

    private static void AppendObject(StringBuilder text, KasanReport report, KasanObject item)
    {
        AppendTrack(text, "Allocated", item.Allocated);
        AppendTrack(text, "Freed", item.Freed);
        text.Append(CultureInfo.InvariantCulture, $"The buggy address belongs to the object at {Address(report, item.Address)}\n");
        if (item.Cache.Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" which belongs to the cache {item.Cache} of size {item.ObjectSize}\n");
        var size = (ulong)item.AllocatedSize;
        var (start, end) = (item.Address.Value, item.Address.Value + size);
        // The address that was accessed, not the first bad one: an access may start inside and run out.
        var at = report.Address.Value;
        var (distance, where) = at < start ? (start - at, "to the left") : at >= end ? (at - end, "to the right") : (at - start, "inside");
        var state = report.Kind switch
        {
            KasanReportKind.OutOfBounds => "allocated ",
            KasanReportKind.UseAfterFree => "freed ",
            _ => "",
        };
        text.Append(CultureInfo.InvariantCulture, $"The buggy address is located {distance} bytes {where} of\n");
        text.Append(CultureInfo.InvariantCulture, $" {state}{size}-byte region [{Address(report, item.Address)}, {Address(report, new VirtAddr(end))})\n\n");
    }

    private static void AppendTrack(StringBuilder text, string what, TrackRecord? track)
    {
        if (track is { } known)
            text.Append(CultureInfo.InvariantCulture, $"{what} by task {known.Pid}:\n {KernelSymbols.Describe(known.Site)}\n\n");
    }

    private static void AppendShadow(StringBuilder text, KasanReport report, ShadowRows shadow)
    {
        text.Append("Memory state around the buggy address:\n");
        for (var row = 0; row < shadow.Bytes.Length / RowGranules; row++)
        {
            var first = shadow.First.Value + (ulong)(row * RowGranules * ShadowMemory.GranuleSize);
            var granule = unchecked(report.FirstBad.Value - first) / ShadowMemory.GranuleSize;
            var isGuilty = granule < RowGranules;
            text.Append(isGuilty ? '>' : ' ').Append(Address(report, new VirtAddr(first))).Append(':');
            for (var i = 0; i < RowGranules; i++)
                text.Append(' ').Append(shadow.Bytes[(row * RowGranules) + i] is { } value ? value.ToString("x2", CultureInfo.InvariantCulture) : "??");
            text.Append('\n');
            // Under the first digit of the granule.
            if (isGuilty)
                text.Append(' ', 3 + report.Style.Digits + ((int)granule * 3)).Append("^\n");
        }
    }
}
