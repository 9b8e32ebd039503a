using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>Every key that a policy may set (design, section 9): the one table behind help text, did-you-mean and parsing.</summary>
public static class PolicyVocabulary
{
    internal const string ArchitectureChoice = "architecture";
    internal const string VmsplitChoice = "user/kernel split";
    internal const string ReclaimChoice = "reclaim strategy";
    internal const string AllocatorChoice = "object allocator";
    internal const string PageSizeChoice = "page size";
    internal const string MemoryModelChoice = "memory model";
    internal const string X86HighmemChoice = "x86 high memory";
    internal const string VaBitsChoice = "virtual address bits";

    // The virtual address sizes of arch/arm64/Kconfig; which page sizes go with each is a rule of PolicyChecks.
    private static readonly ImmutableArray<ulong> s_vaBits = [36, 39, 42, 47, 48, 52];

    /// <summary>All keys, in the order of the design's table.</summary>
    public static ImmutableArray<PolicyKey> All { get; } = [.. Keys()];

    private static readonly Dictionary<string, PolicyKey> s_byName = All.ToDictionary(k => k.Name, StringComparer.Ordinal);

    /// <summary>The key of that full name, or null.</summary>
    public static PolicyKey? Find(string name) => s_byName.TryGetValue(name, out var key) ? key : null;

    /// <summary>The known key that <paramref name="name"/> is probably a misspelling of, or null.</summary>
    public static string? DidYouMean(string name) => s_realNeighbours.Contains(name)
        ? null
        : Spelling.Nearest(name, All.Select(k => k.Name), KconfigReader.Prefix);

    // Symbols of real kernels that are one or two slips away from one of ours and are not misspellings.
    private static readonly HashSet<string> s_realNeighbours = new(StringComparer.Ordinal)
    {
        "CONFIG_ARM_PMU", "CONFIG_ARM_PTDUMP", "CONFIG_ARM_AMBA", "CONFIG_X86_PAT", "CONFIG_X86_MPX", "CONFIG_X86_PMEM", "CONFIG_X86_UV",
        "CONFIG_NUMA_EMU", "CONFIG_SLUB_DEBUG", "CONFIG_MODULE_SIG", "CONFIG_ZONE_DEVICE", "CONFIG_HIGHPTE", "CONFIG_X86_HT", "CONFIG_X86_X32",
        "CONFIG_RISCV_PMU", "CONFIG_ARM_SMMU", "CONFIG_ARM_CCN", "CONFIG_ARM_CCI", "CONFIG_ARM_SPE",
    };

    private static IEnumerable<PolicyKey> Keys()
    {
        yield return Choice("CONFIG_ARM", ArchitectureChoice, "32-bit Arm");
        yield return Choice("CONFIG_ARM64", ArchitectureChoice, "AArch64");
        yield return Choice("CONFIG_X86_32", ArchitectureChoice, "32-bit x86");
        yield return Choice("CONFIG_X86_64", ArchitectureChoice, "64-bit x86");
        yield return Choice("CONFIG_RISCV", ArchitectureChoice, "RISC-V; 64 bits unless CONFIG_32BIT or CONFIG_ARCH_RV32I");
        yield return Alone("CONFIG_X86", PolicyValueType.Flag, "x86; CONFIG_64BIT tells the width where neither CONFIG_X86_32 nor CONFIG_X86_64 does");
        yield return Alone("CONFIG_64BIT", PolicyValueType.Flag, "64-bit kernel, for CONFIG_X86 and CONFIG_RISCV");
        yield return Alone("CONFIG_32BIT", PolicyValueType.Flag, "32-bit kernel, for CONFIG_RISCV");
        yield return Alone("CONFIG_ARCH_RV32I", PolicyValueType.Flag, "32-bit RISC-V");
        yield return Alone("CONFIG_ARCH_RV64I", PolicyValueType.Flag, "64-bit RISC-V");
        yield return Value("CONFIG_LINUX_VERSION", PolicyValueType.Version, "the kernel whose layout rules apply",
            (p, v) => p with { LinuxVersion = new(v.Version, v.Span) });

        yield return Value("CONFIG_PAGE_OFFSET", PolicyValueType.Address, "first virtual address of the linear map",
            (p, v) => p with { PageOffset = new(new VirtAddr(v.Number), v.Span) });
        yield return Choice("CONFIG_VMSPLIT_3G", VmsplitChoice, "PAGE_OFFSET 0xc0000000");
        yield return Choice("CONFIG_VMSPLIT_3G_OPT", VmsplitChoice, "PAGE_OFFSET 0xb0000000");
        yield return Choice("CONFIG_VMSPLIT_2G", VmsplitChoice, "PAGE_OFFSET 0x80000000");
        yield return Choice("CONFIG_VMSPLIT_2G_OPT", VmsplitChoice, "PAGE_OFFSET 0x78000000 (x86)");
        yield return Choice("CONFIG_VMSPLIT_1G", VmsplitChoice, "PAGE_OFFSET 0x40000000");
        yield return Value("CONFIG_PHYS_OFFSET", PolicyValueType.Address, "physical address that PAGE_OFFSET maps",
            (p, v) => p with { PhysOffset = new(new PhysAddr(v.Number), v.Span) });

        yield return Flag("CONFIG_HIGHMEM", "memory beyond the linear map is used", (p, s) => p with { Highmem = s });
        yield return Choice("CONFIG_NOHIGHMEM", X86HighmemChoice, "x86: no high memory");
        yield return Choice("CONFIG_HIGHMEM4G", X86HighmemChoice, "x86: high memory below 4 GiB");
        yield return Choice("CONFIG_HIGHMEM64G", X86HighmemChoice, "x86: high memory up to 64 GiB, with PAE");
        yield return Flag("CONFIG_ARM_LPAE", "long page descriptors, 40-bit physical addresses", (p, s) => p with { ArmLpae = s });
        yield return Flag("CONFIG_X86_PAE", "three-level page tables, 36-bit physical addresses", (p, s) => p with { X86Pae = s });
        yield return Flag("CONFIG_X86_5LEVEL", "five-level page tables", (p, s) => p with { X86FiveLevel = s });
        yield return Flag("CONFIG_THUMB2_KERNEL", "the kernel is Thumb-2 code: modules within 8 MiB", (p, s) => p with { Thumb2Kernel = s });
        yield return Flag("CONFIG_MODULES", "loadable modules", (p, s) => p with { Modules = s });
        yield return Flag("CONFIG_ARM_USE_USER_ACCESSIBLE_TIMERS", "msm: a page of timers below the vectors", (p, s) => p with { UserAccessibleTimers = s });
        yield return Flag("CONFIG_CPU_CACHE_VIPT_ALIASING", "aliasing VIPT caches: no high memory", (p, s) => p with { ViptAliasingCache = s });

        yield return Choice("CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0", ReclaimChoice, "the largest hole is left out of the linear map");
        yield return Choice("CONFIG_ENABLE_VMALLOC_SAVING", ReclaimChoice, "the virtual addresses of holes go to vmalloc");
        yield return Choice("CONFIG_NO_VM_RECLAIM", ReclaimChoice, "holes cost linear map");

        yield return Value("CONFIG_VMALLOC_END", PolicyValueType.Address, "end of vmalloc where the platform moves it",
            (p, v) => p with { VmallocEnd = new(new VirtAddr(v.Number), v.Span) });
        yield return Size("CONFIG_VMALLOC_RESERVE", "what vmalloc is promised where vmalloc= says nothing", (p, v) => p with { VmallocReserve = new(v.Number, v.Span) });
        yield return Value("CONFIG_FIXADDR_START", PolicyValueType.Address, "start of the fixmap",
            (p, v) => p with { FixaddrStart = new(new VirtAddr(v.Number), v.Span) });
        yield return Value("CONFIG_FIXADDR_TOP", PolicyValueType.Address, "end of the fixmap",
            (p, v) => p with { FixaddrTop = new(new VirtAddr(v.Number), v.Span) });
        yield return Value("CONFIG_PKMAP_BASE", PolicyValueType.Address, "start of the permanent kernel mappings of high memory",
            (p, v) => p with { PkmapBase = new(new VirtAddr(v.Number), v.Span) });
        yield return Size("CONFIG_CONSISTENT_DMA_SIZE", "32-bit Arm up to 3.1: size of the DMA area", (p, v) => p with { ConsistentDmaSize = new(v.Number, v.Span) });

        yield return Choice("CONFIG_FLATMEM", MemoryModelChoice, "one array of page descriptors");
        yield return Choice("CONFIG_SPARSEMEM", MemoryModelChoice, "page descriptors by section");
        // From 16 MiB, the smallest that any architecture uses, to 64 GiB.
        yield return new PolicyKey("CONFIG_SECTION_SIZE_BITS", PolicyValueType.Number, "log2 of a section's bytes")
        {
            Minimum = 24,
            Maximum = 36,
            Apply = (p, v) => p with { SectionSizeBits = new((int)v.Number, v.Span) },
        };
        yield return Flag("CONFIG_NUMA", "memory nodes are kept apart", (p, s) => p with { Numa = s });
        yield return Flag("CONFIG_ZONE_DMA", "a zone for devices that reach little memory", (p, s) => p with { ZoneDma = s });
        yield return Size("CONFIG_ZONE_DMA_SIZE", "size of that zone", (p, v) => p with { ZoneDmaSize = new(v.Number, v.Span) });
        yield return Flag("CONFIG_ZONE_DMA32", "a zone below 4 GiB", (p, s) => p with { ZoneDma32 = s });

        yield return Flag("CONFIG_MMU", "n: the board runs without translation, behind an MPU", (p, s) => p with { Mmu = s });
        yield return Flag("CONFIG_ARM_MPU", "the kernel programs the MPU", (p, s) => p with { ArmMpu = s });
        yield return Choice("CONFIG_ARM64_4K_PAGES", PageSizeChoice, "4 KiB pages");
        yield return Choice("CONFIG_ARM64_16K_PAGES", PageSizeChoice, "16 KiB pages");
        yield return Choice("CONFIG_ARM64_64K_PAGES", PageSizeChoice, "64 KiB pages");
        yield return new PolicyKey("CONFIG_ARM64_VA_BITS", PolicyValueType.Number, "bits of a virtual address")
        {
            Allowed = s_vaBits,
            Apply = (p, v) => p with { VaBits = new((int)v.Number, v.Span) },
        };
        foreach (var bits in s_vaBits)
            yield return Choice("CONFIG_ARM64_VA_BITS_" + bits, VaBitsChoice, bits + " bits of virtual address");

        yield return new PolicyKey("CONFIG_PGTABLE_LEVELS", PolicyValueType.Number, "RISC-V: the most levels of page tables that the kernel is built for")
        {
            Minimum = 2,
            Maximum = 5,
            Apply = (p, v) => p with { PageTableLevels = new((int)v.Number, v.Span) },
        };
        yield return Flag("CONFIG_KASAN", "64-bit RISC-V: shadow memory has its range", (p, s) => p with { Kasan = s });
        yield return Flag("CONFIG_MEMCG", "32-bit: struct page has a pointer more", (p, s) => p with { MemoryCgroups = s });

        yield return Choice("CONFIG_SLAB", AllocatorChoice, "the SLAB allocator");
        yield return Choice("CONFIG_SLUB", AllocatorChoice, "the SLUB allocator");
        yield return Choice("CONFIG_SLOB", AllocatorChoice, "the SLOB allocator");
        yield return Flag("CONFIG_SLUB_DEBUG_ON", "as if slub_debug were given", (p, s) => p with { SlubDebugOn = s });

        yield return Section("CONFIG_KERNEL_TEXT", ".text");
        yield return Section("CONFIG_KERNEL_RODATA", ".rodata");
        yield return Section("CONFIG_KERNEL_INIT", ".init");
        yield return Section("CONFIG_KERNEL_INIT_TEXT", ".init.text");
        yield return Section("CONFIG_KERNEL_DATA", ".data");
        yield return Section("CONFIG_KERNEL_BSS", ".bss");
        yield return Value("CONFIG_KERNEL_PHYS", PolicyValueType.Address, "physical address of the image's first byte, where the image is not in the linear map",
            (p, v) => p with { KernelPhys = new(new PhysAddr(v.Number), v.Span) });
        yield return new PolicyKey("CONFIG_KERNEL_IDMAP", PolicyValueType.Range, "the physical addresses that boot code needs mapped one to one")
        {
            Apply = (p, v) => p with { IdentityMap = new(v.Range, v.Span) },
        };

        yield return Alone("CONFIG_CMDLINE", PolicyValueType.Text, "the built-in kernel parameters");
        yield return Alone("CONFIG_CMDLINE_EXTEND", PolicyValueType.Flag, "the built-in parameters follow those of /chosen/bootargs");
        yield return Alone("CONFIG_CMDLINE_FORCE", PolicyValueType.Flag, "the built-in parameters replace those of /chosen/bootargs");
        yield return Alone("CONFIG_CMDLINE_FROM_BOOTLOADER", PolicyValueType.Flag, "the built-in parameters count only where /chosen/bootargs is empty");
        yield return Alone("CONFIG_CMDLINE_BOOL", PolicyValueType.Flag, "x86: the built-in parameters come first");
        yield return Alone("CONFIG_CMDLINE_OVERRIDE", PolicyValueType.Flag, "x86: as CONFIG_CMDLINE_FORCE");
    }

    private static PolicyKey Choice(string name, string choice, string meaning) => new(name, PolicyValueType.Flag, meaning, choice);

    private static PolicyKey Alone(string name, PolicyValueType type, string meaning) => new(name, type, meaning);

    private static PolicyKey Value(string name, PolicyValueType type, string meaning, Func<Policy, PolicyValue, Policy> apply) =>
        new(name, type, meaning) { Apply = apply };

    private static PolicyKey Size(string name, string meaning, Func<Policy, PolicyValue, Policy> apply) =>
        new(name, PolicyValueType.Size, meaning) { Minimum = 1, Apply = apply };

    private static PolicyKey Flag(string name, string meaning, Func<Policy, Setting<bool>, Policy> apply) =>
        new(name, PolicyValueType.Flag, meaning) { Apply = (p, v) => apply(p, new Setting<bool>(v.Flag, v.Span)) };

    private static PolicyKey Section(string name, string section) => new(name, PolicyValueType.Range, "the addresses of the kernel's " + section)
    {
        Apply = (p, v) => p with { KernelSections = p.KernelSections.Add(new KernelSection(section, v.Range) { Span = v.Span }) },
    };
}
