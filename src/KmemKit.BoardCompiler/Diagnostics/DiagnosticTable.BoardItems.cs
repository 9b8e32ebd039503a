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
        "Check that the file exists and is a text, and correct Include=\"...\" of the KmemBoard item.");

    /// <summary>The defconfig that an item names is not there.</summary>
    public static DiagnosticDescriptor DefconfigMissing { get; } = Error("KMK0104", "The board's defconfig is missing",
        "there is no defconfig at {0}",
        "Correct Defconfig=\"...\" on the KmemBoard item; its name must end in _defconfig.");

    /// <summary>The project's framework is older than what boards need.</summary>
    public static DiagnosticDescriptor FrameworkTooOld { get; } = Error("KMK0106", "The project's framework has no boards",
        "boards need net10.0 or later, and the project is built for {0}",
        "Set TargetFramework to net10.0 or later, or give KmemBoard items a condition on it.");

    /// <summary>The build is older than the tasks.</summary>
    public static DiagnosticDescriptor MsBuildTooOld { get; } = Error("KMK0107", "MSBuild is too old",
        "MSBuild {0} cannot run the tasks of KmemKit.Build, which need 18.0",
        "Build with the .NET SDK 10.0.100 or later (dotnet --version), or with Visual Studio 2026.");

    /// <summary>The compiler is older than what the generator was built for: it would warn (CS9057) and go on without boards.</summary>
    public static DiagnosticDescriptor CompilerTooOld { get; } = Error("KMK0108", "The C# compiler is too old",
        "the compiler {0} cannot load the generator of KmemKit, which needs roslyn4.14",
        "Build with the .NET SDK 10.0.100 or later, or take out the reference to an older Microsoft.Net.Compilers.Toolset.");

    /// <summary>Packages of two releases.</summary>
    public static DiagnosticDescriptor PackageVersionsDiffer { get; } = Error("KMK0109", "KmemKit packages of different versions",
        "KmemKit.Build is version {0} and {1} is version {2}; generated code needs both from one release",
        "Refer to all KmemKit packages with one version.");

    /// <summary>Two boards with one artifact.</summary>
    public static DiagnosticDescriptor OutputTaken { get; } = Error("KMK0110", "Two boards write one file",
        "{0} is already written for {1}",
        "Set OutputDir=\"...\" on one of the two KmemBoard items.");

    /// <summary>A switch that is neither on nor off.</summary>
    public static DiagnosticDescriptor SwitchUnusable { get; } = Error("KMK0111", "A switch is neither true nor false",
        "{0}=\"{1}\" is neither true nor false",
        "Write true or false on the KmemBoard item, or leave it out.");

    /// <summary>A build without the types that generated code uses.</summary>
    public static DiagnosticDescriptor RuntimeMissing { get; } = Error("KMK0112", "KmemKit.Runtime is not referenced",
        "boards need KmemKit.Runtime, and the project refers to KmemKit.Build alone",
        "Refer to the package KmemKit, which brings both.");

    /// <summary>A switch of an artifact that there is not.</summary>
    public static DiagnosticDescriptor SwitchUnknown { get; } = Error("KMK0113", "No artifact has that switch",
        "{0} switches no artifact; there are {1}",
        "Correct the name on the KmemBoard item.");

    /// <summary>A source with bytes of another file in it: the compiler hands texts to a generator, and no bytes.</summary>
    public static DiagnosticDescriptor BinaryInSource { get; } = Error("KMK0114", "A project's board has /incbin/",
        "the C# compiler hands no bytes to a generator, so a board with /incbin/ cannot be a source of a project; a blob of it can (kmem dts -O dtb)",
        "Make a blob of it, kmem dts -O dtb -o board.dtb board.dts, and name that in Include: the bytes are in it.");

    /// <summary>A library of KmemKit.Native for no board, or for several.</summary>
    public static DiagnosticDescriptor NativeBoardCount { get; } = Error("KMK0120", "A native library is for one board",
        "a project that refers to KmemKit.Native is for one board, and this one names {0}",
        "Write one KmemBoard item, and a project for each further board.");

    /// <summary>A library of KmemKit.Native on a host that cannot map memory twice.</summary>
    public static DiagnosticDescriptor NativeHostUnsupported { get; } = Error("KMK0121", "A native library needs a Linux host",
        "the library needs a Linux host: its memory is mapped twice (memfd_create)",
        "Publish on Linux, or in WSL.");

    /// <summary>A library of KmemKit.Native that would be restored without its compiler.</summary>
    public static DiagnosticDescriptor NativeNotAot { get; } = Error("KMK0122", "A native library is compiled ahead of time",
        "the library is compiled ahead of time, and the project does not say so",
        "Write <PublishAot>true</PublishAot> into the project file.");

    /// <summary>A fault of KmemKit's own.</summary>
    public static DiagnosticDescriptor BoardCompilerFailed { get; } = Error("KMK0199", "The board compiler failed",
        "compiling the board ended in {0}: {1}",
        "This is a fault of KmemKit and not of the board. Please report it with the board's files; the other boards are not concerned.");

    private static ImmutableArray<DiagnosticDescriptor> BoardItemRules =>
    [
        BoardNameUnusable, BoardNamespaceUnusable, BoardNameTaken, BoardUnreadable, DefconfigMissing, FrameworkTooOld,
        MsBuildTooOld, CompilerTooOld, PackageVersionsDiffer, OutputTaken, SwitchUnusable,
        RuntimeMissing, SwitchUnknown, BinaryInSource, NativeBoardCount, NativeHostUnsupported, NativeNotAot, BoardCompilerFailed,
    ];
}
