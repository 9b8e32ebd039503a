using System;
using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout.Strategies;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints strategies side by side as a table for people; a star marks what the board's policy says.</summary>
public static class StrategyTextWriter
{
    /// <summary>The table.</summary>
    /// <param name="board">The board's name.</param>
    /// <param name="goal">What is asked for.</param>
    /// <param name="strategies">The strategies, best first.</param>
    public static string Write(string board, StrategyGoal goal, ImmutableArray<LayoutStrategy> strategies)
    {
        var rows = strategies.Select(Row).ToList();
        rows.Insert(0, ["", "split", "PAGE_OFFSET", "reclaim", "lowmem", "highmem", "vmalloc", "unreachable", "page tables", "+ vmalloc's"]);
        var widths = Enumerable.Range(0, 10).Select(column => rows.Where(r => r.Length > 5).Select(r => r[column].Length).Max()).ToArray();
        var output = new StringBuilder(1024);
        output.Append(board).Append(": best for ").Append(NameOf(goal)).Append(" first; * is the board's own\n");
        foreach (var row in rows)
        {
            var line = new StringBuilder();
            for (var i = 0; i < row.Length; i++)
            {
                // Words stand left, amounts right, and why there is no layout as it is.
                var cell = i < 4 ? row[i].PadRight(widths[i]) : row.Length > 5 ? row[i].PadLeft(widths[i]) : row[i];
                line.Append(i == 0 ? "" : "  ").Append(cell);
            }
            output.Append(line.ToString().TrimEnd()).Append('\n');
        }
        return output.ToString();
    }

    internal static string NameOf(StrategyGoal goal) => goal == StrategyGoal.Vmalloc ? "vmalloc" : "lowmem";

    internal static string NameOf(ReclaimStrategy reclaim) => reclaim switch
    {
        ReclaimStrategy.DontMapHole => "dont-map-hole",
        ReclaimStrategy.VmallocSaving => "vmalloc-saving",
        _ => "none",
    };

    private static string[] Row(LayoutStrategy s)
    {
        string[] head = [s.IsCurrent ? "*" : "", s.Split.Length > 0 ? s.Split : "-", s.PageOffset.ToString(), NameOf(s.Reclaim)];
        if (s.Failure is { } failure)
            return [.. head, failure];
        return
        [
            .. head, Size(s.Lowmem), Size(s.Highmem), Size(s.Vmalloc), Size(s.Unreachable),
            s.PageTables is { } tables ? Size(tables.Linear) : "-", s.PageTables is { } cost ? Size(cost.VmallocMost) : "-",
        ];
    }

    private static string Size(ulong bytes) => SizeText.Of(AddressLimit.FromUInt64(bytes));
}
