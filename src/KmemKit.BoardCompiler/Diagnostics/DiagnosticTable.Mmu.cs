using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// Translation: what a kernel has mapped, KMK5000-KMK5049; its tables, KMK5050-KMK5099.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> MmuRules => Mmu.Rules;

    internal static class Mmu
    {
        internal static DiagnosticDescriptor ImageOutside { get; } = Error("KMK5000", "Section of the image at no mapped address",
            "the section {0} {1} is at no virtual address that leads to RAM: the image may be in {2}",
            "Correct the CONFIG_KERNEL_ setting, or the layout's (CONFIG_PAGE_OFFSET, CONFIG_LINUX_VERSION).");

        internal static DiagnosticDescriptor ImageUnaligned { get; } = Error("KMK5001", "Image does not start at a page",
            "the section {0} would have virtual address {1} and physical address {2}, which are not the same in a page of {3} bytes",
            "Correct CONFIG_KERNEL_PHYS.");

        internal static DiagnosticDescriptor ImageNotInRam { get; } = Error("KMK5002", "Image outside RAM",
            "the section {0} {1} would be at {2}, which is not all RAM of the linear map",
            "Say where the image is loaded with CONFIG_KERNEL_PHYS, or correct the section's addresses.");

        internal static DiagnosticDescriptor SectionsShareAPage { get; } = Error("KMK5003", "Sections with different rights share a page",
            "{0} (\"{1}\") and {2} (\"{3}\") both have the page at {4}",
            "Align the sections to pages in the linker script: a page has one set of rights.");

        internal static DiagnosticDescriptor InitWritableAndExecutable { get; } = Warning("KMK5004", "Section that is written and executed",
            "{0} {1} has code and data of boot together: it is mapped for both",
            "Say which part is code with CONFIG_KERNEL_INIT_TEXT=\"0xstart-0xend\".");

        internal static DiagnosticDescriptor NoImage { get; } = Info("KMK5005", "RAM is writable and executable",
            "board {0} says nothing about its kernel image: all RAM of the map may be written and executed",
            "Give the image's sections (CONFIG_KERNEL_TEXT and its kin), or a protection policy.");

        internal static DiagnosticDescriptor DeviceOverRam { get; } = Warning("KMK5006", "Device inside RAM is not mapped as a device",
            "{0} {1} is inside RAM {2}, which has its mapping as memory: a second one with another memory type is not made",
            "Reserve the range with no-map, so that it is no RAM of the kernel, or correct the device.");

        internal static DiagnosticDescriptor DeviceBeyondTables { get; } = Info("KMK5007", "Device beyond the tables' addresses",
            "{0} {1} is beyond the {2} bits of a physical address that the tables can say, and is not mapped",
            "Nothing needs to be done unless it is used; larger addresses take another format (CONFIG_ARM_LPAE, CONFIG_X86_PAE).");

        internal static DiagnosticDescriptor EntryBeyondTables { get; } = Error("KMK5008", "Protection entry beyond the tables' addresses",
            "{0} {1} is beyond the {2} bits of a physical address that the tables can say",
            "Choose a format with larger addresses (CONFIG_ARM_LPAE, CONFIG_X86_PAE), or remove the entry.");

        internal static DiagnosticDescriptor EntryInHighmem { get; } = Error("KMK5009", "Protection entry in highmem",
            "{0} {1} has addresses in highmem {2}, which has no address of the kernel's",
            "Grant lowmem, or use a split with more of it (CONFIG_VMSPLIT_2G); a flat map reaches all RAM.");

        internal static DiagnosticDescriptor PageWithTwoTypes { get; } = Error("KMK5010", "Page with two memory types",
            "the page at {0} has {1} ({2}) and {3} ({4})",
            "Grant the page by a protection entry with the memory type that is right, or disable one of the two nodes.");

        internal static DiagnosticDescriptor EntryUnaligned { get; } = Error("KMK5011", "Protection entry ends inside a page",
            "{0} {1} ends inside a page of {2} bytes, which is the least that translation tells apart",
            "Move its edges to pages, or let them grow with allow-rounding: outwards it is {3}.");

        internal static DiagnosticDescriptor EntriesShareAPage { get; } = Error("KMK5012", "Protection entries with different rights share a page",
            "{0} {1} cannot grow to whole pages of {4} bytes: {2} {3} has a part of them",
            "Put what has different rights into pages of its own.");

        internal static DiagnosticDescriptor EntryRounded { get; } = Info("KMK5013", "Protection entry grown to whole pages",
            "{0} {1} grew to {2}: {3} bytes are granted that the policy does not grant",
            "Nothing needs to be done if that is meant.");

        internal static DiagnosticDescriptor DeviceLeftToIoremap { get; } = Info("KMK5014", "Device left to ioremap",
            "{0} {1} is more than an eighth of the vmalloc area {2}: it has no fixed mapping",
            "Nothing needs to be done: drivers map it when they need it. A protection entry asks for a fixed mapping.");

        internal static DiagnosticDescriptor NoRoomForDevice { get; } = Info("KMK5015", "No room for a device's fixed mapping",
            "{0} {1} finds no room in the vmalloc area {2}: it has no fixed mapping",
            "Nothing needs to be done: drivers map it when they need it. vmalloc= makes the area larger.");

        internal static DiagnosticDescriptor NoRoomForEntry { get; } = Error("KMK5016", "No room for a protection entry",
            "{0} {1} finds no room in the vmalloc area {2}",
            "Grant the devices that are there and not the space around them, or make the area larger with vmalloc=.");

        internal static DiagnosticDescriptor RamBeyondTables { get; } = Error("KMK5017", "RAM beyond the tables' addresses",
            "RAM {0} is beyond the {1} bits of a physical address that the tables can say",
            "Choose a format with larger addresses (CONFIG_ARM_LPAE, CONFIG_X86_PAE).");

        internal static DiagnosticDescriptor RamOutsidePages { get; } = Warning("KMK5018", "RAM outside whole pages is not mapped",
            "RAM {0} does not start and end at pages of {1} bytes: what is outside of them is not mapped",
            "Choose a smaller page, or correct the bank.");

        internal static DiagnosticDescriptor NoRoomForVectors { get; } = Error("KMK5019", "No room for the exception vectors",
            "lowmem has no {0} bytes free for the exception vectors",
            "Reserve less.");

        internal static DiagnosticDescriptor IdentityNotInRam { get; } = Error("KMK5020", "Identity map outside RAM",
            "CONFIG_KERNEL_IDMAP {0} is not all in one bank of RAM",
            "Name the addresses at which the code that turns translation on is loaded.");

        internal static DiagnosticDescriptor VirtualConflict { get; } = Error("KMK5021", "Two things at one virtual address",
            "{0} {1} (physical {2}) and {3} {4} (physical {5}) overlap",
            "Move one of them: CONFIG_PAGE_OFFSET moves the linear map, CONFIG_KERNEL_IDMAP says what is mapped one to one.");

        internal static DiagnosticDescriptor AliasWithOtherType { get; } = Error("KMK5022", "One page mapped with two memory types",
            "{0} is mapped as {1} at {2} ({3}) and as {4} at {5} ({6})",
            "Give all mappings of a page one memory type; memory that needs another is reserved with no-map.");

        internal static DiagnosticDescriptor WritableAndExecutable { get; } = Warning("KMK5023", "Pages that are written and executed",
            "the protection entry {0} lets {1} be written and executed (privileged \"{2}\", user \"{3}\")",
            "Part code from data: what can be written is better not executed.");

        internal static DiagnosticDescriptor NoTranslation { get; } = Error("KMK5050", "No translation on this board",
            "board {0} runs without translation: it has no page tables",
            "Set CONFIG_MMU=y where the processors have an MMU; kmem mpu is for the others.");

        internal static DiagnosticDescriptor FormatUnknown { get; } = Error("KMK5051", "Format of tables not known or not the board's",
            "\"{0}\" is no format of page tables that {1} can use; {2}",
            "Write one of the names listed, or none for the format of the board's kernel.");

        internal static DiagnosticDescriptor InputSizeUnusable { get; } = Error("KMK5052", "Input size that no format has",
            "{0} of {1} bits of virtual address are beyond the formats that are known: {2}",
            "Choose fewer (CONFIG_ARM64_VA_BITS).");

        internal static DiagnosticDescriptor NoSuchDomain { get; } = Error("KMK5053", "No such protection domain",
            "board {0} has no protection domain {1}",
            "Name one of the domain- nodes of the protection policy.");

        internal static DiagnosticDescriptor NothingMapped { get; } = Error("KMK5054", "Nothing to map",
            "of board {0} nothing is to be mapped: the tables would be empty",
            "Grant something in the protection policy, or leave the rest to privileged code with privileged-background.");

        internal static DiagnosticDescriptor BeyondInput { get; } = Error("KMK5055", "Virtual address that the tables cannot translate",
            "{0} {1} is beyond the addresses that {2} translates",
            "Choose a format with more bits of virtual address.");

        internal static DiagnosticDescriptor AttributesNotExpressible { get; } = Error("KMK5056", "Rights or memory type that the tables cannot say",
            "{0} {1} wants {2}, which {3} cannot say: {4}",
            "Choose rights that it has; nothing is granted that was not asked for.");

        internal static DiagnosticDescriptor PagesOfOneTable { get; } = Error("KMK5057", "Pages whose rights one table cannot hold",
            "{0} ({1}) and {2} ({3}) have pages in one table, at {4}, and {5} keeps a part of their rights in the one pointer to it",
            "Put the two apart, into different sections of 1 MiB, or give them the same rights to execute.");

        internal static DiagnosticDescriptor NoRoomForTables { get; } = Error("KMK5058", "No room for the tables",
            "lowmem of board {0} has no {1} bytes free for its tables, aligned to {2}",
            "Reserve less, or say where the tables are with --base: reserved memory and on-chip memory will do.");

        internal static DiagnosticDescriptor BaseUnaligned { get; } = Error("KMK5059", "Unaligned base of tables",
            "the base {0} is not a multiple of what {1} wants, {2} bytes; {3} is",
            "Choose an aligned base.");

        internal static DiagnosticDescriptor BaseBeyond { get; } = Error("KMK5060", "Base of tables beyond the format's addresses",
            "tables at {0} of {1} bytes are beyond what {2} can point to, {3} bits",
            "Choose a lower base.");

        internal static DiagnosticDescriptor BaseNotFree { get; } = Error("KMK5061", "Base of tables is not free memory",
            "the tables cannot be at {0}: {1}",
            "Choose free lowmem, memory that the board reserves for them, or on-chip memory.");

        internal static DiagnosticDescriptor NoExecuteNever { get; } = Info("KMK5062", "The format cannot withhold execution",
            "{0} has no bit that withholds execution: data and devices are executable for the kernel",
            "Nothing needs to be done; CONFIG_X86_PAE=y gives tables that can.");

        internal static DiagnosticDescriptor TablesLeftOut { get; } = Warning("KMK5063", "No files of page tables",
            "the files of board {0} are without its page tables: {1}: {2}",
            "Do what that finding asks for (kmem check says it in full), or ask for other files only.");

        internal static DiagnosticDescriptor PlanWrong { get; } = Error("KMK5099", "The planner of tables failed",
            "the tables are not the map: {0}",
            "This is a fault of KmemKit and not of the board. Please report it with the board's files.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            ImageOutside, ImageUnaligned, ImageNotInRam, SectionsShareAPage, InitWritableAndExecutable, NoImage, DeviceOverRam, DeviceBeyondTables,
            EntryBeyondTables, EntryInHighmem, PageWithTwoTypes, EntryUnaligned, EntriesShareAPage, EntryRounded, DeviceLeftToIoremap, NoRoomForDevice,
            NoRoomForEntry, RamBeyondTables, RamOutsidePages, NoRoomForVectors, IdentityNotInRam, VirtualConflict, AliasWithOtherType, WritableAndExecutable,
            NoTranslation, FormatUnknown, InputSizeUnusable, NoSuchDomain, NothingMapped, BeyondInput, AttributesNotExpressible, PagesOfOneTable,
            NoRoomForTables, BaseUnaligned, BaseBeyond, BaseNotFree, NoExecuteNever, TablesLeftOut, PlanWrong,
        ];
    }
}
