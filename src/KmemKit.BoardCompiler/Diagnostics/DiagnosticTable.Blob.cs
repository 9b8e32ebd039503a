using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// Devicetree blobs, KMK1500-KMK1999. The place of a finding is a byte: "line 1", column = offset + 1.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> BlobRules => Blob.Rules;

    // A class of its own: the order in which static fields of a partial class's files are set is not defined, and All must find these set.
    internal static class Blob
    {
        private const string RebuildHelp = "Build the blob again with dtc or kmem dts -O dtb; a blob that was edited by hand or cut while copied cannot be repaired here.";

        internal static DiagnosticDescriptor HeaderTruncated { get; } = Error("KMK1500", "Blob shorter than its header",
            "the file has {0} bytes and ends inside the blob header of {1} bytes",
            "Check that the whole file was copied. " + RebuildHelp);

        internal static DiagnosticDescriptor Magic { get; } = Error("KMK1501", "Not a devicetree blob",
            "the first word is {0} and not the magic 0xd00dfeed of a devicetree blob{1}",
            "Name a .dtb file here; sources end in .dts. Unpack a compressed blob and extract one inside an image first.");

        internal static DiagnosticDescriptor TotalSize { get; } = Error("KMK1502", "Total size does not fit the file",
            "the header says the blob has {0} bytes, {1}",
            "Check that the whole file was copied. " + RebuildHelp);

        internal static DiagnosticDescriptor TrailingBytes { get; } = Warning("KMK1503", "Bytes behind the blob",
            "{0} bytes follow the end of the blob at {1} and are not read",
            "Cut the file at the total size of its header, or split appended blobs into one file each.");

        internal static DiagnosticDescriptor Version { get; } = Error("KMK1504", "Blob version not readable",
            "the blob is of version {0} and readable from version {1} on; versions 1 to 17 are understood",
            "Convert it with dtc -I dtb -O dtb -V 17.");

        internal static DiagnosticDescriptor BlockOutside { get; } = Error("KMK1505", "Block outside the blob",
            "the {0} at [{1}, {2}) is not inside the blob [0x0, {3})", RebuildHelp);

        internal static DiagnosticDescriptor BlockAlignment { get; } = Error("KMK1506", "Block not aligned",
            "the {0} starts at {1}, which is not a multiple of {2}",
            "Devicetree Specification 0.4, section 5.6, asks for it. " + RebuildHelp);

        internal static DiagnosticDescriptor BlocksOverlap { get; } = Error("KMK1507", "Blocks overlap",
            "the {0} [{1}, {2}) overlaps the {3} [{4}, {5})", RebuildHelp);

        internal static DiagnosticDescriptor ReservationsOpen { get; } = Error("KMK1508", "Memory reservation block not terminated",
            "the memory reservation block at {0} has no entry of address 0 and size 0 in front of {1}", RebuildHelp);

        internal static DiagnosticDescriptor ReservationEmpty { get; } = Warning("KMK1509", "Empty reservation ends the block",
            "the reservation of size 0 at address {0} ends the memory reservation block, as every reader takes it, though only address 0 should",
            "Give the reservation a size or leave it out.");

        internal static DiagnosticDescriptor ReservationRange { get; } = Error("KMK1510", "Reservation past the address space",
            "the reservation at {0} of size {1} goes past 2^64", "Correct the size of the reservation.");

        internal static DiagnosticDescriptor StructureTruncated { get; } = Error("KMK1511", "Structure block ends too early",
            "the structure block ends at {0} without FDT_END{1}", RebuildHelp);

        internal static DiagnosticDescriptor Token { get; } = Error("KMK1512", "Unknown token",
            "the word {0} at {1} is no token of the structure block", RebuildHelp);

        internal static DiagnosticDescriptor TokenOrder { get; } = Error("KMK1513", "Token out of place",
            "{0} at {1} {2}", RebuildHelp);

        internal static DiagnosticDescriptor NoRoot { get; } = Error("KMK1514", "Blob without a root node",
            "the structure block holds no node", RebuildHelp);

        internal static DiagnosticDescriptor NodeNameOpen { get; } = Error("KMK1515", "Node name not terminated",
            "the node name at {0} has no final 0 inside the structure block", RebuildHelp);

        internal static DiagnosticDescriptor ValueOutside { get; } = Error("KMK1516", "Property value outside the structure block",
            "the value at {0} of {1} bytes goes past the end of the structure block at {2}", RebuildHelp);

        internal static DiagnosticDescriptor PropertyName { get; } = Error("KMK1517", "Property name outside the strings block",
            "the property at {0} has its name at offset {1} of the strings block, {2}", RebuildHelp);

        internal static DiagnosticDescriptor Depth { get; } = Error("KMK1518", "Nodes nested too deep",
            "the node at {0} is nested deeper than {1} levels", "No board nests that deep (kernels read 64 levels). " + RebuildHelp);

        internal static DiagnosticDescriptor PropertyOrder { get; } = Warning("KMK1519", "Property behind a subnode",
            "the property {0} of {1} stands behind a subnode; it is taken in front of the subnodes, where it belongs",
            "Devicetree Specification 0.4, section 5.4.2, puts properties first. Write the blob again with kmem dts -O dtb.");

        internal static DiagnosticDescriptor StructureTail { get; } = Warning("KMK1520", "Bytes behind FDT_END",
            "{0} bytes of the structure block follow FDT_END at {1} and are not read",
            "Write the blob again with kmem dts -O dtb.");

        internal static DiagnosticDescriptor PropertyTwice { get; } = Error("KMK1521", "Property given twice",
            "{0} has the property {1} twice", "Names are unique in a node: take one of the two out of the source and build the blob again.");

        internal static DiagnosticDescriptor NodeTwice { get; } = Error("KMK1522", "Subnode given twice",
            "{0} has the subnode {1} twice", "Names are unique in a node: merge the two in the source, or give them their own unit addresses.");

        internal static DiagnosticDescriptor Phandle { get; } = Error("KMK1523", "Phandle not usable",
            "{0} of {1} {2}", "A phandle is one cell, neither 0 nor 0xffffffff, and linux,phandle repeats phandle; leave both to the compiler.");

        internal static DiagnosticDescriptor PhandleTwice { get; } = Error("KMK1524", "Phandle given to two nodes",
            "{0} and {1} both have the phandle {2}", "A phandle names one node: leave the numbers to the compiler.");

        internal static DiagnosticDescriptor NameCharacters { get; } = Warning("KMK1525", "Name that source cannot express",
            "the {0} name \"{1}\" in {2} is not of the characters A-Z a-z 0-9 , . _ + * # ? @ -; printed source shows it in a comment only",
            "Rename it where the blob is made, or keep the board as a blob.");

        internal static DiagnosticDescriptor NamesOverlap { get; } = Error("KMK1526", "Property names overlap beyond reason",
            "the property names read so far add up to {0} bytes out of a strings block of {1} bytes",
            "Names may share their endings, but not like this: the blob was made to exhaust its reader.");

        internal static DiagnosticDescriptor RootName { get; } = Warning("KMK1527", "Root node with a name",
            "the root node is called \"{0}\"; its name is taken as empty", "Write the blob again with kmem dts -O dtb.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules { get; } =
        [
            HeaderTruncated, Magic, TotalSize, TrailingBytes, Version, BlockOutside, BlockAlignment, BlocksOverlap,
            ReservationsOpen, ReservationEmpty, ReservationRange, StructureTruncated, Token, TokenOrder, NoRoot,
            NodeNameOpen, ValueOutside, PropertyName, Depth, PropertyOrder, StructureTail, PropertyTwice, NodeTwice,
            Phandle, PhandleTwice, NameCharacters, NamesOverlap, RootName,
        ];
    }
}
