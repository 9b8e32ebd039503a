using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The policy: defconfig and kernel parameters.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> PolicyRules => [];
}
