using System.Collections.Immutable;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.BoardCompiler.Layout;

/// <summary>Where the addresses of a kernel image lead: the linear map, and the image's own map of the kernels that have one.</summary>
/// <remarks>
/// x86-64: __START_KERNEL_map, arch/x86/include/asm/page_64_types.h. arm64 from 4.6: KIMAGE_VADDR, the end of the modules
/// (arch/arm64/include/asm/memory.h). 64-bit RISC-V from 5.13: KERNEL_LINK_ADDR (arch/riscv/include/asm/pgtable.h). The loader chooses where the image lies:
/// <c>CONFIG_KERNEL_PHYS</c>, by default PHYS_OFFSET, on RISC-V 2 MiB behind the start of RAM.
/// </remarks>
public static class ImageSegments
{
    /// <summary>__START_KERNEL_map.</summary>
    public const ulong X64KernelMap = 0xffff_ffff_8000_0000;

    /// <summary>The most an image's own map can hold, in bytes: level2_kernel_pgt, the reach of adrp, and the one PUD of setup_vm alike.</summary>
    internal const ulong Reach = 1UL << 30;

    /// <summary>The segments, the image's own first.</summary>
    public static ImmutableArray<LinearSegment> Of(MemoryLayout layout) =>
        Own(layout) is { } own ? layout.Linear.Segments.Insert(0, own) : layout.Linear.Segments;

    /// <summary>The image's own map; null where the image lies in the linear map.</summary>
    public static LinearSegment? Own(MemoryLayout layout)
    {
        if (layout is null)
            throw new System.ArgumentNullException(nameof(layout));
        var policy = layout.Board.Policy;
        if (layout.Board.Architecture == TargetArchitecture.X64)
            return Segment(X64KernelMap, policy.KernelPhys is null ? 0 : null);
        if (layout.Board.Architecture == TargetArchitecture.RiscV64)
            return RiscV.KernelImage.MapOf(layout);
        if (layout.Board.Architecture != TargetArchitecture.Arm64)
            return null;
        foreach (var range in layout.Virtual)
        {
            // Up to 4.5 the modules end where the linear map begins, and the image is in that.
            if (range.Name == "modules" && !range.Range.End.IsTop && range.Range.End != layout.PageOffset.Value)
                return Segment(range.Range.End.Value, policy.KernelPhys is null ? layout.PhysOffset.Value : null);
        }
        return null;

        LinearSegment Segment(ulong map, ulong? phys) => phys is { } start
            ? new LinearSegment(new PhysAddr(start), new VirtAddr(map), Reach)
            : FromImage(map, policy);
    }

    // The image's first byte at CONFIG_KERNEL_PHYS: the map begins there, or at the image where that is nearer to the map's start than memory to 0.
    private static LinearSegment FromImage(ulong map, Policy policy)
    {
        var first = ulong.MaxValue;
        foreach (var section in policy.KernelSections)
        {
            if (section.Range.Start.Value >= map && section.Range.Start.Value < first)
                first = section.Range.Start.Value;
        }
        var phys = policy.KernelPhys!.Value.Value.Value;
        if (first == ulong.MaxValue)
            return new LinearSegment(new PhysAddr(phys), new VirtAddr(map), Reach);
        var offset = System.Math.Min(first - map, phys);
        return new LinearSegment(new PhysAddr(phys - offset), new VirtAddr(first - offset), Reach - (first - offset - map));
    }
}
