using System;
using System.Globalization;
using System.Text;
using KmemKit.Runtime.Tracking;

namespace KmemKit.Runtime.SlubDebug;

/// <summary>Writes reports as mm/slub.c does (slab_bug, print_trailer, print_tracking, slab_fix).</summary>
public static class SlabReportText
{
    private const int BarLength = 77;

    /// <summary>Writes a report.</summary>
    /// <param name="report">The report.</param>
    public static string Write(SlabReport report)
    {
        ArgumentNullException.ThrowIfNull(report);
        var style = report.Style;
        var text = new StringBuilder();
        if (report.Kind == SlabReportKind.WrongCache)
        {
            text.Append("kmem_cache_free: ").Append(report.Problem).Append('\n');
            AppendStack(text, report, style);
            AppendFixes(text, report);
            return text.ToString();
        }
        var taint = Taint(report.IsTainted, style);
        text.Append('=', BarLength).Append('\n');
        text.Append(CultureInfo.InvariantCulture, $"BUG {report.Cache} ({taint}): {report.Problem}\n");
        text.Append('-', BarLength).Append("\n\n");
        if (report.Damage is { } damage)
            AppendDamage(text, report.Kind, damage, style);
        AppendTrack(text, "Allocated", report.Allocated, report.By.Jiffies, style);
        AppendTrack(text, "Freed", report.Freed, report.By.Jiffies, style);
        if (report.Slab is { } slab)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{style.Prefix}Slab {style.Pointer(slab.Page)} objects={slab.Objects} used={slab.Used} fp={style.Pointer(slab.FreePointer)} flags=0x{slab.Flags:x4}\n");
        }
        if (report.Object is { } at && report.Slab is { } of)
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{style.Prefix}Object {style.Pointer(at)} @offset={unchecked(at.Value - of.Address.Value)} fp={style.Pointer(report.FreePointer)}\n\n");
        }
        foreach (var dump in report.Dumps)
            HexDump.Append(text, style.IsPlain ? dump.Label.PadRight(9) : dump.Label + " ", dump.Address, dump.Bytes.AsSpan(), style.Digits);
        foreach (var remaining in report.Remaining)
        {
            text.Append(CultureInfo.InvariantCulture, $"{style.Prefix}Object {style.Pointer(remaining.Object)} @offset={remaining.Offset}\n");
            AppendTrack(text, "Allocated", remaining.Allocated, report.By.Jiffies, style);
        }
        AppendStack(text, report, style);
        AppendFixes(text, report);
        return text.ToString();
    }

    /// <summary>The line of a traced call (<c>TRACE</c>, mm/slub.c trace).</summary>
    public static string WriteTrace(string cache, bool isAllocation, in SlabFacts slab, Architecture.VirtAddr at, SlabReportStyle style) => string.Create(
        CultureInfo.InvariantCulture, $"TRACE {cache} {(isAllocation ? "alloc" : "free")} {style.Pointer(at)} inuse={slab.Used} fp={style.Pointer(slab.FreePointer)}\n");

    internal static string Taint(bool isTainted, SlabReportStyle style) =>
        isTainted ? "Tainted: " + "G    B".PadRight(style.TaintFlags) : "Not tainted";

    private static void AppendDamage(StringBuilder text, SlabReportKind kind, in DamagedBytes damage, SlabReportStyle style)
    {
        // A slab's own padding is named in the line of the bug (slab_pad_check).
        if (kind == SlabReportKind.SlabPaddingOverwritten)
            return;
        text.Append(CultureInfo.InvariantCulture, $"{style.Prefix}{style.Pointer(damage.First)}-{style.Pointer(damage.Last)}");
        if (style.IsPlain)
            text.Append(CultureInfo.InvariantCulture, $" @offset={damage.Offset}");
        text.Append(CultureInfo.InvariantCulture, $". First byte 0x{damage.Found:x} instead of 0x{damage.Expected:x}\n");
    }

    private static void AppendTrack(StringBuilder text, string what, TrackRecord? track, long now, SlabReportStyle style)
    {
        if (track is not { } known)
            return;
        text.Append(CultureInfo.InvariantCulture,
            $"{style.Prefix}{what} in {KernelSymbols.Describe(known.Site)} age={now - known.When} cpu={known.Cpu} pid={known.Pid}\n");
    }

    private static void AppendStack(StringBuilder text, SlabReport report, SlabReportStyle style)
    {
        // slab_bug taints before the stack is dumped, so the stack's line says so already.
        var by = report.By;
        text.Append(CultureInfo.InvariantCulture, $"CPU: {by.Cpu} PID: {by.Task.Pid} Comm: {by.Task.Comm} {Taint(true, style).TrimEnd()}\n");
        text.Append(CultureInfo.InvariantCulture, $"Call Trace:\n {KernelSymbols.Describe(by.Site)}\n");
    }

    private static void AppendFixes(StringBuilder text, SlabReport report)
    {
        foreach (var fix in report.Fixes)
            text.Append(CultureInfo.InvariantCulture, $"FIX {report.Cache}: {fix}\n");
    }
}
