using System;
using System.Linq;
using System.Text;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Sources;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

namespace KmemKit.Build.Tasks;

/// <summary>Findings in the build's terms: code, file, line and column, so that the error list leads to the place.</summary>
internal static class FindingLog
{
    /// <summary>Logs a finding.</summary>
    public static void Write(TaskLoggingHelper log, KmemDiagnostic finding)
    {
        var file = finding.Span.File?.Path;
        // A whole file is meant where nothing in it is: the compiler's "(1,1)" would send the reader to an innocent line.
        var isWhole = finding.Span.File is null or { Text: "", IsBinary: false };
        var start = isWhole ? default : Shown(finding.Span.StartPosition);
        var end = isWhole ? default : Shown(finding.Span.EndPosition);
        var text = Message(finding);
        switch (finding.Severity)
        {
            case DiagnosticSeverity.Error:
                log.LogError("", finding.Id, "", file, start.Line, start.Column, end.Line, end.Column, "{0}", text);
                break;
            case DiagnosticSeverity.Warning:
                log.LogWarning("", finding.Id, "", file, start.Line, start.Column, end.Line, end.Column, "{0}", text);
                break;
            default:
                log.LogMessage("", finding.Id, "", file, start.Line, start.Column, end.Line, end.Column, MessageImportance.Low, "{0}", text);
                break;
        }
    }

    // One line holds it all: what is wrong, the other places concerned, unless it names them itself, what to do.
    private static string Message(KmemDiagnostic finding)
    {
        var text = new StringBuilder(finding.Message);
        foreach (var other in finding.Related.Where(r => !r.Span.IsKnown || !finding.Message.Contains(r.Span.ToString(), StringComparison.Ordinal)))
            text.Append("; ").Append(other.Message).Append(other.Span.IsKnown ? ": " + other.Span : "");
        if (!".?!".Contains(text[^1], StringComparison.Ordinal))
            text.Append('.');
        text.Append(' ').Append(finding.Descriptor.Help);
        // A name with a line's end in it must not look like a second finding.
        return text.Replace("\r", "\\r").Replace("\n", "\\n").ToString();
    }

    private static LinePosition Shown(LinePosition position) => new(position.Line + 1, position.Column + 1);
}
