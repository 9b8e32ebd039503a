using System.Collections.Immutable;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints the one-line JSON object of <c>kmem check --json</c>: how many findings of each severity, and the findings.</summary>
public static class CheckJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(string board, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(256);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board);
        json.Name("errors").Number((long)diagnostics.Count(d => d.Severity == DiagnosticSeverity.Error));
        json.Name("warnings").Number((long)diagnostics.Count(d => d.Severity == DiagnosticSeverity.Warning));
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }
}
