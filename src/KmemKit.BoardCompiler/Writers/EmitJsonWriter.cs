using System.Collections.Generic;
using System.Collections.Immutable;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>A file that was written.</summary>
/// <param name="Kind">The word for its kind.</param>
/// <param name="Path">Where it is.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Changed">Whether it was written; else it was the same already and left alone.</param>
public sealed record EmittedFile(string Kind, string Path, ulong Size, bool Changed);

/// <summary>Prints the one-line JSON object of <c>kmem emit --json</c>: <c>files</c>, each with <c>kind</c>, <c>path</c>, <c>size</c> and <c>changed</c>.</summary>
public static class EmitJsonWriter
{
    /// <summary>The object.</summary>
    public static string Write(string board, IEnumerable<EmittedFile> files, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(1024);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board).Name("files").BeginArray();
        foreach (var file in files)
            json.BeginObject().Member("kind", file.Kind).Member("path", file.Path).Member("size", file.Size).Name("changed").Boolean(file.Changed).EndObject();
        json.EndArray();
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }
}
