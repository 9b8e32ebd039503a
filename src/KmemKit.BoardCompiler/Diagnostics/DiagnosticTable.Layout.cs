using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The memory layout and linear map, KMK3500-KMK3999.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> LayoutRules => [];
}
