using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;

namespace KmemKit.Tool.Output;

/// <summary>Writes findings to standard error, one a line, in the form that MSBuild and editors make clickable.</summary>
internal static class DiagnosticPrinter
{
    /// <summary>Writes them; true where one is an error.</summary>
    public static bool Print(ConsoleStreams console, IEnumerable<KmemDiagnostic> diagnostics)
    {
        var anyError = false;
        foreach (var diagnostic in diagnostics)
        {
            anyError |= diagnostic.Severity == DiagnosticSeverity.Error;
            console.WriteErrorLine(Coloured(console, diagnostic, OneLine(diagnostic.ToString())));
            foreach (var related in diagnostic.Related.Where(r => r.Span.IsKnown))
                console.WriteErrorLine(OneLine($"  {related.Span}: {related.Message}"));
        }
        return anyError;
    }

    // A name with a newline in it must not look like a second finding.
    private static string OneLine(string text) => TerminalSafe.Of(text.Replace("\r", "\\r").Replace("\n", "\\n"));

    // Three escape sequences are not worth loading a library for on every run.
    private static string Coloured(ConsoleStreams console, KmemDiagnostic diagnostic, string line)
    {
        if (!console.ErrorIsTerminal)
            return line;
        var (colour, word) = diagnostic.Severity switch
        {
            DiagnosticSeverity.Error => ("31", "error"),
            DiagnosticSeverity.Warning => ("33", "warning"),
            _ => ("36", "info"),
        };
        var at = line.IndexOf($": {word} {diagnostic.Id}: ", System.StringComparison.Ordinal);
        return at < 0 ? line : $"{line[..(at + 2)]}\u001b[1;{colour}m{word} {diagnostic.Id}\u001b[0m{line[(at + 2 + word.Length + 1 + diagnostic.Id.Length)..]}";
    }
}
