using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// Memory protection: the unit and the policy, KMK4000-KMK4099; its plan, KMK4100-KMK4199.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> MpuRules => Mpu.Rules;

    internal static class Mpu
    {
        internal static DiagnosticDescriptor NoMpu { get; } = Error("KMK4000", "No memory protection unit",
            "the board {0} has a protection policy, and none of its processors is known to have a memory protection unit",
            "Name the unit with mpu = \"...\" in the protection node, or correct the compatible of the cpu node.");

        internal static DiagnosticDescriptor UnknownMpu { get; } = Error("KMK4001", "Unknown memory protection unit",
            "\"{0}\" is no memory protection unit; {1} are",
            "Write one of the names listed.");

        internal static DiagnosticDescriptor RegionCountUnknown { get; } = Error("KMK4002", "Number of regions is not known",
            "how many regions the {0} of this core has is the implementer's choice, and the board does not say it",
            "Write regions = <N> in the protection node, or arm,num-mpu-regions = <N> in the mpu node, as the chip's manual says.");

        internal static DiagnosticDescriptor BadRegionCount { get; } = Error("KMK4003", "Impossible number of regions",
            "{0} of {1} is no number of regions that {2} has: {3}",
            "Correct the number.");

        internal static DiagnosticDescriptor BadGranule { get; } = Error("KMK4004", "Impossible granularity",
            "granule of {0} is not a power of two from 4 bytes to 4 GiB, or the unit, {1}, has no choice of it",
            "Write 2^(G+2) of a RISC-V PMP, or remove the property.");

        internal static DiagnosticDescriptor SecondPolicy { get; } = Error("KMK4005", "Two protection policies",
            "{0} is a second protection policy beside {1}",
            "Keep one of the two; parts of a policy are joined by references to its label.");

        internal static DiagnosticDescriptor EntryPlace { get; } = Error("KMK4010", "Protection entry without one place",
            "the protection entry {0} has {1}",
            "Write region = <&label> for something the board describes, or reg for addresses of its own.");

        internal static DiagnosticDescriptor BadReference { get; } = Error("KMK4011", "Reference to no memory",
            "region of {0} {1}",
            "Refer to a memory, reserved-memory or device node with reg; for a reserved region without address give it one.");

        internal static DiagnosticDescriptor BadEntryRange { get; } = Error("KMK4012", "Protection entry without addresses",
            "the range at {1} of {0} {2}",
            "Correct address or size; check #address-cells and #size-cells of the protection node.");

        internal static DiagnosticDescriptor BadRights { get; } = Error("KMK4013", "Malformed rights",
            "{0} of {1} is \"{2}\", which is not made of the letters r, w and x",
            "Write each letter at most once, such as \"rx\".");

        internal static DiagnosticDescriptor BadMemoryType { get; } = Error("KMK4014", "Unknown memory type",
            "memory-type of {0} is \"{1}\"; {2} are known",
            "Write one of the names listed.");

        internal static DiagnosticDescriptor ShareableWithoutType { get; } = Warning("KMK4015", "Shareable without memory type",
            "shareable of {0} does not count without memory-type",
            "Write memory-type beside it.");

        internal static DiagnosticDescriptor UnknownProperty { get; } = Warning("KMK4016", "Unknown property in a policy",
            "{0} of {1} means nothing in a protection policy",
            "Correct the spelling: what a policy does not grant is denied.");

        internal static DiagnosticDescriptor EntryWithChild { get; } = Error("KMK4017", "Node inside a protection entry",
            "{0} is inside the protection entry {1} and does not count",
            "Write entries side by side: the narrower one overrides the wider one. Domains are named domain-NAME.");

        internal static DiagnosticDescriptor NestedDomain { get; } = Error("KMK4018", "Domain inside a domain",
            "the domain {0} is inside the domain {1}",
            "Write domains side by side in the protection node.");

        internal static DiagnosticDescriptor DomainNameTaken { get; } = Error("KMK4019", "Two domains have one name",
            "{0} is a second domain {1}",
            "Give it another name, or a label property.");

        internal static DiagnosticDescriptor EmptyDomain { get; } = Info("KMK4020", "Domain without entries",
            "the domain {0} has no entries: while it runs, the policy's own apply",
            "Nothing needs to be done if that is meant.");

        internal static DiagnosticDescriptor PartialOverlap { get; } = Error("KMK4021", "Protection entries overlap in part",
            "the protection entry {0} {1} overlaps {2} {3} at {4} in part: both have {5}, and neither is inside the other",
            "Correct one of the two, or split one at the edge of the other.");

        internal static DiagnosticDescriptor SameRangeTwice { get; } = Error("KMK4022", "Two protection entries have one range",
            "the protection entry {0} {1} has the range of {2} at {4}",
            "Keep one of the two.");

        internal static DiagnosticDescriptor NoBackground { get; } = Error("KMK4023", "No background for privileged code",
            "{0} has no default map: with the unit on, addresses in no region fault for everybody",
            "Remove privileged-background and grant what privileged code needs; one entry over everything does the same.");

        internal static DiagnosticDescriptor BeyondUnit { get; } = Error("KMK4024", "Protection entry beyond the unit's addresses",
            "the range {1} of {0} is beyond the {3} address bits of {2}",
            "Correct the range.");

        internal static DiagnosticDescriptor Ungoverned { get; } = Error("KMK4025", "Protection entry where no region counts",
            "the range {1} of {0} has addresses of {2}, whose rights {3} does not change",
            "Leave the private peripheral bus out: it is privileged read-write always.");

        internal static DiagnosticDescriptor NeverExecuted { get; } = Error("KMK4026", "Execution where nothing executes",
            "{0} {1} grants execution in {2}, where {3} never executes",
            "Remove the x.");

        internal static DiagnosticDescriptor NoMemoryTypes { get; } = Info("KMK4027", "Memory type without effect",
            "the memory type of {0} has no effect: {1} has none, the platform's memory attributes are fixed",
            "Nothing needs to be done; the type counts on another unit.");

        internal static DiagnosticDescriptor NotExpressible { get; } = Error("KMK4028", "Rights that the unit cannot grant",
            "{0} wants {1}, which {2} cannot grant exactly: {3}",
            "Choose rights that it has; nothing is granted that was not asked for.");

        internal static DiagnosticDescriptor LockedDomain { get; } = Error("KMK4029", "Domain that would have to lock an entry",
            "{0} gives M-mode \"{1}\" only, which takes a locked entry: it could not be changed when another domain runs",
            "Write privileged = \"rwx\" in domains of a RISC-V board, or move the entry out of the domain.");

        internal static DiagnosticDescriptor BadPlacement { get; } = Error("KMK4030", "Malformed request for a place",
            "{0} cannot be placed: {1}",
            "Write size, alignment and alloc-ranges as in /reserved-memory, in the cells of the protection node; or give the entry a reg.");

        internal static DiagnosticDescriptor NoPlace { get; } = Error("KMK4031", "No room for protection entries",
            "no room for {0}, {1} bytes in all, in {2}, of which {3} bytes are free",
            "Widen alloc-ranges, make an entry smaller, or ask for less alignment.");

        internal static DiagnosticDescriptor PlacementNotProved { get; } = Info("KMK4032", "Placement is not proved to be the best",
            "{0} entries of one pool were placed one by one: they take {1} regions, and no placement takes fewer than {2}",
            "Nothing needs to be done if it fits; pools of ten entries and fewer are placed exactly.");

        internal static DiagnosticDescriptor EntryUnaligned { get; } = Error("KMK4100", "Protection entry ends inside a granule",
            "{0} {1} {2} inside a granule of {3} bytes, which is the least that {4} tells apart",
            "Move that edge outwards or inwards to the granule, or let the plan do it with allow-rounding; outwards it is {5} bytes.");

        internal static DiagnosticDescriptor DoesNotFit { get; } = Error("KMK4101", "Policy does not fit the unit",
            "the policy needs {2} regions at a time and {0} has {1}; {3}; the cheapest change that fits: {4}",
            "Make that change, allow rounding where more may be granted, or put what belongs together side by side.");

        internal static DiagnosticDescriptor NotProvedLeast { get; } = Info("KMK4102", "Plan is not proved to be the least",
            "the plan takes {0} regions of {2}; that no plan takes fewer than {1} is proved, and not more",
            "Nothing needs to be done if it fits.");

        internal static DiagnosticDescriptor Rounded { get; } = Info("KMK4103", "Entry rounded",
            "{0} {1} is rounded: {2} bytes are granted that the policy does not grant",
            "Nothing needs to be done if that is meant; without allow-rounding the grant is exact.");

        internal static DiagnosticDescriptor PlanWrong { get; } = Error("KMK4199", "The planner failed",
            "the plan is not the policy: {0}",
            "This is a fault of KmemKit and not of the board. Please report it with the board's files.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            NoMpu, UnknownMpu, RegionCountUnknown, BadRegionCount, BadGranule, SecondPolicy, EntryPlace, BadReference, BadEntryRange, BadRights,
            BadMemoryType, ShareableWithoutType, UnknownProperty, EntryWithChild, NestedDomain, DomainNameTaken, EmptyDomain, PartialOverlap,
            SameRangeTwice, NoBackground, BeyondUnit, Ungoverned, NeverExecuted, NoMemoryTypes, NotExpressible, LockedDomain,
            BadPlacement, NoPlace, PlacementNotProved,
            EntryUnaligned, DoesNotFit, NotProvedLeast, Rounded, PlanWrong,
        ];
    }
}
