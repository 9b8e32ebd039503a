using System;
using System.Collections.Immutable;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>Prints the one-line JSON object of <c>kmem dts --json</c>: the tree as source text or as a blob in base64, or the file it was written to.</summary>
public static class TreeJsonWriter
{
    /// <summary>The object.</summary>
    /// <param name="board">The board's name.</param>
    /// <param name="isBlob">Whether <paramref name="content"/> is a blob; else it is UTF-8 source.</param>
    /// <param name="file">The file that holds it; null where the object shall hold it.</param>
    /// <param name="content">The source or the blob.</param>
    /// <param name="diagnostics">All findings.</param>
    public static string Write(string board, bool isBlob, string? file, byte[] content, ImmutableArray<KmemDiagnostic> diagnostics)
    {
        var output = new StringBuilder(content.Length + 256);
        var json = new JsonText(output);
        json.BeginObject().Member("board", board).Member("format", isBlob ? "dtb" : "dts");
        json.Name("bytes").Number((long)content.Length);
        if (file is not null)
            json.Member("file", file);
        else if (isBlob)
            json.Member("base64", Convert.ToBase64String(content));
        else
            json.Member("text", Encoding.UTF8.GetString(content));
        DiagnosticJson.Write(json, diagnostics);
        json.EndObject();
        return output.ToString();
    }
}
