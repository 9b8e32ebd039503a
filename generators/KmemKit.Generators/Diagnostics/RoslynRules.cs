using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Diagnostics;
using DiagnosticDescriptor = Microsoft.CodeAnalysis.DiagnosticDescriptor;
using DiagnosticSeverity = KmemKit.BoardCompiler.Diagnostics.DiagnosticSeverity;
using RoslynSeverity = Microsoft.CodeAnalysis.DiagnosticSeverity;

namespace KmemKit.Generators.Diagnostics;

/// <summary>The table of diagnostics in the compiler's terms. <see cref="DiagnosticTable"/> stays the only source of ids and texts.</summary>
internal static class RoslynRules
{
    private const string Category = "KmemKit";

    private static readonly Dictionary<string, DiagnosticDescriptor> ById =
        DiagnosticTable.All.ToDictionary(rule => rule.Id, Translate, StringComparer.Ordinal);

    public static DiagnosticDescriptor Of(string id) => ById[id];

    // The message comes ready made, so the format is one argument: text of the board with braces in it must not be read as a format.
    private static DiagnosticDescriptor Translate(BoardCompiler.Diagnostics.DiagnosticDescriptor rule) => new(
        rule.Id, rule.Title, "{0}", Category, SeverityOf(rule.DefaultSeverity), isEnabledByDefault: true, description: rule.Help);

    private static RoslynSeverity SeverityOf(DiagnosticSeverity severity) => severity switch
    {
        DiagnosticSeverity.Error => RoslynSeverity.Error,
        DiagnosticSeverity.Warning => RoslynSeverity.Warning,
        _ => RoslynSeverity.Info,
    };
}
