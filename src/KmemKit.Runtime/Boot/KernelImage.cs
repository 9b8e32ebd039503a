using System;
using System.Collections.Generic;
using System.Linq;
using KmemKit.Architecture;
using KmemKit.BoardCompiler.Layout;
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
    /// <summary>No image.</summary>
    public static KernelImage None { get; } = new(0, 0, 0, 0, 0);

    /// <summary>The image of the policy's <c>CONFIG_KERNEL_TEXT</c>, <c>_RODATA</c>, <c>_INIT</c>, <c>_DATA</c>, <c>_BSS</c>.</summary>
    public static KernelImage Of(Policy policy)
    {
        ArgumentNullException.ThrowIfNull(policy);
        return policy.KernelSections.IsEmpty ? None : new KernelImage(Size(".text"), Size(".data"), Size(".rodata"), Size(".init"), Size(".bss"));

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
        foreach (var segment in ImageSegments.Of(layout))
        {
            var part = segment.VirtRange.Intersect(image);
            if (!part.IsEmpty)
                yield return new PhysRange(segment.Phys + (part.Start.Value - segment.Virt.Value), part.Size);
        }
    }
}
