using System.Collections.Immutable;
using System.Text;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Layout.Strategies;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>
/// Prints the one-line JSON object of <c>kmem layout --compare --json</c>: <c>for</c>, and <c>strategies</c>, best first, each with <c>split</c>, <c>page_offset</c>,
/// <c>reclaim</c>, <c>current</c>, <c>config</c>, <c>error</c>, and sizes as hexadecimal strings.
/// </summary>
public static class StrategyJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(string board, StrategyGoal goal, ImmutableArray<LayoutStrategy> strategies, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(2048);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board).Member("for", StrategyTextWriter.NameOf(goal)).Name("strategies").BeginArray();
        foreach (var s in strategies)
        {
            json.BeginObject().Member("split", s.Split.Length > 0 ? s.Split : null).Member("page_offset", s.PageOffset.ToString());
            json.Member("reclaim", StrategyTextWriter.NameOf(s.Reclaim)).Name("current").Boolean(s.IsCurrent).Name("config").BeginArray();
            foreach (var line in s.Configuration)
                json.String(line);
            json.EndArray().Member("error", s.Failure);
            if (s.Failure is null)
            {
                json.Member("lowmem", Size(s.Lowmem)).Member("highmem", Size(s.Highmem)).Member("vmalloc", Size(s.Vmalloc)).Member("unreachable", Size(s.Unreachable));
                json.Member("page_tables", s.PageTables is { } tables ? Size(tables.Linear) : null);
                json.Member("page_tables_vmalloc", s.PageTables is { } cost ? Size(cost.VmallocMost) : null);
            }
            json.EndObject();
        }
        json.EndArray();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }

    private static string Size(ulong bytes) => AddressLimit.FromUInt64(bytes).ToString();
}
