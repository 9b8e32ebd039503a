using System;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Processes;

/// <summary>How processes share the addresses with the kernel.</summary>
public enum AddressSplit
{
    /// <summary>The kernel is mapped above every process: 3G/1G, 2G/2G, 1G/3G by CONFIG_VMSPLIT_*, the two halves on 64-bit.</summary>
    Shared,

    /// <summary>
    /// 4G/4G: a process has nearly all addresses and the kernel its own tables. Every entry into the kernel and every way back loads the other tables and drops
    /// all translations, and with virtually tagged caches their contents too. 32-bit kernels with one base register.
    /// </summary>
    FourGigabytesEach,
}

/// <summary>Where things are in a process: TASK_SIZE and what follows from it. Nothing is randomized.</summary>
/// <param name="TaskSize">TASK_SIZE: the first address that is no process's.</param>
/// <param name="StackTop">STACK_TOP: end of the first stack.</param>
/// <param name="MmapBase">mmap_base: areas are put below it, the highest free place first; then the legacy way up from <paramref name="UnmappedBase"/>.</param>
/// <param name="UnmappedBase">TASK_UNMAPPED_BASE, a third of TASK_SIZE.</param>
/// <param name="LowestAddress">vm.mmap_min_addr in bytes.</param>
/// <param name="Is64Bit">Whether its texts have 16 digits.</param>
public sealed record TaskLayout(ulong TaskSize, ulong StackTop, ulong MmapBase, ulong UnmappedBase, ulong LowestAddress, bool Is64Bit)
{
    private const ulong Megabyte = 1UL << 20;
    private const ulong StackLimit = 8 * Megabyte;

    /// <summary>The layout for a board's processes.</summary>
    /// <param name="layout">The board.</param>
    /// <param name="split">How addresses are shared.</param>
    /// <param name="compat">A 32-bit process on a 64-bit kernel.</param>
    /// <remarks>
    /// TASK_SIZE: 32-bit Arm PAGE_OFFSET less the 16 MiB of modules (arch/arm/include/asm/memory.h); x86-32 PAGE_OFFSET (asm/page_32_types.h); x86-64 2^47, or 2^56, less a page, compat
    /// 0xffffe000 (asm/page_64_types.h: IA32_PAGE_OFFSET); arm64 2^VA_BITS, compat 4 GiB with its stack below the vectors at 0xffff0000 (asm/processor.h); riscv32
    /// FIXADDR_START, riscv64 the lower half (asm/pgtable.h); 4G/4G 0xff000000 (the trampoline of the 4g_4g patch is above).
    /// </remarks>
    /// <exception cref="ArgumentException">The board has no such processes.</exception>
    public static TaskLayout Of(MemoryLayout layout, AddressSplit split = AddressSplit.Shared, bool compat = false)
    {
        ArgumentNullException.ThrowIfNull(layout);
        var architecture = layout.Board.Architecture;
        var is64 = architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;
        if (compat && (!is64 || architecture == TargetArchitecture.RiscV64))
            throw new ArgumentException($"{layout.Board.Name} has no 32-bit processes beside its own.", nameof(compat));
        if (split == AddressSplit.FourGigabytesEach && is64)
            throw new ArgumentException($"{layout.Board.Name} is a 64-bit board: 4G/4G is for 32-bit kernels.", nameof(split));
        var page = layout.Pages.PageSize;
        var size = architecture switch
        {
            _ when split == AddressSplit.FourGigabytesEach => 0xff00_0000,
            TargetArchitecture.Arm => Math.Min(layout.PageOffset.Value - (16 * Megabyte), LowestKernel(layout)),
            TargetArchitecture.X86 => Math.Min(layout.PageOffset.Value, LowestKernel(layout)),
            TargetArchitecture.Arm64 when compat => 1UL << 32,
            TargetArchitecture.X64 when compat => 0xffff_e000,
            TargetArchitecture.Arm64 => 1UL << (layout.Board.Policy.VaBits?.Value ?? 48),
            TargetArchitecture.X64 => (layout.PageOffset.Value < 0xffff_0000_0000_0000 ? 1UL << 56 : 1UL << 47) - page,
            _ => AddressClassifier.UserLimit(layout) ?? throw new ArgumentException($"{layout.Board.Name} has no user space that is known.", nameof(layout)),
        };
        size &= ~(page - 1);
        var top = architecture == TargetArchitecture.Arm64 && compat ? 0xffff_0000 : size;
        // mmap_base (arch/x86/mm/mmap.c): the stack's limit and its guard gap below the top, no less than 128 MiB, no more than five sixths.
        var gap = Math.Clamp(StackLimit + StackGuardGap(page), 128 * Megabyte, Math.Max(128 * Megabyte, size / 6 * 5));
        if (gap >= top)
            throw new ArgumentException($"{layout.Board.Name} leaves processes {size} bytes.", nameof(layout));
        var low = architecture == TargetArchitecture.Arm ? 0x8000UL : 0x1_0000;
        return new TaskLayout(size, top, (top - gap) & ~(page - 1), (size / 3 + page - 1) & ~(page - 1), Math.Max(low, page), is64 && !compat);
    }

    /// <summary>stack_guard_gap in bytes: 256 pages.</summary>
    internal static ulong StackGuardGap(ulong page) => 256 * page;

    // pkmap and modules lie below PAGE_OFFSET on 32-bit Arm.
    private static ulong LowestKernel(MemoryLayout layout) =>
        layout.Virtual.Where(range => range.Name is "pkmap" or "modules" or "lowmem" or "vmalloc").Select(range => range.Range.Start.Value).Append(ulong.MaxValue).Min();
}
