using System;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Text;

namespace KmemKit.Runtime.Proc;

/// <summary>What <c>slabtop -o</c> shows: totals, and the caches with most objects first.</summary>
/// <remarks>Source: procps, slabtop.c and library/slabinfo.c: what counts as active, and how it is rounded.</remarks>
public static class SlabTop
{
    /// <summary>The table.</summary>
    /// <param name="table">The caches.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    public static string Write(SlabInfoTable table, int pageSize)
    {
        ArgumentNullException.ThrowIfNull(table);
        ArgumentOutOfRangeException.ThrowIfLessThan(pageSize, 1024);
        var lines = table.Lines;
        var objects = lines.Sum(static line => line.Objects);
        var active = lines.Sum(static line => line.ActiveObjects);
        var bytes = lines.Sum(static line => line.Objects * line.ObjectSize);
        var activeBytes = lines.Sum(static line => line.ActiveObjects * line.ObjectSize);
        var text = new StringBuilder();
        Ratio("Active / Total Objects (% used)", active, objects);
        Ratio("Active / Total Slabs (% used)", lines.Sum(static line => line.ActiveSlabs), lines.Sum(static line => line.Slabs));
        Ratio("Active / Total Caches (% used)", lines.Count(static line => line.Objects != 0), lines.Length);
        text.Append(Invariant($" {"Active / Total Size (% used)",-35}: {activeBytes / 1024.0:F2}K / {bytes / 1024.0:F2}K ({Percent(activeBytes, bytes):F1}%)\n"));
        var smallest = lines.IsEmpty ? 0 : lines.Min(static line => line.ObjectSize);
        var largest = lines.IsEmpty ? 0 : lines.Max(static line => line.ObjectSize);
        var average = objects == 0 ? 0 : bytes / objects;
        text.Append(Invariant($" {"Minimum / Average / Maximum Object",-35}: {smallest / 1024.0:F2}K / {average / 1024.0:F2}K / {largest / 1024.0:F2}K\n\n"));
        text.Append(Invariant($"{"OBJS",6} {"ACTIVE",6} {"USE",4} {"OBJ SIZE",8} {"SLABS",6} {"OBJ/SLAB",8} {"CACHE SIZE",10} {"NAME",-18}").TrimEnd()).Append('\n');
        // Names break ties, so that the same caches always give the same text.
        foreach (var line in lines.OrderByDescending(static line => line.Objects).ThenBy(static line => line.Name, StringComparer.Ordinal))
        {
            var use = line.Objects == 0 ? 0 : 100 * line.ActiveObjects / line.Objects;
            var kbytes = line.Slabs * line.PagesPerSlab * (pageSize >> 10);
            text.Append(Invariant(
                $"{line.Objects,6} {line.ActiveObjects,6} {use,3}% {line.ObjectSize / 1024.0,7:F2}K {line.Slabs,6} {line.ObjectsPerSlab,8} {kbytes,9}K {line.Name}\n"));
        }
        return text.ToString();

        void Ratio(string what, long part, long whole) => text.Append(Invariant($" {what,-35}: {part} / {whole} ({Percent(part, whole):F1}%)\n"));
    }

    private static double Percent(long part, long whole) => whole == 0 ? 0 : 100.0 * part / whole;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
