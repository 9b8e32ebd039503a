using System;
using System.Collections.Generic;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Writers;

/// <summary>The <c>diagnostics</c> array that every JSON object of <c>kmem</c> has.</summary>
internal static class DiagnosticJson
{
    public static void Write(JsonText json, IEnumerable<KmemDiagnostic> diagnostics) => Write(json, diagnostics, PlaceNames.AsGiven);

    public static void Write(JsonText json, IEnumerable<KmemDiagnostic> diagnostics, Func<SourceFile, string> nameOf)
    {
        json.Name("diagnostics").BeginArray();
        foreach (var diagnostic in diagnostics)
        {
            json.BeginObject().Member("id", diagnostic.Id).Member("severity", NameOf(diagnostic.Severity));
            WritePlace(json, diagnostic.Span, nameOf);
            json.Member("message", diagnostic.Message);
            if (!diagnostic.Related.IsDefaultOrEmpty)
            {
                json.Name("related").BeginArray();
                foreach (var related in diagnostic.Related)
                {
                    json.BeginObject();
                    WritePlace(json, related.Span, nameOf);
                    json.Member("message", related.Message).EndObject();
                }
                json.EndArray();
            }
            json.EndObject();
        }
        json.EndArray();
    }

    /// <summary>The members <c>file</c>, <c>line</c> and <c>column</c>, both from 1; null where nothing is known.</summary>
    public static void WritePlace(JsonText json, SourceSpan span) => WritePlace(json, span, PlaceNames.AsGiven);

    /// <summary>The same, with files called as <paramref name="nameOf"/> says.</summary>
    public static void WritePlace(JsonText json, SourceSpan span, Func<SourceFile, string> nameOf)
    {
        if (!span.IsKnown)
        {
            json.Name("file").Null().Name("line").Null().Name("column").Null();
            return;
        }
        var position = span.StartPosition;
        json.Member("file", nameOf(span.File!));
        json.Name("line").Number((long)position.Line + 1);
        json.Name("column").Number((long)position.Column + 1);
    }

    private static string NameOf(DiagnosticSeverity severity) => severity switch
    {
        DiagnosticSeverity.Error => "error",
        DiagnosticSeverity.Warning => "warning",
        _ => "info",
    };
}
