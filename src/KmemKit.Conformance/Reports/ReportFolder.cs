using System;
using System.Collections.Immutable;
using System.IO;
using System.Linq;
using System.Text;
using System.Threading;

namespace KmemKit.Conformance.Reports;

/// <summary>The folder that reports are written to: a page per subject in three forms, and the matrix over all that lie there.</summary>
public static class ReportFolder
{
    private static readonly Lock s_lock = new();
    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false);

    /// <summary>The matrix's file name, without extension.</summary>
    public const string Matrix = "index";

    /// <summary>Writes a report and the matrix.</summary>
    /// <param name="folder">The folder; it is made where it is not there.</param>
    /// <param name="report">The report.</param>
    /// <returns>The report's files: Markdown, HTML, JSON.</returns>
    public static ImmutableArray<string> Write(string folder, ConformanceReport report)
    {
        lock (s_lock)
        {
            Directory.CreateDirectory(folder);
            var stem = Path.Combine(folder, report.FileName);
            Put(stem + ".md", MarkdownReportWriter.Write(report));
            Put(stem + ".html", HtmlReportWriter.Write(report));
            Put(stem + ".json", JsonReportWriter.Write(report));
            WriteMatrix(folder);
            return [stem + ".md", stem + ".html", stem + ".json"];
        }
    }

    private static void WriteMatrix(string folder)
    {
        var rows = Directory.EnumerateFiles(folder, "*.json").Where(f => Path.GetFileNameWithoutExtension(f) != Matrix).Order(StringComparer.Ordinal)
            .Select(f => MatrixRow.Read(File.ReadAllText(f), Path.GetFileNameWithoutExtension(f))).ToList();
        Put(Path.Combine(folder, Matrix + ".md"), MatrixWriter.Markdown(rows));
        Put(Path.Combine(folder, Matrix + ".html"), MatrixWriter.Html(rows));
        Put(Path.Combine(folder, Matrix + ".json"), MatrixWriter.Json(rows));
    }

    private static void Put(string file, string text) => File.WriteAllText(file, text, s_utf8);
}
