using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The set-up: files, names, versions.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> SetUpRules => [];
}
