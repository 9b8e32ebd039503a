using System;
using System.Collections.Generic;
using System.Globalization;
using System.Text;

namespace KmemKit.Runtime.Uclinux;

/// <summary>Prints waste reports side by side: one line per figure, one column per allocator, sizes in kB rounded down as the kernel does.</summary>
public static class WasteText
{
    /// <summary>The table; lines end in <c>\n</c>.</summary>
    public static string Write(IReadOnlyList<WasteReport> reports)
    {
        ArgumentNullException.ThrowIfNull(reports);
        var text = new StringBuilder();
        Line(text, "", reports, r => r.Allocator);
        Line(text, "blocks", reports, r => r.Blocks.ToString(CultureInfo.InvariantCulture));
        Line(text, "refused", reports, r => r.Failures.ToString(CultureInfo.InvariantCulture));
        Line(text, "asked", reports, r => KB(r.AskedBytes));
        Line(text, "taken", reports, r => KB(r.TakenBytes));
        Line(text, "wasted", reports, r => KB(r.WastedBytes));
        Line(text, "free", reports, r => KB(r.FreeBytes));
        Line(text, "largest free", reports, r => KB(r.LargestFreeBytes));
        Line(text, "frame table", reports, r => KB(r.MetadataBytes));
        return text.ToString();
    }

    private static void Line(StringBuilder text, string name, IReadOnlyList<WasteReport> reports, Func<WasteReport, string> cell)
    {
        text.Append(name.PadRight(14));
        foreach (var report in reports)
            text.Append("  ").Append(cell(report).PadLeft(Math.Max(12, report.Allocator.Length)));
        text.Append('\n');
    }

    private static string KB(ulong bytes) => (bytes >> 10).ToString(CultureInfo.InvariantCulture) + " kB";
}
