using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
using KmemKit.BoardCompiler.Linear;
using KmemKit.BoardCompiler.Policies;

namespace KmemKit.Runtime.Boot;

/// <summary>What the kernel's own code and data take, in bytes; all 0 where the board says nothing about its image.</summary>
/// <param name="Code">.text.</param>
/// <param name="ReadWriteData">.data.</param>
/// <param name="ReadOnlyData">.rodata, where it is not counted with .text.</param>
/// <param name="Init">.init.</param>
/// <param name="Bss">.bss.</param>
public sealed record KernelImage(ulong Code, ulong ReadWriteData, ulong ReadOnlyData, ulong Init, ulong Bss)
{
    // __START_KERNEL_map (arch/x86/include/asm/page_64_types.h).
    private const ulong X64KernelMap = 0xffff_ffff_8000_0000;

    /// <summary>No image.</summary>
    public static KernelImage None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>The image of the policy's <c>CONFIG_KERNEL_TEXT</c>, <c>_INIT</c>, <c>_DATA</c>, <c>_BSS</c>.</summary>
    public static KernelImage Of(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy.KernelSections.IsEmpty ? None : new KernelImage(Size(".text"), Size(".data"), 0, Size(".init"), Size(".bss"));

        ulong Size(string name) =>
            policy.KernelSections.Where(section => section.Name == name).Select(static section => section.Range.Size.Wrapped).FirstOrDefault();
    }

    /// <summary>
    /// Where the image lies in RAM, from its first to its last byte as the kernel reserves it, one range for each segment of the linear map; empty where the
    /// board gives no image or its addresses mean nothing in this layout.
    /// </summary>
    internal static IEnumerable<PhysRange> Placement(MemoryLayout layout)
    {
        var sections = layout.Board.Policy.KernelSections.Where(static section => !section.Range.IsEmpty && !section.Range.End.IsTop).ToArray();
        if (sections.Length == 0)
            yield break;
        var start = sections.Min(static section => section.Range.Start.Value);
        var end = sections.Max(static section => section.Range.End.Value);
        var image = VirtRange.FromBounds(new VirtAddr(start), end);
        foreach (var segment in SegmentsOf(layout))
        {
            var part = segment.VirtRange.Intersect(image);
            if (!part.IsEmpty)
                yield return new PhysRange(segment.Phys + (part.Start.Value - segment.Virt.Value), part.Size);
        }
    }

    // 64-bit kernels map their image a second time, apart from the linear map.
    private static ImmutableArray<LinearSegment> SegmentsOf(MemoryLayout layout)
    {
        if (layout.Board.Architecture == TargetArchitecture.X64)
            return [new LinearSegment(PhysAddr.Zero, new VirtAddr(X64KernelMap), 1UL << 30)];
        var modules = layout.Virtual.FirstOrDefault(static range => range.Name == "modules");
        return layout.Board.Architecture == TargetArchitecture.Arm64 && modules is { Range.End.IsTop: false }
            ? layout.Linear.Segments.Add(new LinearSegment(layout.PhysOffset, new VirtAddr(modules.Range.End.Value), 1UL << 30))
            : layout.Linear.Segments;
    }
}
