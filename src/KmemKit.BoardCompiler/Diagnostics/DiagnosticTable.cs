using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

/// <summary>
/// Every diagnostic there is: id, title, severity, message and help. One file an area; the README's table is made from <see cref="All"/>.
/// Each id has a failing board and a passing neighbour under <c>tests/vectors/diagnostics/</c>.
/// </summary>
public static partial class DiagnosticTable
{
    /// <summary>All rules in the order of their ids.</summary>
    public static ImmutableArray<DiagnosticDescriptor> All => Table.All;

    // Made at first use: the order in which the areas' files initialise their rules is not defined.
    private static class Table
    {
        public static readonly ImmutableArray<DiagnosticDescriptor> All =
            [.. SetUpRules, .. FileRules, .. BoardItemRules, .. DevicetreeRules, .. BlobRules, .. PolicyRules, .. BoardRules, .. LayoutRules, .. MpuRules, .. MmuRules,
             .. SmmuRules];
    }

    private static DiagnosticDescriptor Error(string id, string title, string message, string help) =>
        new(id, title, DiagnosticSeverity.Error, message, help);

    private static DiagnosticDescriptor Warning(string id, string title, string message, string help) =>
        new(id, title, DiagnosticSeverity.Warning, message, help);

    private static DiagnosticDescriptor Info(string id, string title, string message, string help) =>
        new(id, title, DiagnosticSeverity.Info, message, help);
}
