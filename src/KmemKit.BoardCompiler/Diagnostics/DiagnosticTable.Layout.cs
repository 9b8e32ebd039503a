using System.Collections.Immutable;

namespace KmemKit.BoardCompiler.Diagnostics;

// The memory layout and the linear map, KMK3500-KMK3999. Where the kernel prints a message of its own, the text starts with it word for word.
public static partial class DiagnosticTable
{
    private static ImmutableArray<DiagnosticDescriptor> LayoutRules => Layout.Rules;

    // A class of its own, for the reason that DiagnosticTable.Board gives.
    internal static class Layout
    {
        /// <summary>There is no RAM to lay out.</summary>
        internal static DiagnosticDescriptor LayoutWithoutMemory { get; } = Error("KMK3500", "No memory to lay out",
            "board {0} has no memory left to lay out{1}",
            "Add a /memory node with device_type = \"memory\" and a reg that is not empty, or give mem=SIZE@START in the bootargs.");

        /// <summary>No layout rules are known for the architecture.</summary>
        internal static DiagnosticDescriptor LayoutArchitectureUnknown { get; } = Error("KMK3501", "No layout rules for the architecture",
            "no memory layout rules are known for architecture {0} of board {1}",
            "Name the architecture in the defconfig: CONFIG_ARM=y, CONFIG_ARM64=y, CONFIG_X86_32=y, CONFIG_X86_64=y or CONFIG_RISCV=y; or set CONFIG_MMU=n for an identity map.");

        /// <summary>arch/arm/kernel/setup.c, arm_add_memory.</summary>
        internal static DiagnosticDescriptor BankTruncatedTo32Bits { get; } = Warning("KMK3502", "Bank reaches the end of the 32-bit physical space",
            "Truncating memory at {0} to fit in 32-bit physical address space: bank {1} keeps {2}, {3} bytes are lost",
            "The kernel cannot represent an end of 4 GiB without LPAE. End the bank a page earlier, or set CONFIG_ARM_LPAE=y.");

        /// <summary>arch/arm/kernel/setup.c, arm_add_memory.</summary>
        internal static DiagnosticDescriptor BankOutside32Bits { get; } = Warning("KMK3503", "Bank outside the 32-bit physical space",
            "Ignoring memory at {0} outside 32-bit physical address space: bank {1}, {2} bytes are lost",
            "Set CONFIG_ARM_LPAE=y (x86: CONFIG_X86_PAE=y), or remove the bank.");

        /// <summary>arch/arm/kernel/setup.c, arm_add_memory.</summary>
        internal static DiagnosticDescriptor BankBelowPhysOffset { get; } = Warning("KMK3504", "Memory below PHYS_OFFSET",
            "Ignoring memory below PHYS_OFFSET: {0}-{1}: bank {2} starts below {3}",
            "Set CONFIG_PHYS_OFFSET to the start of the first bank.");

        /// <summary>arch/arm/mm/mmu.c, sanity_check_meminfo and adjust_lowmem_bounds.</summary>
        internal static DiagnosticDescriptor RamIgnored { get; } = Warning("KMK3505", "RAM that the kernel cannot reach",
            "{0}: {1} bytes are not used",
            "Set CONFIG_HIGHMEM=y, choose another VMSPLIT, or ask for less vmalloc.");

        /// <summary>arch/arm/mm/mmu.c, early_vmalloc.</summary>
        internal static DiagnosticDescriptor VmallocTooSmall { get; } = Warning("KMK3506", "vmalloc= below its minimum",
            "{0}: vmalloc={1} was asked for",
            "Ask for 16 MB or more.");

        /// <summary>arch/arm/mm/mmu.c, early_vmalloc.</summary>
        internal static DiagnosticDescriptor VmallocTooBig { get; } = Warning("KMK3507", "vmalloc= above its maximum",
            "{0}: vmalloc={1} was asked for",
            "Leave at least 32 MB of the kernel's address space to lowmem.");

        /// <summary>arch/arm/mach-msm/memory.c, find_memory_hole.</summary>
        internal static DiagnosticDescriptor VirtualHole { get; } = Info("KMK3508", "The unmapped hole leaves a virtual hole",
            "Physical memory hole is not aligned. There will be a virtual memory hole from {0} to {1}: physical hole {2}",
            "Let the hole start and end at equal offsets within 2 MiB.");

        /// <summary>Every bank ended up in highmem.</summary>
        internal static DiagnosticDescriptor NoLowmem { get; } = Error("KMK3509", "No bank is in lowmem",
            "no bank of board {0} is in lowmem: PHYS_OFFSET is {1}, the lowmem limit {2}, and the first bank {3}",
            "Set CONFIG_PHYS_OFFSET to the start of the first bank.");

        /// <summary>VMALLOC_END belongs to the platform before 3.3.</summary>
        internal static DiagnosticDescriptor VmallocEndAssumed { get; } = Warning("KMK3510", "VMALLOC_END is not known",
            "Linux {0} takes VMALLOC_END from the platform, and none is known for \"{1}\": {2} is assumed",
            "Set CONFIG_VMALLOC_END to the platform's value (mach/vmalloc.h).");

        /// <summary>lowmem reaches VMALLOC_END.</summary>
        internal static DiagnosticDescriptor NoRoomForVmalloc { get; } = Error("KMK3511", "No room for vmalloc",
            "lowmem ends at {0}, which leaves no room for vmalloc below {1}",
            "Ask for more vmalloc=, or choose another reclaim strategy or VMSPLIT.");

        /// <summary>RAM that does not start or end at a page.</summary>
        internal static DiagnosticDescriptor RamNotPageAligned { get; } = Warning("KMK3512", "RAM that does not fill its pages",
            "RAM {0} does not start and end at a page of {1}: {2} is used, {3} bytes are lost",
            "Let the bank, or the region that cuts it, start and end at a page.");

        /// <summary>A hole that takes nothing away.</summary>
        internal static DiagnosticDescriptor HoleOutsideMemory { get; } = Warning("KMK3513", "A memory hole outside all memory",
            "hole {0} of {1} removes nothing: no bank has these addresses",
            "Correct the address or the size, or remove the entry.");

        /// <summary>A reserved region with a size only finds no place.</summary>
        internal static DiagnosticDescriptor ReservedUnplaced { get; } = Error("KMK3515", "No room for a reserved region",
            "reserved region {0} of {1} bytes, alignment {2}, finds no room in {3}",
            "Make it smaller, widen alloc-ranges, or give it an address with reg.");

        /// <summary>The x86 fixmap is a constant of the build.</summary>
        internal static DiagnosticDescriptor FixaddrAssumed { get; } = Warning("KMK3516", "FIXADDR_START is not known",
            "without highmem, VMALLOC_END hangs on FIXADDR_START, a constant of the build that the policy does not give: {0} is assumed",
            "Set CONFIG_FIXADDR_START to the value that the kernel's own layout block prints.");

        /// <summary>A kernel parameter that does nothing here.</summary>
        internal static DiagnosticDescriptor ParameterWithoutEffect { get; } = Warning("KMK3517", "A kernel parameter without effect",
            "kernel parameter {0} has no effect: {1}",
            "Remove it.");

        /// <summary>RAM beyond the physical address width.</summary>
        internal static DiagnosticDescriptor BankBeyondPhysicalWidth { get; } = Error("KMK3519", "Bank beyond the physical address width",
            "bank {0} reaches beyond the {1}-bit physical address space of {2}",
            "Correct the bank's address and size; with #address-cells = <2> the first cell is the upper half.");

        /// <summary>mem= replaces or limits the firmware's map.</summary>
        internal static DiagnosticDescriptor MemParameterApplied { get; } = Info("KMK3520", "mem= changes the memory map",
            "kernel parameter mem= {0}: {1} bytes of the firmware's map are not used",
            "Remove mem= to use the memory of the /memory nodes.");

        /// <summary>PAGE_OFFSET is not a place where a linear map can start.</summary>
        internal static DiagnosticDescriptor PageOffsetUnusable { get; } = Error("KMK3522", "PAGE_OFFSET cannot start a linear map",
            "PAGE_OFFSET {0} cannot start the linear map of {1}: {2}",
            "Use CONFIG_VMSPLIT_3G, _2G or _1G; on RISC-V leave CONFIG_PAGE_OFFSET out, and the kernel's own place is taken.");

        /// <summary>RAM beyond the linear map of a 64-bit kernel.</summary>
        internal static DiagnosticDescriptor RamBeyondLinearMap { get; } = Warning("KMK3523", "RAM beyond the linear map",
            "RAM {0} lies beyond the linear map, which reaches from {1} to {2}: {3} bytes are not used",
            "Use more VA_BITS, or on RISC-V processors whose mmu-type has more.");

        /// <summary>A VA_BITS that the page size does not have.</summary>
        internal static DiagnosticDescriptor VaBitsUnusable { get; } = Error("KMK3524", "VA_BITS does not go with the page size",
            "CONFIG_ARM64_VA_BITS={0} is no choice for {1} pages in Linux {2}; {3} are",
            "Choose one of the values named.");

        /// <summary>A kernel outside the versions whose rules are known.</summary>
        internal static DiagnosticDescriptor VersionOutsideRules { get; } = Info("KMK3525", "Kernel outside the known versions",
            "Linux {0} is outside the versions whose rules for {1} are known, {2} to {3}: the rules of {4} are used",
            "Compare the layout with the kernel's boot log before you rely on it.");

        /// <summary>A hole that the msm strategies cannot handle.</summary>
        internal static DiagnosticDescriptor HoleNotSectionAligned { get; } = Warning("KMK3526", "A reclaimed hole is not section aligned",
            "memory hole {0} does not start and end at a section of 1 MiB, as the strategy that leaves it unmapped needs",
            "Let the banks around the hole start and end at 1 MiB, or set CONFIG_NO_VM_RECLAIM=y.");

        /// <summary>A virtual range whose end the policy puts below its start.</summary>
        internal static DiagnosticDescriptor VirtualRangeBackwards { get; } = Error("KMK3527", "A virtual range ends below its start",
            "the {0} range would start at {1} and end at {2}",
            "Correct the CONFIG_ constant that moves one of the two.");

        /// <summary>RAM in front of the first whole PMD.</summary>
        internal static DiagnosticDescriptor FirstBankNotPmdAligned { get; } = Warning("KMK3528", "The first bank does not start at 2 MiB",
            "the first bank {0} does not start at a multiple of 2 MiB: Linux {1} leaves {2} bytes in front of {3} unmapped",
            "Start the bank at 2 MiB, or reserve what lies in front.");

        /// <summary>Two virtual ranges share addresses.</summary>
        internal static DiagnosticDescriptor VirtualRangesOverlap { get; } = Warning("KMK3529", "Two virtual ranges overlap",
            "virtual range {0} {1} overlaps {2} {3}",
            "Correct the CONFIG_ constant that moves one of the two; where the kernel's own constants do it, choose another VA_BITS or page size.");

        /// <summary>kernel/dma/contiguous.c, rmem_cma_setup.</summary>
        internal static DiagnosticDescriptor CmaNotAligned { get; } = Warning("KMK3530", "Contiguous area not aligned",
            "Reserved memory: incorrect alignment of CMA region: {0} {1} does not start and end at a multiple of {2}: it stays reserved, and is no contiguous area",
            "Let address and size be multiples of that.");

        /// <summary>mm/cma.c, cma_activate_area.</summary>
        internal static DiagnosticDescriptor CmaNotInOneZone { get; } = Warning("KMK3531", "Contiguous area not in RAM of one zone",
            "CMA area {0} could not be activated: {1} is not RAM of one zone as a whole",
            "Move it, or make it smaller; kmem layout prints banks and zones.");

        /// <summary>mm/cma.c, cma_declare_contiguous_nid.</summary>
        internal static DiagnosticDescriptor CmaUnplaced { get; } = Error("KMK3532", "No room for the area of cma=",
            "cma: Failed to reserve {0} bytes, alignment {1}, {2}",
            "Ask for less, or leave the address out.");

        /// <summary>kernel/dma/contiguous.c, rmem_cma_setup.</summary>
        internal static DiagnosticDescriptor CmaDefaultBypassed { get; } = Info("KMK3533", "cma= takes the place of the default area",
            "Reserved memory: bypass {0} node, using cmdline CMA params instead: {1} stays reserved, and is no contiguous area",
            "Remove cma= to use the node, or the node to use cma=.");

        /// <summary>mm/cma.c, cma_declare_contiguous_nid.</summary>
        internal static DiagnosticDescriptor CmaRounded { get; } = Warning("KMK3534", "Size of cma= is rounded up",
            "cma={0} is rounded up to {1}, a multiple of {2}",
            "Ask for a multiple of that.");

        /// <summary>kernel/dma/contiguous.c, rmem_cma_setup.</summary>
        internal static DiagnosticDescriptor CmaDefaultTwice { get; } = Warning("KMK3535", "Two default contiguous areas",
            "{0} is linux,cma-default, and {1} is so too: the one that comes last is used",
            "Remove linux,cma-default from one of the two.");

        /// <summary>Documentation/devicetree/bindings/riscv/cpus.yaml, mmu-type.</summary>
        internal static DiagnosticDescriptor PagingModeAssumed { get; } = Warning("KMK3536", "The paging mode of the processors is not known",
            "no processor of board {0} says its mmu-type: {1}, which every 64-bit RISC-V with an MMU has, is assumed",
            "Add mmu-type = \"riscv,sv39\", \"riscv,sv48\" or \"riscv,sv57\" to the cpu nodes.");

        /// <summary>Documentation/devicetree/bindings/riscv/cpus.yaml, mmu-type.</summary>
        internal static DiagnosticDescriptor PagingModeUnusable { get; } = Error("KMK3537", "The paging mode is not one that the kernel can use",
            "{0} is {1}: a {2}-bit kernel uses {3}",
            "Correct it; a board without paging says mmu-type = \"riscv,none\" or CONFIG_MMU=n.");

        /// <summary>arch/riscv/mm/init.c, setup_vm.</summary>
        internal static DiagnosticDescriptor ImagePlaceUnusable { get; } = Error("KMK3538", "The kernel image cannot be loaded there",
            "the kernel image of board {0} is loaded at {1}: {2}",
            "Correct CONFIG_KERNEL_PHYS (or CONFIG_PHYS_OFFSET), or leave it out: the boot loader's usual place is taken.");

        /// <summary>drivers/of/fdt.c, early_init_dt_add_memory_arch.</summary>
        internal static DiagnosticDescriptor RamBelowImage { get; } = Info("KMK3539", "RAM below the kernel image is not used",
            "{0}: {1} bytes in front of the kernel image at {2} are not used",
            "64-bit kernels from 6.4 on use it. Firmware usually lives there.");

        internal static ImmutableArray<DiagnosticDescriptor> Rules =>
        [
            LayoutWithoutMemory, LayoutArchitectureUnknown, BankTruncatedTo32Bits, BankOutside32Bits, BankBelowPhysOffset, RamIgnored,
            VmallocTooSmall, VmallocTooBig, VirtualHole, NoLowmem, VmallocEndAssumed, NoRoomForVmalloc, RamNotPageAligned, HoleOutsideMemory,
            ReservedUnplaced, FixaddrAssumed, ParameterWithoutEffect, BankBeyondPhysicalWidth, MemParameterApplied, PageOffsetUnusable,
            RamBeyondLinearMap, VaBitsUnusable, VersionOutsideRules, HoleNotSectionAligned, VirtualRangeBackwards,
            FirstBankNotPmdAligned, VirtualRangesOverlap, CmaNotAligned, CmaNotInOneZone, CmaUnplaced, CmaDefaultBypassed, CmaRounded, CmaDefaultTwice,
            PagingModeAssumed, PagingModeUnusable, ImagePlaceUnusable, RamBelowImage,
        ];
    }
}
