using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The devicetree source and blobs.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> DevicetreeRules => [];
}
