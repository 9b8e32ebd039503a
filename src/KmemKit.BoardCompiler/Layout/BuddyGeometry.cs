using System;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>The block sizes of a kernel's page allocator, as its build fixes them.</summary>
/// <remarks>Source: arch/arm64/Kconfig (ARCH_FORCE_MAX_ORDER), include/linux/pageblock-flags.h, include/linux/cma.h.</remarks>
public static class BuddyGeometry
{
    private static readonly LinuxVersion PageblockAlignmentSince = new(5, 19);

    /// <summary>The largest block's order for a page size: 10 for 4 KiB, 11 for 16 KiB, 13 for 64 KiB.</summary>
    public static int MaxOrder(PageGeometry pages) => pages.PageShift switch { 14 => 11, 16 => 13, _ => 10 };

    /// <summary>pageblock_order: a huge page's where the architecture has such, else the largest block's; 32-bit Arm and MPU cores have none.</summary>
    /// <param name="board">The board.</param>
    /// <param name="pages">Its page size.</param>
    /// <param name="maxOrder">The largest block's order.</param>
    public static int PageBlockOrder(Board board, PageGeometry pages, int maxOrder)
    {
        var hasHugePages = board.UsesMmu
            && board.Architecture is TargetArchitecture.X86 or TargetArchitecture.X64 or TargetArchitecture.Arm64 or TargetArchitecture.RiscV64;
        // A table has pages of 8-byte entries; x86-32 without PAE has 4-byte ones.
        var hugeOrder = board.Architecture == TargetArchitecture.X86 && !(board.Policy.X86Pae?.Value ?? false) ? 10 : pages.PageShift - 3;
        return hasHugePages ? Math.Min(hugeOrder, maxOrder) : maxOrder;
    }

    /// <summary>CMA_MIN_ALIGNMENT_BYTES: contiguous areas start and end at multiples of it, a pageblock from 5.19 on, the largest block before.</summary>
    public static ulong CmaAlignment(Board board, PageGeometry pages)
    {
        var largest = MaxOrder(pages);
        var order = board.Policy.LinuxVersion is { } version && version.Value < PageblockAlignmentSince ? largest : PageBlockOrder(board, pages, largest);
        return pages.PageSize << order;
    }
}
