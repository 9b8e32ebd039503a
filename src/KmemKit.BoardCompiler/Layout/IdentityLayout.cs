using KmemKit.Architecture;
using KmemKit.BoardCompiler.Boards;
using KmemKit.BoardCompiler.Diagnostics;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>
/// The layout of a board without an MMU, or with an MPU only: virtual addresses are physical ones, all RAM is lowmem, and nothing else is mapped.
/// </summary>
/// <remarks>Source: arch/arm/mm/nommu.c and arch/arm/include/asm/memory.h (!CONFIG_MMU: PAGE_OFFSET is PHYS_OFFSET).</remarks>
internal static class IdentityLayout
{
    public static MemoryLayout? Plan(Board board, DiagnosticBag diagnostics)
    {
        var is64 = board.Architecture is TargetArchitecture.Arm64 or TargetArchitecture.X64 or TargetArchitecture.RiscV64;
        var ram = BankCollection.Collect(board, is64 ? 52 : 32, memIsAmount: true, diagnostics);
        BankCollection.TakeHoles(board, ram, diagnostics);
        if (diagnostics.HasErrors || !BankCollection.CheckAny(board, ram, diagnostics))
            return null;
        var start = ram.Start;
        var end = ram.End;
        var taken = ReservedPlacement.Place(board, PageGeometry.FourKiB, ram, end, diagnostics);
        taken.RemoveNoMap(ram);
        var ranges = new VirtualRangeList(diagnostics);
        ranges.Add("lowmem", start, end, SizeUnit.MB, default);
        var architecture = board.Architecture == TargetArchitecture.Unknown ? "" : "-" + board.Architecture.ToString().ToLowerInvariant();
        return LayoutAssembly.Assemble(board, diagnostics, new LayoutParts
        {
            Profile = "identity" + architecture,
            Pages = PageGeometry.FourKiB,
            PageOffset = start,
            PhysOffset = start,
            Low = ram,
            High = new Ram(),
            Ignored = new Ram(),
            Taken = taken,
            SpannedEnd = end,
            LowmemLimit = end,
            HighMemory = end,
            Virtual = ranges.ToImmutable(),
            Segments = [new LinearSegment(new PhysAddr(start), new VirtAddr(start), end - start)],
            Messages = [],
        });
    }
}
