using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The set-up: files, names, versions. KMK0001-KMK0019 belong to the board pipeline.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> SetUpRules => SetUp.Rules;

    // A class of its own: the order in which static fields of a partial class's files are set is not defined, and the table must find these set.
    internal static class SetUp
    {
        internal static DiagnosticDescriptor PolicyFileIsBinary { get; } = Error("KMK0001", "Policy file is not a text",
            "{0} is a binary file where a Kconfig fragment is expected",
            "Name a text file of CONFIG_KEY=value lines; a devicetree blob is given as the board itself.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules => [PolicyFileIsBinary];
    }
}
