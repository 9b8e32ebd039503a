using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;

namespace KmemKit.Runtime.Proc;

/// <summary>Totals over all caches in the manner of <c>slabinfo -T</c>: how much memory slabs take, how much of it is objects, and what is lost beside them.</summary>
/// <param name="Caches">Caches.</param>
/// <param name="Active">Caches that have slabs.</param>
/// <param name="MemoryBytes">Bytes of all slabs.</param>
/// <param name="UsedBytes">Bytes of objects in use.</param>
/// <param name="Objects">Objects of all slabs.</param>
/// <param name="UsedObjects">Objects in use.</param>
/// <param name="Slabs">Slabs.</param>
/// <remarks>Source: tools/mm/slabinfo.c, totals().</remarks>
public sealed record SlabTotals(int Caches, int Active, long MemoryBytes, long UsedBytes, long Objects, long UsedObjects, long Slabs)
{
    private static readonly string[] s_units = ["", "K", "M", "G"];

    private IReadOnlyList<(string Name, long[] Values)> PerCache { get; init; } = [];

    /// <summary>Bytes of slabs that are in no object in use: free objects, colour, tables, what is left over.</summary>
    public long LostBytes => MemoryBytes - UsedBytes;

    /// <summary>Adds the caches up.</summary>
    /// <param name="table">The caches.</param>
    /// <param name="pageSize">Bytes of a page.</param>
    public static SlabTotals Of(SlabInfoTable table, int pageSize)
    {
        ArgumentNullException.ThrowIfNull(table);
        var lines = table.Lines;
        var active = lines.Where(static line => line.Slabs != 0).ToArray();
        long Memory(SlabInfoLine line) => line.Slabs * line.PagesPerSlab * pageSize;
        static long Used(SlabInfoLine line) => line.ActiveObjects * line.ObjectSize;
        return new SlabTotals(
            lines.Length, active.Length, lines.Sum(Memory), lines.Sum(Used), lines.Sum(static line => line.Objects), lines.Sum(static line => line.ActiveObjects),
            lines.Sum(static line => line.Slabs))
        {
            PerCache =
            [
                ("#Objects", [.. active.Select(static line => line.Objects)]),
                ("#Slabs", [.. active.Select(static line => line.Slabs)]),
                ("#Free", [.. active.Select(static line => line.Objects - line.ActiveObjects)]),
                ("Memory", [.. active.Select(Memory)]),
                ("Used", [.. active.Select(Used)]),
                ("Loss", [.. active.Select(line => Memory(line) - Used(line))]),
            ],
        };
    }

    /// <summary>The text.</summary>
    public override string ToString()
    {
        var text = new StringBuilder("Slabcache Totals\n----------------\n");
        text.Append(CultureInfo.InvariantCulture, $"Slabcaches : {Caches,15}   Active  : {Active,15}   # Slabs: {Slabs,9}\n");
        text.Append(CultureInfo.InvariantCulture, $"Memory used: {Short(MemoryBytes),15}   # Loss  : {Short(LostBytes),15}   MRatio : {Percent(LostBytes, MemoryBytes),8}%\n");
        text.Append(CultureInfo.InvariantCulture, $"# Objects  : {Short(Objects),15}   # Free  : {Short(Objects - UsedObjects),15}   ORatio : {Percent(Objects - UsedObjects, Objects),8}%\n");
        text.Append("\nPer Cache    Average         Min         Max       Total\n---------------------------------------------------------\n");
        foreach (var (name, values) in PerCache)
        {
            var (sum, min, max) = values.Length == 0 ? (0, 0, 0) : (values.Sum(), values.Min(), values.Max());
            text.Append(CultureInfo.InvariantCulture, $"{name,-9} {Short(sum / Math.Max(1, values.Length)),11} {Short(min),11} {Short(max),11} {Short(sum),11}\n");
        }
        return text.ToString();
    }

    private static long Percent(long part, long whole) => whole == 0 ? 0 : 100 * part / whole;

    // One digit behind the point, from a thousand on, as slabinfo prints.
    private static string Short(long value)
    {
        var unit = 0;
        var scaled = value * 10;
        for (; scaled >= 10_000 && unit < s_units.Length - 1; unit++)
            scaled /= 1000;
        return unit == 0 ? value.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{scaled / 10}.{scaled % 10}{s_units[unit]}");
    }
}
