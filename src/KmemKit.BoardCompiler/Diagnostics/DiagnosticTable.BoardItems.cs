using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// KmemBoard items of a project, KMK0100-KMK0199: what the build and the generator refuse before, or beside, compiling a board.
public static partial class DiagnosticTable
{
    /// <summary>A board has no name that a type can have.</summary>
    public static DiagnosticDescriptor BoardNameUnusable { get; } = Error("KMK0100", "No type can have the board's name",
        "'{0}' cannot name a board's type: it is no C# identifier, or one of the type's own members has that name",
        "Set Name=\"...\" on the KmemBoard item: ASCII letters, digits and underscores, no digit first, no C# keyword.");

    /// <summary>A board's namespace is none.</summary>
    public static DiagnosticDescriptor BoardNamespaceUnusable { get; } = Error("KMK0101", "No namespace can have that name",
        "'{0}' cannot be a namespace",
        "Set Namespace=\"...\" on the KmemBoard item to C# identifiers with dots between them.");

    /// <summary>Two boards would be one type.</summary>
    public static DiagnosticDescriptor BoardNameTaken { get; } = Error("KMK0102", "Two boards have one name",
        "the type {0} is already made from {1}; names that differ only in case count as one",
        "Set Name=\"...\" or Namespace=\"...\" on one of the two KmemBoard items.");

    /// <summary>The compiler could not read the board's source.</summary>
    public static DiagnosticDescriptor BoardUnreadable { get; } = Error("KMK0103", "The board's source cannot be read",
        "the compiler could not read {0}",
        "Check that the file exists and is a text; a blob (.dtb) is named in a KmemBoard item only after it was decompiled to source.");

    /// <summary>The defconfig that an item names is not there.</summary>
    public static DiagnosticDescriptor DefconfigMissing { get; } = Error("KMK0104", "The board's defconfig is missing",
        "there is no defconfig at {0}",
        "Correct Defconfig=\"...\" on the KmemBoard item; its name must end in _defconfig.");

    /// <summary>A blob as a board.</summary>
    public static DiagnosticDescriptor BoardIsBlob { get; } = Error("KMK0105", "A blob is no board of a build",
        "{0} is a devicetree blob, which the compiler cannot hand to a generator",
        "Decompile it once with 'kmem dts -O dts -o board.dts board.dtb' and name the source in the KmemBoard item.");

    /// <summary>The project's framework is older than what boards need.</summary>
    public static DiagnosticDescriptor FrameworkTooOld { get; } = Error("KMK0106", "The project's framework has no boards",
        "boards need net10.0 or later, and the project is built for {0}",
        "Set TargetFramework to net10.0 or later, or give KmemBoard items a condition on it.");

    /// <summary>A fault of KmemKit's own.</summary>
    public static DiagnosticDescriptor BoardCompilerFailed { get; } = Error("KMK0199", "The board compiler failed",
        "compiling the board ended in {0}: {1}",
        "This is a fault of KmemKit and not of the board. Please report it with the board's files; the other boards are not concerned.");

    private static ImmutableArray<DiagnosticDescriptor> BoardItemRules =>
    [
        BoardNameUnusable, BoardNamespaceUnusable, BoardNameTaken, BoardUnreadable, DefconfigMissing, BoardIsBlob, FrameworkTooOld,
        BoardCompilerFailed,
    ];
}
