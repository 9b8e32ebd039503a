using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// Devices behind an SMMU: what the tree says about them, KMK6000-KMK6029; what they are given, KMK6030-KMK6059; the image, KMK6060-KMK6099.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> SmmuRules => Smmu.Rules;

    /// <summary>Devices behind an SMMU.</summary>
    public static class Smmu
    {
        internal static DiagnosticDescriptor UnknownReference { get; } = Error("KMK6000", "Reference to a node that is not there",
            "{0} of {1} names no node (phandle {2})",
            "Write the label of the node that is meant.");

        internal static DiagnosticDescriptor BadCells { get; } = Error("KMK6001", "Stream specifier of another length",
            "{0} of {1} does not fit {2}, whose #iommu-cells is {3}: {4}",
            "Write one StreamID behind the SMMU's label, or two cells (id and mask) with #iommu-cells = <2>, which an SMMUv2 may have.");

        internal static DiagnosticDescriptor BadIommuMap { get; } = Error("KMK6002", "Malformed iommu-map",
            "{0} of {1}: {2}",
            "Write <first-requester-id &smmu first-stream-id count> for each stretch of requester ids.");

        internal static DiagnosticDescriptor IommuMapOverlap { get; } = Error("KMK6003", "Requester ids mapped twice",
            "{0} of {1} maps the requester ids {2} to {3} a second time, to {4} after {5}",
            "Let the stretches of requester ids share none.");

        internal static DiagnosticDescriptor UncleanMask { get; } = Error("KMK6004", "Requester id that the mask hides",
            "{0} of {1} starts at requester id {2}, which has bits outside of the mask {3}: it is never looked for",
            "Clear the bits of the requester id that iommu-map-mask clears, or widen the mask.");

        internal static DiagnosticDescriptor StreamBeyondWidth { get; } = Error("KMK6005", "StreamID beyond the SMMU's width",
            "{0} has StreamID {1}, and {2} has StreamIDs of {3} bits",
            "Correct the StreamID, or the identification registers in kmemkit,idr.");

        internal static DiagnosticDescriptor StreamTwice { get; } = Error("KMK6006", "One StreamID with different rights",
            "{0} and {1} both have StreamID {2} of {3}, and are not given the same: the SMMU cannot tell them apart",
            "Give both the same, in one device node with both as masters, or give one of them another StreamID.");

        internal static DiagnosticDescriptor BadIdentification { get; } = Error("KMK6007", "Malformed identification registers",
            "kmemkit,idr of {0} {1}",
            "Write the values of {2} as read from the part: three cells.");

        internal static DiagnosticDescriptor DmaRangesCutOff { get; } = Warning("KMK6008", "dma-ranges that reach nothing",
            "dma-ranges of {0} puts {1} at {2}, which {3} does not take to the bus above: devices cannot use it",
            "Widen dma-ranges of the bus above, or remove the window.");

        internal static DiagnosticDescriptor BadIommuAddresses { get; } = Error("KMK6009", "Malformed iommu-addresses",
            "iommu-addresses of {0}: {1}",
            "Write <&device address size>, in the cells of the device's bus.");

        internal static DiagnosticDescriptor NotDirect { get; } = Warning("KMK6010", "Device addresses that are reserved and lead nowhere",
            "iommu-addresses of {0} gives {1} the addresses {2}, and the memory is {3}: as with Linux they are kept free, and not mapped",
            "Write the memory's own address for a buffer in use, or leave reg out where the addresses are only to be kept free.");

        internal static DiagnosticDescriptor BadMemoryRegion { get; } = Error("KMK6011", "memory-region that cannot be given to a device",
            "memory-region of {0} {1}",
            "Name a child of /reserved-memory; one with size and no reg needs a place before an SMMU can be planned for it: give it a reg.");

        internal static DiagnosticDescriptor BadDeviceNode { get; } = Error("KMK6030", "Malformed device node of the protection policy",
            "{0}: {1}",
            "Write masters = <&device ...>, and where they are PCI functions requester-ids; translation is \"stage1\", \"stage2\", \"bypass\" or \"abort\".");

        internal static DiagnosticDescriptor BadGrant { get; } = Error("KMK6031", "Malformed grant to a device",
            "{0}: {1}",
            "Write reg or region, access = \"r\", \"w\" or \"rw\", and if it is to be elsewhere iova, in the cells of the protection node.");

        internal static DiagnosticDescriptor MasterTwice { get; } = Error("KMK6032", "Master in two device nodes",
            "{0} is a master of {1} and of {2}",
            "Name it in one of them.");

        internal static DiagnosticDescriptor StageMissing { get; } = Error("KMK6033", "Stage or granule that the SMMU does not have",
            "{0} wants {1}, which {2} does not have",
            "Choose another translation or granule, or correct the identification registers in kmemkit,idr.");

        internal static DiagnosticDescriptor GrantUnaligned { get; } = Error("KMK6034", "Grant ends inside a page",
            "{0} {1} at device address {2} does not start and end at pages of {3} bytes, which is the least that the SMMU tells apart",
            "Move its edges to pages: nothing is granted that was not asked for.");

        internal static DiagnosticDescriptor NotExpressible { get; } = Error("KMK6035", "Rights that stage 1 cannot say",
            "{0} grants \"{1}\": stage 1 cannot withhold reading from what can be written",
            "Write translation = \"stage2\", which can, or grant \"rw\".");

        internal static DiagnosticDescriptor IovaConflict { get; } = Error("KMK6036", "Two grants at one device address",
            "{0} {1} and {2} {3} of {4} overlap in device addresses",
            "Give one of them another iova.");

        internal static DiagnosticDescriptor IovaReserved { get; } = Error("KMK6037", "Grant at reserved device addresses",
            "{0} of {1} is at device addresses {2}, of which {3} are reserved: {4}",
            "Give it another iova.");

        internal static DiagnosticDescriptor IovaOutOfReach { get; } = Error("KMK6038", "Device address that the device cannot send",
            "{0} of {1} is at device addresses {2}, which no dma-ranges between the device and the SMMU lets through",
            "Give it an iova inside dma-ranges, or correct dma-ranges.");

        internal static DiagnosticDescriptor BeyondTables { get; } = Error("KMK6039", "Grant beyond the SMMU's addresses",
            "{0} of {1}: {2} is beyond {3} bits, which is what {4} has",
            "Choose lower addresses, or correct the identification registers in kmemkit,idr.");

        internal static DiagnosticDescriptor DeviceBeyondPolicy { get; } = Error("KMK6040", "Device reaches what the processors may not",
            "{0} of {1} may do \"{2}\" at {3}, where the policy ({4}) grants the processors \"{5}\"",
            "Take the right away from the device, grant it in the policy, or write exclusive in the grant where the memory is the device's alone.");

        internal static DiagnosticDescriptor BypassOverPolicy { get; } = Error("KMK6041", "Device passes by the policy",
            "{0} passes the SMMU untranslated and reaches {1}, where the policy ({2}) grants the processors \"{3}\"",
            "Translate it, and grant what it needs.");

        internal static DiagnosticDescriptor TooManyGroups { get; } = Error("KMK6042", "Streams do not fit the stream mapping groups",
            "the streams of {0} take {1} stream mapping groups, and it has {2}",
            "Give neighbouring StreamIDs to masters with the same rights, so that one mask matches them; or name fewer.");

        internal static DiagnosticDescriptor TooManyContexts { get; } = Error("KMK6043", "Contexts do not fit the SMMU",
            "the masters of {0} take {1} contexts, and it has {2}",
            "Give masters that work together one device node: they share a context.");

        /// <summary>A board without an SMMU that this plans for.</summary>
        public static DiagnosticDescriptor NoSmmu { get; } = Error("KMK6060", "No SMMU on this board",
            "board {0} has no enabled arm,smmu-v3, arm,mmu-500 or arm,smmu-v2 node",
            "Nothing can be planned without one; kmem tables and kmem mpu are for the processors.");

        internal static DiagnosticDescriptor NoRoom { get; } = Error("KMK6061", "No room for the SMMU's image",
            "lowmem of board {0} has no {1} bytes free for the SMMU's image, aligned to {2}, that no device reaches",
            "Reserve less, or say where the image is with --base: reserved memory and on-chip memory will do.");

        internal static DiagnosticDescriptor BaseUnaligned { get; } = Error("KMK6062", "Unaligned base of the SMMU's image",
            "the base {0} is not a multiple of {1} bytes; {2} is",
            "Choose an aligned base.");

        internal static DiagnosticDescriptor BaseNotFree { get; } = Error("KMK6063", "Base of the SMMU's image is not free memory",
            "the SMMU's image cannot be at {0}: {1}",
            "Choose free lowmem, memory that the board reserves for it, or on-chip memory.");

        internal static DiagnosticDescriptor DeviceReachesImage { get; } = Error("KMK6064", "Device reaches the SMMU's own tables",
            "{0} may write {1}, where the SMMU's image {2} is: it could give itself anything",
            "Choose another base for the image.");

        internal static DiagnosticDescriptor PlanWrong { get; } = Error("KMK6099", "The planner of streams failed",
            "the image is not the plan: {0}",
            "This is a fault of KmemKit and not of the board. Please report it with the board's files.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            UnknownReference, BadCells, BadIommuMap, IommuMapOverlap, UncleanMask, StreamBeyondWidth, StreamTwice, BadIdentification, DmaRangesCutOff,
            BadIommuAddresses, NotDirect, BadMemoryRegion, BadDeviceNode, BadGrant, MasterTwice, StageMissing, GrantUnaligned, NotExpressible, IovaConflict,
            IovaReserved, IovaOutOfReach, BeyondTables, DeviceBeyondPolicy, BypassOverPolicy, TooManyGroups, TooManyContexts, NoSmmu, NoRoom,
            BaseUnaligned, BaseNotFree, DeviceReachesImage, PlanWrong,
        ];
    }
}
