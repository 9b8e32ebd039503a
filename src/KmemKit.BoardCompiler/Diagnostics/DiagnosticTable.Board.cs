using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The board: what the tree says about memory and devices, KMK3000-KMK3499.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> BoardRules => Board.Rules;

    // A class of its own: the order in which static fields of a partial class's files are set is not defined, and the table must find these set.
    internal static class Board
    {
        // Not an error: the boot loader fills the memory node of most boards in, and their trees are right without.
        internal static DiagnosticDescriptor NoMemory { get; } = Warning("KMK3000", "No memory",
            "the board {0} describes no memory, so there is no memory layout",
            "Add a /memory node with device_type = \"memory\" and a reg that is not empty, as the boot loader of the real board does, or mem=SIZE@START to the kernel parameters.");

        internal static DiagnosticDescriptor BanksOverlap { get; } = Error("KMK3001", "Memory banks overlap",
            "the bank {1} of {0} overlaps the bank {3} of {2} at {4}: both have {5}",
            "Correct one of the two reg entries; a bank that is there twice is written once.");

        internal static DiagnosticDescriptor BadRegLength { get; } = Error("KMK3002", "Length is not a multiple of an entry",
            "{0} of {1} has {2} bytes, which is not a multiple of the {3} bytes of an entry (#address-cells {4} and #size-cells {5} of its parent)",
            "Write each entry as that many cells, or correct #address-cells and #size-cells of the parent.");

        internal static DiagnosticDescriptor BadCellCount { get; } = Error("KMK3003", "Malformed cell count",
            "{0} of {1} is not one cell of 0 to {2}; {3} is used",
            "Write <1> or <2>.");

        internal static DiagnosticDescriptor SizeZero { get; } = Info("KMK3004", "Entry of size 0",
            "the entry {2} in {0} of {1} has the size 0 and is ignored",
            "Nothing needs to be done if the boot loader fills the size in; otherwise write the size.");

        internal static DiagnosticDescriptor RangeBeyond64Bits { get; } = Error("KMK3005", "Range beyond 64 bits",
            "{0} of {1}: {2}",
            "Correct address or size; check that there are as many cells as #address-cells and #size-cells say.");

        internal static DiagnosticDescriptor NodeDisabled { get; } = Info("KMK3006", "Disabled node",
            "{0} is disabled, so {1} does not count",
            "Set status = \"okay\" if it is meant to count.");

        internal static DiagnosticDescriptor MemoryWithoutReg { get; } = Warning("KMK3007", "Memory node without reg",
            "the memory node {0} has no reg",
            "Write reg = <address size>, or remove the node.");

        internal static DiagnosticDescriptor MemoryWithoutSize { get; } = Error("KMK3008", "Memory without sizes",
            "the memory node {0} cannot say how large it is, because #size-cells of {1} is 0",
            "Set #size-cells of the parent to 1, or to 2 for sizes of 4 GiB and more.");

        internal static DiagnosticDescriptor MemoryNotReachable { get; } = Warning("KMK3009", "Memory behind a bus without ranges",
            "the memory {1} of {0} has no address at the CPU, because no ranges of {2} covers it, and is not used",
            "Move the node to the root, or give the bus a ranges that covers it.");

        internal static DiagnosticDescriptor NotOneCell { get; } = Warning("KMK3010", "Property is not one cell",
            "{0} of {1} is not one cell below 2^31; {2}",
            "Write a single number in angle brackets.");

        internal static DiagnosticDescriptor ReservedOverlap { get; } = Warning("KMK3020", "Reserved regions overlap",
            "the reserved region {0} {1} overlaps {2} {3} at {4}: both have {5}",
            "Correct one of the two: each owner believes that the memory is its own.");

        internal static DiagnosticDescriptor ReservedTwice { get; } = Info("KMK3021", "Memory is reserved twice",
            "{0} {1} overlaps {2} {3} at {4}: both have {5}",
            "Nothing needs to be done: the memory is reserved either way.");

        internal static DiagnosticDescriptor NoMapAndReusable { get; } = Error("KMK3022", "Region is no-map and reusable",
            "the reserved region {0} is both no-map and reusable: memory that is not mapped cannot be lent",
            "Keep no-map for memory of other masters, reusable for a CMA pool.");

        internal static DiagnosticDescriptor ReservedWithoutPlace { get; } = Error("KMK3023", "Reserved region without reg and size",
            "the reserved region {0} has neither reg nor size",
            "Write reg for a fixed place, or size (and alignment, alloc-ranges) for one that the kernel chooses.");

        internal static DiagnosticDescriptor RegAndSize { get; } = Info("KMK3024", "Reserved region with reg and size",
            "the reserved region {0} has reg and size: reg counts",
            "Remove one of the two.");

        internal static DiagnosticDescriptor BadReservedProperty { get; } = Error("KMK3025", "Malformed property of a reserved region",
            "{0} of {1} is not {2}",
            "Write it in as many cells as #size-cells of /reserved-memory says.");

        internal static DiagnosticDescriptor ReservedMemoryCells { get; } = Warning("KMK3026", "Cell counts of /reserved-memory differ from the root's",
            "/reserved-memory has #address-cells {0} and #size-cells {1}, the root {2} and {3}: the kernel takes the root's and ignores the node",
            "Give /reserved-memory the same #address-cells and #size-cells as the root.");

        internal static DiagnosticDescriptor ReservedMemoryRanges { get; } = Warning("KMK3027", "/reserved-memory without an empty ranges",
            "/reserved-memory has no empty ranges property: the kernel ignores the node",
            "Add ranges; to /reserved-memory.");

        internal static DiagnosticDescriptor BadMemblockLength { get; } = Error("KMK3030", "Malformed memory removal",
            "{0} of {1} has {2} bytes; it takes {3} of address and size, 32 bits each",
            "Write <address size>.");

        internal static DiagnosticDescriptor RangesDoNotCover { get; } = Info("KMK3040", "Address that no ranges covers",
            "the address {1} of {0} is outside the ranges of {2}: the CPU does not reach it",
            "Nothing needs to be done if only the bus uses it; otherwise correct reg or ranges.");

        internal static DiagnosticDescriptor BadRangesLength { get; } = Error("KMK3041", "Length of ranges is not a multiple of an entry",
            "{0} of {1} has {2} bytes, which is not a multiple of the {3} bytes of an entry ({4} cells of address, {5} of the parent's, {6} of size)",
            "Write each entry as that many cells; an empty ranges; is the identity.");

        internal static DiagnosticDescriptor RegNamesCount { get; } = Warning("KMK3042", "reg-names does not match reg",
            "{0} has {1} reg-names for {2} entries of reg",
            "Name every entry once.");

        internal static DiagnosticDescriptor RangesCoverInPart { get; } = Info("KMK3043", "Range that ranges covers in part",
            "the range {3} of {0} (at {1} on its bus) reaches beyond the ranges of {2} that holds its start",
            "Correct the size in reg, or the window of the bus.");

        internal static DiagnosticDescriptor ArchitectureContradiction { get; } = Warning("KMK3050", "Policy and processor disagree",
            "the policy chooses {0}, but {1} is \"{2}\", which runs {3}; the policy counts",
            "Correct the CONFIG_ key of the architecture, or the compatible of the cpu node.");

        internal static DiagnosticDescriptor BadCpuReg { get; } = Warning("KMK3051", "Malformed reg of a processor",
            "reg of {0} is not a number of one or two cells; {1} is used",
            "Write reg = <N> with as many cells as #address-cells of /cpus says.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            NoMemory, BanksOverlap, BadRegLength, BadCellCount, SizeZero, RangeBeyond64Bits, NodeDisabled, MemoryWithoutReg, MemoryWithoutSize,
            MemoryNotReachable, NotOneCell, ReservedOverlap, ReservedTwice, NoMapAndReusable, ReservedWithoutPlace, RegAndSize, BadReservedProperty,
            ReservedMemoryCells, ReservedMemoryRanges, BadMemblockLength, RangesDoNotCover, BadRangesLength, RegNamesCount, RangesCoverInPart,
            ArchitectureContradiction, BadCpuReg,
        ];
    }
}
