using KmemKit.Architecture.Mmu;

namespace KmemKit.Runtime.Mmu;

/// <summary>When a live descriptor may not be replaced by another one directly, but has to be made invalid and its translation invalidated first.</summary>
/// <remarks>
/// Arm demands it where a TLB could otherwise hold two translations that contradict each other: another output address, memory type, shareability, size of leaf, or
/// a global leaf where others were not (ARM DDI 0487, D8.17.1 "Using break-before-make when updating translation table entries"; DDI 0406C, B3.10.1). Other rights,
/// access flag, dirty state and software bits may change at once. x86 and RISC-V let software replace a descriptor and invalidate then (Intel SDM volume 3,
/// 4.10.4.2; RISC-V privileged architecture, SFENCE.VMA).
/// </remarks>
public static class BreakBeforeMake
{
    /// <summary>Whether the format's architecture has the rule.</summary>
    public static bool IsDemandedBy<TFormat>(in TFormat format) where TFormat : ITranslationFormat => format.TypeFor(MemoryUse.Cached).IsArm();

    /// <summary>Whether a descriptor may not be replaced directly.</summary>
    /// <param name="format">The format.</param>
    /// <param name="before">What is there.</param>
    /// <param name="after">What shall be there.</param>
    /// <param name="level">The level of both.</param>
    /// <param name="limits">What the tables above hand down.</param>
    public static bool IsNeeded<TFormat>(in TFormat format, ulong before, ulong after, int level, ulong limits)
        where TFormat : ITranslationFormat
    {
        if (before == after || !IsDemandedBy(format))
            return false;
        var (was, becomes) = (format.KindOf(before, level), format.KindOf(after, level));
        if (was is DescriptorKind.Invalid or DescriptorKind.Reserved || becomes is DescriptorKind.Invalid or DescriptorKind.Reserved)
            return false;
        if (was != becomes)
            return true;
        if (was == DescriptorKind.Table)
            return format.TableAddress(before, level) != format.TableAddress(after, level);
        var (old, now) = (format.DecodeLeaf(before, level, limits), format.DecodeLeaf(after, level, limits));
        return format.LeafAddress(before, level) != format.LeafAddress(after, level)
            || format.ShapeOf(before, level) != format.ShapeOf(after, level)
            || old.Memory != now.Memory
            || old.Shareability != now.Shareability
            || (now.IsGlobal && !old.IsGlobal);
    }
}
