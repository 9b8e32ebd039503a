using System.Globalization;
using System.Text;
using KmemKit.Runtime.SlubDebug;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.Kfence;

/// <summary>Writes reports as mm/kfence/report.c does (kfence_report_error, kfence_print_object).</summary>
internal static class KfenceReportText
{
    private const int BarLength = 66;

    public static string Write(KfenceReport report)
    {
        var text = new StringBuilder();
        var (by, item) = (report.By, report.Object);
        var site = KernelSymbols.Describe(by.Site);
        var access = report.IsWrite ? "write" : "read";
        var at = report.Style.Pointer(report.Address);
        var number = item is null ? "" : $"kfence-#{item.Number}";
        text.Append('=', BarLength).Append('\n');
        switch (report.Kind)
        {
            case KfenceReportKind.OutOfBounds when item is not null:
                var isLeft = report.Address < item.Address;
                // To the right the kernel counts from the object's first byte as well.
                var distance = isLeft ? item.Address.Value - report.Address.Value : report.Address.Value - item.Address.Value;
                text.Append(CultureInfo.InvariantCulture, $"BUG: KFENCE: out-of-bounds {access} in {site}\n\n");
                text.Append(CultureInfo.InvariantCulture, $"Out-of-bounds {access} at {at} ({distance}B {(isLeft ? "left" : "right")} of {number}):\n");
                break;
            case KfenceReportKind.UseAfterFree:
                text.Append(CultureInfo.InvariantCulture, $"BUG: KFENCE: use-after-free {access} in {site}\n\nUse-after-free {access} at {at} (in {number}):\n");
                break;
            case KfenceReportKind.Corruption:
                text.Append(CultureInfo.InvariantCulture, $"BUG: KFENCE: memory corruption in {site}\n\nCorrupted memory at {at} [");
                foreach (var value in report.Damaged)
                    text.Append(value is { } damaged ? $" 0x{damaged:x2}" : " .");
                text.Append(CultureInfo.InvariantCulture, $" ] (in {number}):\n");
                break;
            case KfenceReportKind.InvalidFree:
                text.Append(CultureInfo.InvariantCulture, $"BUG: KFENCE: invalid free in {site}\n\nInvalid free of {at}{(item is null ? "" : $" (in {number})")}:\n");
                break;
            default:
                text.Append(CultureInfo.InvariantCulture, $"BUG: KFENCE: invalid {access} in {site}\n\nInvalid {access} at {at}:\n");
                break;
        }
        text.Append(' ').Append(site).Append('\n');
        if (item is not null)
            AppendObject(text, report, item);
        text.Append(CultureInfo.InvariantCulture, $"\nCPU: {by.Cpu} PID: {by.Task.Pid} Comm: {by.Task.Comm} {SlabReportText.Taint(report.IsTainted, report.Style).TrimEnd()}\n");
        return text.Append('=', BarLength).Append('\n').ToString();
    }

    private static void AppendObject(StringBuilder text, KfenceReport report, KfenceObject item)
    {
        var last = new Architecture.VirtAddr(item.Address.Value + (ulong)item.Size - 1);
        text.Append(CultureInfo.InvariantCulture,
            $"\nkfence-#{item.Number}: {report.Style.Pointer(item.Address)}-{report.Style.Pointer(last)}, size={item.Size}, cache={item.Cache}\n\n");
        AppendTrack(text, "allocated", report, item.Allocated);
        if (item.Freed is not null)
        {
            text.Append('\n');
            AppendTrack(text, "freed", report, item.Freed);
        }
    }

    private static void AppendTrack(StringBuilder text, string what, KfenceReport report, TrackRecord? track)
    {
        if (track is { } known)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{what} by task {known.Pid} on cpu {known.Cpu} at {report.Clock.Stamp(known.When)}s:\n {KernelSymbols.Describe(known.Site)}\n");
        }
    }
}
