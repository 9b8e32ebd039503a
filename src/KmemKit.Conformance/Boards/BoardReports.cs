using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.Conformance.Reports;
using KmemKit.Conformance.Rules;

namespace KmemKit.Conformance.Boards;

/// <summary>What was proved about a board, as a report.</summary>
public static class BoardReports
{
    /// <summary>The report, with the drawing of the board's map.</summary>
    public static ConformanceReport Of(BoardSubject board, RuleOptions options, ImmutableArray<RuleResult> results)
    {
        var drawing = board.Artifacts.FirstOrDefault(a => a.Kind.Name == "svg");
        var source = board.Compilation.Board;
        var description = $"{(source is { Model.Length: > 0 } ? source.Model + ", " : "")}{board.Layout.Profile}, {board.Layout.Banks.Length} {(board.Layout.Banks.Length == 1 ? "bank" : "banks")}, "
            + $"{board.Layout.LowPages + board.Layout.HighPages} pages of {board.Layout.Pages.PageSize} bytes";
        return new ConformanceReport(board.Name, description, options.Seed, options.Budget.Name, results, drawing is null ? "" : Encoding.UTF8.GetString(drawing.Bytes.AsSpan()));
    }
}
