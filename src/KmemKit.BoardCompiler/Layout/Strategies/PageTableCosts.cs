using System.Collections.Generic;
using System.Linq;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout.Strategies;

/// <summary>Counts the page tables of a kernel on a 32-bit architecture.</summary>
/// <remarks>
/// <para>A last-level table is a page and maps one span: 2 MiB on Arm (two hardware tables of 1 MiB beside Linux' own, arch/arm/include/asm/pgtable-2level.h),
/// with LPAE and PAE 2 MiB, on x86 without PAE 4 MiB. The linear map needs one only where RAM does not fill sections: Arm maps a span by 1 MiB sections where
/// both ends of its part are aligned to one (alloc_init_section(), arch/arm/mm/mmu.c), x86 by large pages where it is full, and never the first
/// (init_memory_mapping(), arch/x86/mm/init.c).</para>
/// <para>Above them: 16 KiB of first-level table on Arm; with LPAE and PAE a page of middle-level entries for each GiB of the kernel and a first level
/// that is smaller than a page and counted as one; a page on x86 without PAE.</para>
/// </remarks>
internal static class PageTableCosts
{
    private const ulong Page = 4096;

    public static PageTableCost? Of(MemoryLayout layout)
    {
        var policy = layout.Board.Policy;
        var isArm = layout.Board.Architecture == TargetArchitecture.Arm;
        if (!layout.Board.UsesMmu || !(isArm || layout.Board.Architecture == TargetArchitecture.X86))
            return null;
        var isWide = isArm ? policy.ArmLpae is { Value: true } : policy.X86Pae is { Value: true };
        var span = !isArm && !isWide ? 4UL << 20 : 2UL << 20;
        var section = isArm && !isWide ? 1UL << 20 : span;
        var kernelGibibytes = ((1UL << 32) - layout.PageOffset.Value + (1UL << 30) - 1) >> 30;
        var upper = isWide ? Page + (kernelGibibytes * Page) : isArm ? 4 * Page : Page;
        return new PageTableCost(upper + ((ulong)Linear(layout, span, section, isArm).Count * Page), (ulong)Vmalloc(layout, span) * Page);
    }

    private static HashSet<ulong> Linear(MemoryLayout layout, ulong span, ulong section, bool isArm)
    {
        var tables = new HashSet<ulong>();
        foreach (var ram in layout.Linear.Ram)
        {
            if (ram.IsEmpty || layout.Linear.PhysToVirt(ram.Start, out var virt) != TranslationStatus.Ok)
                continue;
            var (start, last) = (virt.Value, virt.Value + (ram.Last - ram.Start));
            if (start % section != 0)
                tables.Add(start / span);
            if ((last + 1) % section != 0)
                tables.Add(last / span);
            // Fixed memory types of the processor may part the first one.
            if (!isArm && ram.Start.Value < span)
                tables.Add(start / span);
        }
        return tables;
    }

    // The parts of vmalloc that a reclaim strategy makes of holes may share a span with one another.
    private static int Vmalloc(MemoryLayout layout, ulong span)
    {
        var tables = new HashSet<ulong>();
        foreach (var range in layout.Virtual.Where(v => v.Name == "vmalloc" && !v.Range.IsEmpty).Select(v => v.Range))
        {
            for (var table = range.Start.Value / span; table <= range.End.Last / span; table++)
                tables.Add(table);
        }
        return tables.Count;
    }
}
