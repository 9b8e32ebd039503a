using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Sources;

namespace KmemKit.BoardCompiler.Policies;

/// <summary>What becomes of the virtual addresses behind holes in lowmem (Qualcomm msm 3.4, "Virtual Memory Reclaim").</summary>
public enum ReclaimStrategy
{
    /// <summary><c>CONFIG_NO_VM_RECLAIM</c>: nothing; a hole costs lowmem.</summary>
    None,

    /// <summary><c>CONFIG_DONT_MAP_HOLE_AFTER_MEMBANK0</c>: the largest hole is left out of the linear map.</summary>
    DontMapHole,

    /// <summary><c>CONFIG_ENABLE_VMALLOC_SAVING</c>: the virtual addresses of holes go to vmalloc.</summary>
    VmallocSaving,
}

/// <summary>How page descriptors are laid out.</summary>
public enum MemoryModelKind
{
    /// <summary><c>CONFIG_FLATMEM</c>: one array from the first frame to the last.</summary>
    Flat,

    /// <summary><c>CONFIG_SPARSEMEM</c>: one array per section that holds memory.</summary>
    Sparse,
}

/// <summary>Which object allocator serves <c>kmem_cache_alloc</c>.</summary>
public enum ObjectAllocatorKind
{
    /// <summary><c>CONFIG_SLUB</c>.</summary>
    Slub,

    /// <summary><c>CONFIG_SLAB</c>.</summary>
    Slab,

    /// <summary><c>CONFIG_SLOB</c>.</summary>
    Slob,
}

/// <summary>
/// The decisions that are not in the hardware: a Kconfig fragment and the kernel parameters, typed (design, section 9). What is null was not said;
/// each consumer documents its default.
/// </summary>
public sealed record Policy
{
    /// <summary><c>CONFIG_ARM</c>, <c>CONFIG_ARM64</c>, <c>CONFIG_X86_32</c>, <c>CONFIG_X86_64</c>, <c>CONFIG_RISCV</c>.</summary>
    public Setting<TargetArchitecture>? Architecture { get; init; }

    /// <summary><c>CONFIG_LINUX_VERSION</c>.</summary>
    public Setting<LinuxVersion>? LinuxVersion { get; init; }

    /// <summary><c>CONFIG_PAGE_OFFSET</c>, or what <c>CONFIG_VMSPLIT_*</c> stands for.</summary>
    public Setting<VirtAddr>? PageOffset { get; init; }

    /// <summary><c>CONFIG_PHYS_OFFSET</c>.</summary>
    public Setting<PhysAddr>? PhysOffset { get; init; }

    /// <summary><c>CONFIG_HIGHMEM</c> (x86-32: also <c>CONFIG_HIGHMEM4G</c>, <c>CONFIG_HIGHMEM64G</c>).</summary>
    public Setting<bool>? Highmem { get; init; }

    /// <summary><c>CONFIG_ARM_LPAE</c>.</summary>
    public Setting<bool>? ArmLpae { get; init; }

    /// <summary><c>CONFIG_X86_PAE</c>.</summary>
    public Setting<bool>? X86Pae { get; init; }

    /// <summary><c>CONFIG_X86_5LEVEL</c>.</summary>
    public Setting<bool>? X86FiveLevel { get; init; }

    /// <summary><c>CONFIG_THUMB2_KERNEL</c>.</summary>
    public Setting<bool>? Thumb2Kernel { get; init; }

    /// <summary><c>CONFIG_MODULES</c>.</summary>
    public Setting<bool>? Modules { get; init; }

    /// <summary><c>CONFIG_ARM_USE_USER_ACCESSIBLE_TIMERS</c> (msm: a page of timers below the vectors).</summary>
    public Setting<bool>? UserAccessibleTimers { get; init; }

    /// <summary><c>CONFIG_CPU_CACHE_VIPT_ALIASING</c>: aliasing VIPT caches, with which 32-bit Arm refuses highmem.</summary>
    public Setting<bool>? ViptAliasingCache { get; init; }

    /// <summary>The three msm reclaim strategies.</summary>
    public Setting<ReclaimStrategy>? Reclaim { get; init; }

    /// <summary><c>CONFIG_VMALLOC_END</c>.</summary>
    public Setting<VirtAddr>? VmallocEnd { get; init; }

    /// <summary><c>CONFIG_VMALLOC_RESERVE</c> in bytes.</summary>
    public Setting<ulong>? VmallocReserve { get; init; }

    /// <summary><c>CONFIG_FIXADDR_START</c>.</summary>
    public Setting<VirtAddr>? FixaddrStart { get; init; }

    /// <summary><c>CONFIG_FIXADDR_TOP</c>: end of the fixmap.</summary>
    public Setting<VirtAddr>? FixaddrTop { get; init; }

    /// <summary><c>CONFIG_PKMAP_BASE</c>.</summary>
    public Setting<VirtAddr>? PkmapBase { get; init; }

    /// <summary><c>CONFIG_CONSISTENT_DMA_SIZE</c> in bytes (32-bit Arm up to 3.1: the DMA line).</summary>
    public Setting<ulong>? ConsistentDmaSize { get; init; }

    /// <summary><c>CONFIG_FLATMEM</c> or <c>CONFIG_SPARSEMEM</c>.</summary>
    public Setting<MemoryModelKind>? MemoryModel { get; init; }

    /// <summary><c>CONFIG_SECTION_SIZE_BITS</c>.</summary>
    public Setting<int>? SectionSizeBits { get; init; }

    /// <summary><c>CONFIG_NUMA</c>.</summary>
    public Setting<bool>? Numa { get; init; }

    /// <summary><c>CONFIG_ZONE_DMA</c>.</summary>
    public Setting<bool>? ZoneDma { get; init; }

    /// <summary><c>CONFIG_ZONE_DMA_SIZE</c> in bytes.</summary>
    public Setting<ulong>? ZoneDmaSize { get; init; }

    /// <summary><c>CONFIG_ZONE_DMA32</c>.</summary>
    public Setting<bool>? ZoneDma32 { get; init; }

    /// <summary><c>CONFIG_MMU</c>; false is the MPU-only mode.</summary>
    public Setting<bool>? Mmu { get; init; }

    /// <summary><c>CONFIG_ARM_MPU</c>.</summary>
    public Setting<bool>? ArmMpu { get; init; }

    /// <summary><c>CONFIG_ARM64_4K_PAGES</c>, <c>_16K_</c>, <c>_64K_</c>.</summary>
    public Setting<PageGeometry>? PageGeometry { get; init; }

    /// <summary><c>CONFIG_ARM64_VA_BITS</c> (also <c>CONFIG_ARM64_VA_BITS_48=y</c> and its kin).</summary>
    public Setting<int>? VaBits { get; init; }

    /// <summary><c>CONFIG_PGTABLE_LEVELS</c>: the most levels of page tables that a RISC-V kernel is built for.</summary>
    public Setting<int>? PageTableLevels { get; init; }

    /// <summary><c>CONFIG_KASAN</c>.</summary>
    public Setting<bool>? Kasan { get; init; }

    /// <summary><c>CONFIG_MEMCG</c>.</summary>
    public Setting<bool>? MemoryCgroups { get; init; }

    /// <summary><c>CONFIG_SLAB</c>, <c>CONFIG_SLUB</c>, <c>CONFIG_SLOB</c>.</summary>
    public Setting<ObjectAllocatorKind>? ObjectAllocator { get; init; }

    /// <summary><c>CONFIG_SLUB_DEBUG_ON</c>.</summary>
    public Setting<bool>? SlubDebugOn { get; init; }

    /// <summary>
    /// The addresses of the kernel image's sections where the policy gives them, for <c>.text .rodata .init .init.text .data .bss</c>; <c>.init.text</c> is
    /// the part of <c>.init</c> that is code.
    /// </summary>
    public ImmutableArray<KernelSection> KernelSections { get; init; } = ImmutableArray<KernelSection>.Empty;

    /// <summary><c>CONFIG_KERNEL_PHYS</c>: where the image's first byte is loaded, for kernels whose image is not in the linear map.</summary>
    public Setting<PhysAddr>? KernelPhys { get; init; }

    /// <summary><c>CONFIG_KERNEL_IDMAP</c>: addresses that the code which turns translation on needs mapped one to one.</summary>
    public Setting<VirtRange>? IdentityMap { get; init; }

    /// <summary>The kernel parameters.</summary>
    public BootArguments Bootargs { get; init; } = new();
}

/// <summary>A section of the kernel image (<c>CONFIG_KERNEL_TEXT="0xc0008000-0xc0b51420"</c> and its kin for RODATA, INIT, DATA, BSS).</summary>
/// <param name="Name"><c>.text</c>, <c>.rodata</c>, <c>.init</c>, <c>.init.text</c>, <c>.data</c> or <c>.bss</c>.</param>
/// <param name="Range">Its virtual addresses.</param>
public sealed record KernelSection(string Name, VirtRange Range)
{
    /// <summary>The setting in the source.</summary>
    public SourceSpan Span { get; init; }
}
