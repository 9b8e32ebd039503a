using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The board: what the tree says about memory and devices, KMK3000-KMK3499.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> BoardRules => [];
}
