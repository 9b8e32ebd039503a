using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// What can go wrong with a file before anything in it is read, and what only a run shows: KMK0020-KMK0039, reported by the tool, which alone touches the disk and boots boards.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> FileRules => Files.Rules;

    /// <summary>Rules about files as such.</summary>
    public static class Files
    {
        /// <summary>Nothing has that name.</summary>
        public static DiagnosticDescriptor NotFound { get; } = Error("KMK0020", "No such file",
            "{0} does not exist",
            "Name a .dts or .dtb file, or a folder that holds <folder>.dts.");

        /// <summary>The system refuses to read it.</summary>
        public static DiagnosticDescriptor Unreadable { get; } = Error("KMK0021", "File cannot be read",
            "{0} cannot be read: {1}",
            "Check that it is a file and that you may read it.");

        /// <summary>A folder that is no board folder.</summary>
        public static DiagnosticDescriptor FolderWithoutBoard { get; } = Error("KMK0022", "Folder without a board",
            "folder {0} holds neither {1}.dts nor {1}.dtb",
            "A board folder holds a source or blob of its own name; else name the file itself.");

        /// <summary>Larger than anything sensible.</summary>
        public static DiagnosticDescriptor TooLarge { get; } = Error("KMK0023", "File too large",
            "{0} is larger than {1} bytes, the most that is read",
            "A devicetree is some kilobytes. Check that it is the file that was meant.");

        /// <summary>A zero byte in what should be a text.</summary>
        public static DiagnosticDescriptor NotText { get; } = Error("KMK0024", "Not a text file",
            "{0} is not a text: there is a zero byte at offset {1}",
            "Name a devicetree source, or a blob, which starts with d0 0d fe ed.");

        /// <summary>UTF-16 or UTF-32.</summary>
        public static DiagnosticDescriptor WrongEncoding { get; } = Error("KMK0025", "Encoding not supported",
            "{0} is encoded in {1}",
            "Save it as UTF-8 or ASCII.");

        /// <summary>The output is not to be had.</summary>
        public static DiagnosticDescriptor OutputNotWritten { get; } = Error("KMK0026", "Output cannot be written",
            "{0} cannot be written: {1}",
            "Check the path, the permissions and the space on the device.");

        /// <summary>A fault of ours.</summary>
        public static DiagnosticDescriptor InternalError { get; } = Error("KMK0027", "Internal error",
            "internal error while working on {0}: {1}",
            "This is a fault of KmemKit, not of the board: please report it with the file.");

        /// <summary>A layout that the runtime cannot boot.</summary>
        public static DiagnosticDescriptor NotBootable { get; } = Error("KMK0028", "Memory cannot be booted",
            "the memory of {0} cannot be booted: {1}",
            "Give the board memory enough for a kernel's own tables, in banks that this machine can hold; kmem layout shows the layout all the same.");

        /// <summary>Board, why.</summary>
        public static DiagnosticDescriptor NoProtectionPlan { get; } = Error("KMK0035", "No protection plan",
            "{0} has no protection plan: {1}",
            "Give the board a node compatible with \"kmemkit,protection\"; its regions are planned where the board runs without MMU.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
            [NotFound, Unreadable, FolderWithoutBoard, TooLarge, NotText, WrongEncoding, OutputNotWritten, InternalError, NotBootable, NoProtectionPlan];
    }
}
