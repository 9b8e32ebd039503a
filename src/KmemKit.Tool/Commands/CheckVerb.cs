using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Tables;
using KmemKit.BoardCompiler.Writers;
using KmemKit.Tool.Input;

namespace KmemKit.Tool.Commands;

/// <summary><c>kmem check</c>: the findings, which go to standard error as with every verb, and their number.</summary>
internal sealed class CheckVerb : IVerb
{
    public VerbOutput Run(BoardRequest request, DiagnosticBag findings)
    {
        var board = BoardLoader.Compile(request, findings, requireLayout: false);
        var name = board.Name;
        if (board.Compilation is { HasErrors: false } compilation && BoardTables.Of(compilation) is { } tables)
            findings.AddRange(tables.Diagnostics);
        return new VerbOutput(request.Settings.Json ? FailureJson(name, findings) + "\n" : $"{name}: {Summary(findings)}\n");
    }

    // The object is the same whether the board is usable or not: the findings are the answer.
    public string FailureJson(string board, DiagnosticBag findings) => CheckJsonWriter.Write(board, findings.ToImmutable());

    private static string Summary(DiagnosticBag findings)
    {
        if (findings.Count == 0)
            return "no findings";
        var parts = new[] { (DiagnosticSeverity.Error, "error"), (DiagnosticSeverity.Warning, "warning"), (DiagnosticSeverity.Info, "note") }
            .Select(row => (Count: findings.Count(d => d.Severity == row.Item1), Word: row.Item2))
            .Where(row => row.Count > 0)
            .Select(row => $"{row.Count} {row.Word}{(row.Count == 1 ? "" : "s")}");
        return string.Join(", ", parts);
    }
}
